import Testing

@testable import MiniAsync

/// Every interleaving of one registering thread and several waking ones on ``WakerCellState``.
@Suite struct WakerCellModelTests {
  struct Model: Hashable {
    var state = WakerCellState.idle
    /// Whether the waker is in the cell. It is always the same one, of one waiter.
    var cell = false
    /// Who may touch the cell: thread numbers.
    var owners: Set<Int> = []
    /// How much was published; the waking threads add 1 each before they wake.
    var published = 0
    /// Whether the waiter was woken since it began to register.
    var woken = false

    /// The registering thread: its step, and what it has seen.
    var registerStep = RegisterStep.begin
    var seen = 0
    var missed = false

    var wakers: [Waking]

    enum RegisterStep: Hashable { case begin, store, end, takeMissed, endMissed, look, sleep }
    enum WakeStep: Hashable { case publish, begin, take, end, call, done }
    struct Waking: Hashable {
      var step = WakeStep.publish
      var taken = false
      var left: Int
    }
  }

  static func step(_ model: Model, _ thread: Int) -> Model? {
    var next = model
    if thread > 0 { return wakeStep(&next, thread) ? next : nil }
    switch model.registerStep {
    case .begin:
      switch next.state.beginRegister() {
      case .own:
        next.owners.insert(0)
        next.registerStep = .store
      case .wakeRegistered:
        next.woken = true
        next.registerStep = .look
      case .none: return nil
      }
    case .store:
      next.cell = true
      next.registerStep = .end
    case .end:
      if next.state.endRegister() == .wakeRegistered {
        next.registerStep = .takeMissed
      } else {
        next.owners.remove(0)
        next.registerStep = .look
      }
    case .takeMissed:
      next.missed = next.cell
      next.cell = false
      next.registerStep = .endMissed
    case .endMissed:
      _ = next.state.endWake()
      next.owners.remove(0)
      if next.missed { next.woken = true }
      next.missed = false
      next.registerStep = .look
    case .look:
      next.seen = next.published
      next.registerStep = .sleep
    case .sleep:
      // Goes on only when it was woken, as a waiter does.
      guard next.woken else { return nil }
      next.woken = false
      next.registerStep = .begin
    }
    return next
  }

  static func wakeStep(_ next: inout Model, _ thread: Int) -> Bool {
    var waking = next.wakers[thread - 1]
    switch waking.step {
    case .publish:
      if waking.left == 0 { return false }
      waking.left -= 1
      next.published += 1
      waking.step = .begin
    case .begin:
      if next.state.beginWake() == .own {
        next.owners.insert(thread)
        waking.step = .take
      } else {
        waking.step = waking.left > 0 ? .publish : .done
      }
    case .take:
      waking.taken = next.cell
      next.cell = false
      waking.step = .end
    case .end:
      _ = next.state.endWake()
      next.owners.remove(thread)
      waking.step = .call
    case .call:
      if waking.taken { next.woken = true }
      waking.taken = false
      waking.step = waking.left > 0 ? .publish : .done
    case .done: return false
    }
    next.wakers[thread - 1] = waking
    return true
  }

  @Test(arguments: [[1], [2], [3], [1, 1], [2, 1], [2, 2], [1, 1, 1], [2, 1, 1]])
  func `no wake is lost and the waker has one owner`(wakes: [Int]) {
    let explorer = Explorer<Model>(
      threads: 1 + wakes.count,
      step: Self.step,
      violation: { $0.owners.count > 1 ? "two owners: \($0.owners)" : nil },
      finalViolation: { model in
        if model.registerStep != .sleep { return "the registering thread is stuck" }
        return model.seen == model.published
          ? nil : "sleeps having seen \(model.seen) of \(model.published)"
      })
    let outcome = explorer.explore(from: Model(wakers: wakes.map { .init(left: $0) }))
    #expect(outcome.failure == nil, "\(outcome.failure?.message ?? "")\n\(outcome.failure?.trace ?? "")")
    #expect(outcome.finals > 0 && outcome.states > 10)
  }

  @Test func `the transitions`() {
    var state = WakerCellState.idle
    expect(state.beginRegister() == .own)
    expect(state.beginRegister() == .none)
    expect(state.endRegister() == .none)
    #expect(state == .idle)
    expect(state.beginWake() == .own)
    expect(state.beginWake() == .none)
    expect(state.beginRegister() == .wakeRegistered)
    expect(state.endWake() == .none)
    #expect(state == .idle)
    expect(state.beginRegister() == .own)
    expect(state.beginWake() == .none)
    expect(state.endRegister() == .wakeRegistered)
    expect(state.endWake() == .none)
    #expect(state == .idle)
  }
}
