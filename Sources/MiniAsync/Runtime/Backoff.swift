/// How to pass the time between two looks at futures that cannot call back: a pure value.
///
/// First it looks again at once, then it pauses for longer and longer, then it sleeps for longer
/// and longer. Any progress starts it anew.
@usableFromInline
struct Backoff {
  /// What to do before the next look.
  @usableFromInline
  enum Step: Equatable {
    /// Look again at once.
    case again
    /// Execute this many CPU pauses.
    case pause(Int)
    /// Sleep for this many nanoseconds, unless something is woken.
    case sleep(Int64)
  }

  /// The longest sleep, in nanoseconds.
  let longestSleep: Int64
  private var step = 0

  /// Looks without any pause.
  static let immediate = 64
  /// Looks with a pause of 16 CPU pauses at first, doubled every eighth time.
  static let paused = 64
  private static let firstSleep: Int64 = 10_000

  init(longestSleep: Int64) { self.longestSleep = longestSleep }

  mutating func reset() { step = 0 }

  mutating func next() -> Step {
    let now = step
    if now < Self.immediate {
      step += 1
      return .again
    }
    if now < Self.immediate + Self.paused {
      step += 1
      return .pause(16 << ((now - Self.immediate) / 8))
    }
    let doublings = now - Self.immediate - Self.paused
    if doublings < 32 { step += 1 }
    return .sleep(min(longestSleep, Self.firstSleep << Int64(doublings)))
  }
}
