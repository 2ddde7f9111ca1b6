/// A clockwork: instants at equal distances, without drift.
///
///     var ticker = FiberTicker(every: .milliseconds(100))
///     while true {
///       try ticker.wait()
///       report()
///     }
///
/// For one fiber.
public struct FiberTicker {
  /// The distance of two ticks.
  public let interval: Duration
  /// When the next tick is due.
  public private(set) var next: FiberClock.Instant

  /// A clockwork whose first tick comes one interval from now.
  ///
  /// - Parameter interval: The distance of two ticks, at least a nanosecond.
  public init(every interval: Duration) {
    require(
      interval >= .nanoseconds(1),
      "FiberTicker: ticks need a nanosecond between them, not \(interval)")
    self.interval = interval
    next = FiberClock.now.advanced(by: interval)
  }

  /// Parks the running fiber until the next tick; returns at once, after a turn, when that is past.
  ///
  /// - Returns: How many ticks were missed meanwhile: 0 when the fiber came in time. They are left
  ///   out, not made up for.
  /// - Throws: ``FiberCancelled`` when the fiber is cancelled or its deadline passes first; the tick
  ///   is still due then.
  /// - Precondition: Called by a fiber.
  @available(*, noasync, message: "it parks a fiber, not a task")
  @discardableResult
  public mutating func wait() throws(FiberCancelled) -> Int {
    try Fiber.sleep(until: next)
    let step = interval.clampedNanoseconds
    let late = max(0, FiberClock.now.nanoseconds - next.nanoseconds)
    let missed = late / step
    next = next.advanced(by: interval * (Int(missed) + 1))
    return Int(missed)
  }
}
