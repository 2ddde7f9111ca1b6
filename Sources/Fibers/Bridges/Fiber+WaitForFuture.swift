import MiniAsync

extension Fiber where Success == Never, Failure == Never {
  /// Waits for `future` and returns its output, while the thread runs other fibers.
  ///
  /// A complete future returns at once, without suspending. Otherwise it is polled by the running
  /// fiber, which parks until the future calls its waker, from any thread. A future that uses no
  /// waker, or watches a word, is polled again after a turn of each other ready fiber.
  ///
  ///     var copy = mover.memcpy(to: destination, from: source, byteCount: count)
  ///     let copied = try Fiber.wait(for: &copy)
  ///
  /// Cancelling the fiber ends the wait, not the future: it stays with the caller, goes on, and may
  /// be waited for again. So memory that it works on must stay. ``MiniAsync/Future/value()`` waits
  /// to the end instead. A cancellation that is pending already is delivered before the first poll.
  ///
  /// - Parameter future: Polled by this fiber alone meanwhile.
  /// - Returns: The output, which stays readable in the future as well.
  /// - Throws: ``FiberCancelled`` when the fiber is cancelled before the future is complete.
  /// - Precondition: Called by a fiber, unless the future is complete. Polling it does not suspend.
  /// - Complexity: O(1) a poll, no allocation.
  ///
  /// Corresponds to C's `runtime_wait`, in a fiber.
  @available(*, noasync, message: "it parks a fiber, not a task; use await future.value()")
  @inlinable
  @discardableResult
  public static func wait<F: Future & ~Copyable>(
    for future: inout F
  ) throws(FiberCancelled) -> F.Output {
    while true {
      if case .complete(let output) = future.progress { return output }
      try FutureWait.untilComplete("Fiber.wait") { notifier in future.poll(&notifier) }
    }
  }
}
