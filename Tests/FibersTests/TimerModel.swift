import Fibers
import TestSupport

/// What a ``TimerWheel`` shall do, as a sorted list.
struct TimerModel {
  struct Timer: Equatable {
    var deadline: Int64
    var arming: Int
    var id: UInt32
  }

  /// The first one first.
  private(set) var timers: [Timer] = []
  private var armings = 0

  var earliest: Int64? { timers.first?.deadline }

  func isArmed(_ id: UInt32) -> Bool { timers.contains { $0.id == id } }

  mutating func disarm(_ id: UInt32) { timers.removeAll { $0.id == id } }

  mutating func arm(_ id: UInt32, at deadline: Int64) {
    disarm(id)
    // It is the last armed, so it goes behind all of the same deadline.
    let index = timers.firstIndex { $0.deadline > deadline } ?? timers.count
    timers.insert(Timer(deadline: deadline, arming: armings, id: id), at: index)
    armings += 1
  }

  mutating func popExpired(now: Int64) -> UInt32? {
    guard let first = timers.first, first.deadline <= now else { return nil }
    return timers.removeFirst().id
  }
}

/// Where the deadlines of a random program lie, and how its time goes.
enum TimerProgram: CaseIterable, Sendable {
  /// Within a few ticks.
  case near
  /// Any number of bits away from now.
  case allScales
  /// Beginnings of slots of all levels, and a nanosecond before and after.
  case boundaries
  /// A handful of deadlines for all.
  case bursts
  /// The whole range of 64 bits.
  case anywhere
  /// Both ends of the range.
  case extremes
}

/// Does the same random things to a wheel and to the model.
struct TimerComparison: ~Copyable {
  private static let tick: Int64 = 1 << 20

  let program: TimerProgram
  private let ids: ClosedRange<UInt32>
  private var random: Seed
  private var now: Int64
  private var wheel: TimerWheel
  private var model = TimerModel()
  /// Looks that found nothing, since the earliest timer became the earliest.
  private var spuriousLooks = 0

  init(_ program: TimerProgram, seed: UInt64) {
    self.program = program
    random = Seed(seed)
    ids = 0...[0, 3, 40, 5000].randomElement(using: &random)!
    switch program {
    case .extremes: now = [Int64.min, .max - Self.tick, .max].randomElement(using: &random)!
    case .anywhere: now = .random(in: .min ... .max, using: &random)
    default:
      // Around zero; where the clock of a machine is; and just before many digits change.
      now = [-3 * Self.tick, 0, 86_400_000_000_000, 1 << 50 - 5].randomElement(using: &random)!
    }
    wheel = TimerWheel(now: now)
  }

  /// Does `steps` things.
  ///
  /// - Returns: What was not as in the model, or `nil`.
  mutating func run(steps: Int) -> String? {
    for step in 0..<steps {
      if let difference = step % 50 == 49 ? follow() : act() ?? check() {
        return "\(difference) at step \(step) of \(program), now \(now)"
      }
    }
    while let id = model.popExpired(now: .max) {
      let popped = wheel.popExpired(now: .max)
      guard popped == id else { return "\(show(popped)) instead of \(id) at the end of \(program)" }
    }
    return wheel.isEmpty && wheel.nextWake == nil ? nil : "not empty at the end of \(program)"
  }

  private mutating func act() -> String? {
    let id = UInt32.random(in: ids, using: &random)
    switch Int.random(in: 0..<10, using: &random) {
    case 0..<5:
      let deadline = self.deadline()
      wheel.arm(id, at: deadline)
      model.arm(id, at: deadline)
    case 5..<7:
      wheel.disarm(id)
      model.disarm(id)
    case 7:
      // Some, not all.
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        if let difference = pop() { return difference }
      }
    default:
      now = later()
      return popAll()
    }
    return nil
  }

  private mutating func pop() -> String? {
    let expected = model.popExpired(now: now)
    let popped = wheel.popExpired(now: now)
    return popped == expected ? nil : "popped \(show(popped)) instead of \(show(expected))"
  }

  private mutating func popAll() -> String? {
    repeat {
      if let difference = pop() { return difference }
    } while model.earliest.map { $0 <= now } ?? false
    if let difference = pop() { return difference }
    guard let wake = wheel.nextWake else { return nil }
    if wake <= now { return "no progress: \(wake) is next" }
    if let earliest = model.earliest, earliest >> 20 == now >> 20, wake != earliest {
      return "\(wake) instead of \(earliest) in the tick"
    }
    return nil
  }

  /// Sleeps as a scheduler does, until all timers are gone or some have been.
  private mutating func follow() -> String? {
    if let difference = popAll() { return difference }
    var spurious = 0
    for _ in 0..<200 {
      guard let wake = wheel.nextWake else { break }
      let left = model.timers.count
      now = wake
      if let difference = popAll() ?? check() { return difference }
      spurious = model.timers.count == left ? spurious + 1 : 0
      if spurious > 8 { return "more than a spurious look a level" }
    }
    return nil
  }

  private func check() -> String? {
    if wheel.count != model.timers.count { return "\(wheel.count) timers" }
    if wheel.isEmpty != model.timers.isEmpty { return "isEmpty is \(wheel.isEmpty)" }
    // Of many ids, those around the first.
    for id in ids.prefix(50) where wheel.isArmed(id) != model.isArmed(id) {
      return "isArmed(\(id)) is \(wheel.isArmed(id))"
    }
    switch (wheel.nextWake, model.earliest) {
    case (nil, nil): return nil
    case (let wake?, let earliest?): return wake <= earliest ? nil : "\(wake) > \(earliest)"
    case (let wake, let earliest): return "\(show(wake)) for \(show(earliest))"
    }
  }

  private mutating func deadline() -> Int64 {
    switch program {
    case .near: return now + .random(in: -Self.tick...4 * Self.tick, using: &random)
    case .allScales: return moved(by: distance())
    case .boundaries: return boundary()
    case .bursts:
      // Every deadline for a while, some of them in the past.
      let second: Int64 = 1_000_000_000
      return (now / second + .random(in: 0...3, using: &random)) * second
    case .anywhere: return .random(in: .min ... .max, using: &random)
    case .extremes:
      let ticks = Int64.random(in: 0...3, using: &random)
      let away = ticks * .random(in: 0...Self.tick, using: &random)
      return Bool.random(using: &random) ? .max - away : .min + away
    }
  }

  private mutating func later() -> Int64 {
    switch Int.random(in: 0..<8, using: &random) {
    case 0: return now
    case 1: return moved(by: 1)
    case 2: return moved(by: Self.tick)
    case 3: return wheel.nextWake.map { max(now, $0) } ?? now
    case 4: return wheel.nextWake.map { max(now, $0 == .min ? .min : $0 - 1) } ?? now
    case 5: return max(now, boundary())
    case 6: return moved(by: distance() >> (program == .near ? 40 : 0))
    // Back: not what a monotonic clock does, and yet no reason for a wrong order.
    default: return moved(by: -.random(in: 0...2 * Self.tick, using: &random))
    }
  }

  /// A random number of random length.
  private mutating func distance() -> Int64 {
    // Far jumps are rare, or there would be no time left after a few.
    let bits = Int.random(in: 0..<8, using: &random) == 0 ? 62 : 45
    let length = Int.random(in: 0...bits, using: &random)
    return .random(in: 0...(1 << length), using: &random)
  }

  private func moved(by distance: Int64) -> Int64 {
    let (sum, overflow) = now.addingReportingOverflow(distance)
    return overflow ? (distance < 0 ? .min : .max) : sum
  }

  /// The beginning of a slot after now, or a nanosecond before or after.
  private mutating func boundary() -> Int64 {
    let bits = 20 + 6 * Int64.random(in: 0...5, using: &random)
    let slot = (now >> bits) + .random(in: 0...70, using: &random)
    let nanosecond = Int64.random(in: -1...1, using: &random)
    // Beyond the range: what is next to now.
    guard slot < Int64.max >> bits else { return moved(by: nanosecond) }
    return max(slot << bits, .min + 1) + nanosecond
  }

  private func show<T>(_ value: T?) -> String { value.map { "\($0)" } ?? "nothing" }
}
