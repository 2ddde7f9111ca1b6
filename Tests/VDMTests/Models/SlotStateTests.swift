import Testing

@testable import VDM

/// Every order in which a future and the workers can act on a slot.
@Suite struct SlotStateTests {
  /// A slot with all that happens to it.
  struct System: Hashable {
    enum Owner: Hashable { case idle, waiting, stopped, gone }
    enum Worker: Hashable { case none, queued, working, finished }

    var slot = SlotState.owned
    var owner = Owner.idle
    var worker = Worker.none
    var frees = 0
    var performs = 0
    var wakes = 0
  }

  enum Step: CaseIterable {
    case submit, drop, cancel, collect, begin, finish
  }

  /// The system after a step, or `nil` if nobody can take it now.
  func apply(_ step: Step, to old: System) -> System? {
    var system = old
    var action = SlotState.Action.none
    switch step {
    case .submit:
      guard old.owner == .idle else { return nil }
      system.slot = .queued
      system.owner = .waiting
      system.worker = .queued
    case .drop:
      guard old.owner == .idle || old.owner == .waiting else { return nil }
      action = system.slot.abandon()
      system.owner = .gone
    case .cancel:
      guard old.owner == .waiting else { return nil }
      action = system.slot.stop()
      if system.slot == .queuedStopped { system.owner = .stopped }
    case .collect:
      guard old.owner == .waiting, old.slot == .done else { return nil }
      action = system.slot.abandon()
      system.owner = .gone
    case .begin:
      guard old.worker == .queued else { return nil }
      action = system.slot.begin()
      system.worker = action == .perform ? .working : .finished
    case .finish:
      guard old.worker == .working else { return nil }
      action = system.slot.finish()
      system.worker = .finished
    }
    switch action {
    case .none: break
    case .perform: system.performs += 1
    case .wake: system.wakes += 1
    case .free: system.frees += 1
    }
    return system
  }

  @Test func `in every order a slot is freed exactly once and done at most once`() {
    var seen: Set<System> = [System()]
    var frontier: [(System, [Step])] = [(System(), [])]
    var ends = 0
    while let (system, trace) = frontier.popLast() {
      var isEnd = true
      for step in Step.allCases {
        guard let next = apply(step, to: system) else { continue }
        if next != system { isEnd = false }
        let trace = trace + [step]
        #expect(system.frees == 0 || step == .begin && next.frees == 1, "used when free: \(trace)")
        #expect(next.frees <= 1, "freed twice: \(trace)")
        #expect(next.performs <= 1, "done twice: \(trace)")
        #expect(next.owner != .stopped || next.performs == 0, "done though stopped: \(trace)")
        #expect(next.wakes == 0 || next.owner != .stopped, "woken though stopped: \(trace)")
        if seen.insert(next).inserted { frontier.append((next, trace)) }
      }
      if isEnd {
        ends += 1
        #expect(system.frees == 1, "lost: \(trace)")
        #expect(
          system.performs == (trace.contains(.submit) && system.owner != .stopped ? 1 : 0),
          "started and not done, or the other way round: \(trace)")
      }
    }
    #expect(ends > 0)
    #expect(seen.count > 10)
    #expect(
      Set(seen.map(\.slot)) == [
        .owned, .queued, .queuedAbandoned, .queuedStopped, .begun, .begunAbandoned, .done,
      ])
  }

  @Test func `a worker that finishes wakes only a future that is there`() {
    var waiting = SlotState.begun
    #expect(waiting.finish() == .wake)
    #expect(waiting == .done)
    var abandoned = SlotState.begunAbandoned
    #expect(abandoned.finish() == .free)
  }

  @Test func `only what is in the queue can be stopped`() {
    for state in [SlotState.owned, .begun, .done] {
      var stopped = state
      #expect(stopped.stop() == .none)
      #expect(stopped == state)
    }
    var queued = SlotState.queued
    #expect(queued.stop() == .none)
    #expect(queued == .queuedStopped)
    #expect(queued.begin() == .free)
  }
}
