/// Deadlines.
extension Fiber where Success == Never, Failure == Never {
  /// Runs `body` with a deadline: from then on every suspension in there throws.
  ///
  /// Bounds whatever the fiber waits for in `body`, however deep; no call needs a time limit of its
  /// own. What need not wait goes on working; a fiber that computes meets the deadline at a suspension
  /// after the runtime has looked at the clock (61 turns, or about 100 us, at the latest). A wake that comes first counts, however late the fiber
  /// has its turn. Deadlines may be inside each other, and each knows whether it was the one that
  /// fired:
  ///
  ///     try Fiber.withDeadline(.now.advanced(by: .seconds(5))) {
  ///       do {
  ///         try Fiber.withTimeout(.seconds(1)) { first = try results.receive() }
  ///       } catch is DeadlineExceeded {
  ///         first = nil  // one second has passed, and the five of the outer one go on
  ///       }
  ///       try finish(first)
  ///     }
  ///
  /// What `body` had done when it was cut short is for `body` to tell: ``IOPartialError``, which says
  /// how many bytes were moved, is to be caught in there.
  ///
  /// A fiber spawned in `body` does not have the deadline; a join in `body` does.
  /// ``shield(_:)`` keeps it out.
  ///
  /// - Parameters:
  ///   - instant: When suspensions begin to throw. One in the past is met by the first suspension.
  ///   - body: What to bound.
  /// - Returns: What `body` returns.
  /// - Throws: ``DeadlineExceeded`` when this deadline has cut `body` short; else what `body` throws.
  /// - Precondition: Called by a fiber.
  /// - Complexity: O(1), no allocation.
  @available(*, noasync, message: "it is for fibers")
  @inlinable
  public static func withDeadline<Value: ~Copyable>(
    _ instant: FiberClock.Instant, _ body: () throws -> Value
  ) throws -> Value {
    let scheduler = deadlineScheduler()
    // The outer one fires first, or with this one: then it is the outer one's error.
    if scheduler.hasDeadline(upTo: instant.nanoseconds) { return try body() }
    var scope = DeadlineScope(instant: instant.nanoseconds)
    var passed = false
    do {
      // SAFETY: the scope is on this stack, in force until leaveDeadline, before it is gone.
      return try unsafe withUnsafeMutablePointer(to: &scope) { scope in
        unsafe scheduler.enterDeadline(scope)
        defer { passed = scheduler.leaveDeadline() }
        return try body()
      }
    } catch {
      throw passed ? DeadlineExceeded.instead(of: error, at: instant) : error
    }
  }

  @usableFromInline
  static func deadlineScheduler() -> Scheduler { fiberScheduler("Fiber.withDeadline") }

  /// Runs `body` with a time limit; see ``withDeadline(_:_:)``.
  ///
  /// - Parameters:
  ///   - limit: How long `body` may take until its suspensions begin to throw.
  ///   - body: What to bound.
  /// - Returns: What `body` returns.
  /// - Throws: ``DeadlineExceeded`` when this limit has cut `body` short; else what `body` throws.
  /// - Precondition: Called by a fiber.
  @available(*, noasync, message: "it is for fibers")
  @inlinable
  public static func withTimeout<Value: ~Copyable>(
    _ limit: Duration, _ body: () throws -> Value
  ) throws -> Value {
    try withDeadline(FiberClock.now.advanced(by: limit), body)
  }

  /// The deadline in force for the running fiber, if any.
  public static var deadline: FiberClock.Instant? {
    guard let scheduler = Scheduler.current, let scope = unsafe scheduler.fiber.deadline else {
      return nil
    }
    return unsafe FiberClock.Instant(nanoseconds: scope.pointee.instant)
  }
}

/// What ``Fiber/withDeadline(_:_:)`` throws when its own deadline has cut its body short.
public struct DeadlineExceeded: Error, Hashable, Sendable, CustomStringConvertible {
  /// The deadline that has passed.
  public let deadline: FiberClock.Instant

  /// In words.
  public var description: String { "the deadline has passed" }

  /// What to throw where the deadline at `instant` was set and has passed.
  @usableFromInline
  static func instead(of error: any Error, at instant: FiberClock.Instant) -> any Error {
    guard let error = error as? any FiberInterruption, error.interruption?.cause == .deadline else {
      return error
    }
    return DeadlineExceeded(deadline: instant)
  }
}
