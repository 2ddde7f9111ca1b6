import MiniAsync

extension Future where Self: ~Copyable {
  /// Waits in a fiber until the future is complete, whatever happens, and returns its output.
  ///
  /// As ``Fiber/wait(for:)``, to the end: a cancellation of the fiber is passed on, once, by
  /// ``cancel()``, and the fiber then waits for what the future makes of that, because memory may
  /// be in use until then. The cancellation stays pending for the fiber's next suspension. A future
  /// that does not support cancelling is waited for to its end.
  ///
  ///     let copied = mover.memcpy(to: destination, from: source, byteCount: count).value()
  ///
  /// In async code this name means the method that suspends the task: `await future.value()`.
  ///
  /// - Returns: The output.
  /// - Precondition: Called by a fiber, unless the future is complete. Polling it does not suspend.
  /// - Complexity: O(1) a poll, no allocation.
  @available(*, noasync, message: "it parks a fiber, not a task; use await future.value()")
  @inlinable
  @discardableResult
  public consuming func value() -> Output {
    var delivered: FiberCancelled?
    while true {
      if case .complete(let output) = progress {
        if let delivered { FutureWait.putBack(delivered) }
        return output
      }
      if delivered == nil {
        do throws(FiberCancelled) {
          try FutureWait.untilComplete("Future.value") { notifier in poll(&notifier) }
        } catch {
          delivered = error
          cancel()
        }
      } else {
        FutureWait.untilCompleteShielded("Future.value") { notifier in poll(&notifier) }
      }
    }
  }
}
