import TestSupport

/// A small language of what fibers do with channels, locks and time.
indirect enum WaitStep {
  case yield, checkCancellation
  case sleep(Int64)
  case send(Int)
  case receive(Int)
  case trySend(Int)
  case tryReceive(Int)
  case close(Int)
  case lock(Int, [WaitStep])
  case permit([WaitStep])
  case deadline(Int64, [WaitStep])
  case shield([WaitStep])
  /// A fiber that runs the program with this number.
  case spawn(Int)
  /// By number, modulo those there are.
  case cancel(Int)
  case join(Int)
  /// Go on when that throws.
  case caught(WaitStep)
}

/// Programs that spawn each other, starting with number 0.
struct WaitPrograms {
  static let fiberLimit = 60
  static let channelCapacities = [0, 1, 3]
  static let mutexCount = 3

  var programs: [[WaitStep]] = []

  init(_ seed: inout Seed) {
    for number in 0..<6 {
      // The first one spawns each of the others, several times.
      let first = (0..<(number == 0 ? 10 : 0)).map { WaitStep.spawn($0 % 5 + 1) }
      let count = Int.random(in: 3...12, using: &seed)
      programs.append(first + Self.steps(count, Context(), &seed))
    }
  }

  /// What encloses a step.
  private struct Context {
    var depth = 0
    var held: Set<Int> = []
    /// In a shield without a deadline: what may wait for ever is not for there, as nothing could
    /// ever end it.
    var mustEnd = false

    func inner() -> Context {
      var copy = self
      copy.depth += 1
      return copy
    }
  }

  private static func steps(
    _ count: Int, _ context: Context, _ seed: inout Seed
  ) -> [WaitStep] {
    (0..<count).map { _ in
      let step = step(context, &seed)
      return Int.random(in: 0..<3, using: &seed) > 0 ? .caught(step) : step
    }
  }

  private static func body(_ context: Context, _ seed: inout Seed) -> [WaitStep] {
    steps(Int.random(in: 0...4, using: &seed), context, &seed)
  }

  private static func step(_ context: Context, _ seed: inout Seed) -> WaitStep {
    let channel = Int.random(in: 0..<channelCapacities.count, using: &seed)
    let fiber = Int.random(in: 0..<1000, using: &seed)
    // Few different times, so that many things happen at the same instant.
    let time = Int64.random(in: 0...6, using: &seed) * 10
    switch Int.random(in: 0..<(context.depth < 3 ? 38 : 28), using: &seed) {
    case 0, 1: return .yield
    case 2: return .checkCancellation
    case 3, 4, 5, 6: return .sleep(time)
    case 7, 8: return .trySend(channel)
    case 9, 10: return .tryReceive(channel)
    case 11, 12: return .spawn(Int.random(in: 1..<6, using: &seed))
    case 13, 14, 15: return .cancel(fiber)
    case 16 where Int.random(in: 0..<4, using: &seed) == 0: return .close(channel)
    case 17, 18: return context.mustEnd ? .yield : .join(fiber)
    case 19, 20, 21, 22, 23: return context.mustEnd ? .trySend(channel) : .send(channel)
    case 24, 25, 26, 27, 16: return context.mustEnd ? .tryReceive(channel) : .receive(channel)
    case 28, 29, 30:
      let mutex = Int.random(in: 0..<mutexCount, using: &seed)
      if context.mustEnd || context.held.contains(mutex) { return .yield }
      var inner = context.inner()
      inner.held.insert(mutex)
      return .lock(mutex, body(inner, &seed))
    case 31, 32:
      return context.mustEnd ? .yield : .permit(body(context.inner(), &seed))
    case 33, 34, 35:
      var inner = context.inner()
      inner.mustEnd = false
      return .deadline(time, body(inner, &seed))
    default:
      var inner = context.inner()
      inner.mustEnd = true
      return .shield(body(inner, &seed))
    }
  }
}
