/// Sleeping.
extension Fiber where Success == Never, Failure == Never {
  /// Parks the running fiber for so long; others run.
  ///
  /// Fibers that end their sleep at the same time go on in the order of their instants, to the
  /// nanosecond. Zero or less gives the others one turn, as ``yield()``.
  ///
  /// - Parameter duration: How long, at least.
  /// - Throws: ``FiberCancelled`` when the fiber is cancelled or its deadline passes first.
  /// - Precondition: Called by a fiber.
  /// - Complexity: O(1), no allocation.
  @available(*, noasync, message: "it parks a fiber, not a task; use Task.sleep")
  public static func sleep(for duration: Duration) throws(FiberCancelled) {
    let scheduler = fiberScheduler("Fiber.sleep")
    let now = FiberClock.Instant(nanoseconds: scheduler.readClock())
    try scheduler.sleep(until: now.advanced(by: duration).nanoseconds)
  }

  /// Parks the running fiber until `instant`; see ``sleep(for:)``.
  ///
  /// - Parameter instant: When to go on.
  /// - Throws: ``FiberCancelled`` when the fiber is cancelled or its deadline passes first.
  /// - Precondition: Called by a fiber.
  @available(*, noasync, message: "it parks a fiber, not a task; use Task.sleep")
  public static func sleep(until instant: FiberClock.Instant) throws(FiberCancelled) {
    try fiberScheduler("Fiber.sleep").sleep(until: instant.nanoseconds)
  }

  /// Parks the running fiber until another clock shows `instant`.
  ///
  /// Sleeps for what is left, and again if that clock then shows less.
  ///
  /// - Parameters:
  ///   - instant: When to go on.
  ///   - clock: The clock that counts.
  /// - Throws: ``FiberCancelled`` when the fiber is cancelled or its deadline passes first.
  /// - Precondition: Called by a fiber.
  @available(*, noasync, message: "it parks a fiber, not a task; use Task.sleep")
  public static func sleep<C: Clock>(
    until instant: C.Instant, clock: C
  ) throws(FiberCancelled) where C.Duration == Duration {
    var left = clock.now.duration(to: instant)
    repeat {
      try sleep(for: left)
      left = clock.now.duration(to: instant)
    } while left > .zero
  }
}
