/// Something that can be woken, from any thread.
///
/// A waiter (a runtime, a fiber, a task) conforms and hands out ``Waker``s, each with a token that
/// tells which of its futures was meant. A waker can outlive the wait it was made for: the target
/// treats a token that means nothing any more as if it had not come.
public protocol WakeTarget: AnyObject, Sendable {
  /// Notes that the future of `token` wants to be polled.
  ///
  /// Called from any thread, any number of times, also during the poll and after completion. It
  /// must not block, and must not poll the future itself.
  func wake(token: UInt64)
}

/// How a future tells its waiter that another poll is worth while.
///
/// May be copied, kept, and called from any thread, more than once, while the future is being
/// polled, after it has completed and after its waiter has gone. It keeps its target alive.
///
/// Publish first, then wake: whatever the next poll is to see must be stored before the call.
///
/// Corresponds to C's `struct future_waker`.
public struct Waker: Sendable {
  @usableFromInline let target: any WakeTarget
  @usableFromInline var token: UInt64

  /// Makes a waker that calls `target` with `token`.
  @inlinable
  public init(_ target: any WakeTarget, token: UInt64 = 0) {
    self.target = target
    self.token = token
  }

  /// Makes a waker that calls `action`.
  ///
  /// Allocates.
  public init(_ action: @escaping @Sendable () -> Void) {
    self.init(ClosureTarget(action))
  }

  /// Wakes the waiter.
  ///
  /// Corresponds to C's `FUTURE_WAKER_WAKE`.
  @inlinable
  public func wake() { target.wake(token: token) }

  /// Whether both wake the same future of the same waiter.
  @inlinable
  public func wakesSame(as other: Waker) -> Bool {
    token == other.token && target === other.target
  }
}

private final class ClosureTarget: WakeTarget {
  private let action: @Sendable () -> Void

  init(_ action: @escaping @Sendable () -> Void) { self.action = action }

  func wake(token: UInt64) { action() }
}
