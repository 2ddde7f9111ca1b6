extension Fiber {
  /// Waits for the end and returns what the fiber returned, or throws what it threw.
  ///
  /// Parks the calling fiber; when it has ended already, returns at once. Called outside of a fiber
  /// it runs the runtime until then.
  ///
  /// - Returns: What the fiber returned; each joiner gets a copy.
  /// - Throws: The error of the fiber, the same one for each joiner; or ``FiberCancelled`` when
  ///   the *calling* fiber is cancelled while it waits. ``result()`` tells the two apart.
  /// - Precondition: Called on the runtime's thread, not by the fiber itself; outside of a fiber,
  ///   the fiber can still end without anyone's help.
  /// - Complexity: O(1), no allocation.
  ///
  /// Corresponds to C's `async_await`.
  @available(*, noasync, message: "it parks a fiber or blocks the thread")
  @inlinable
  public func join() throws -> Success {
    try AnyFiber(object).waitUntilFinished()
    return try FiberEntry<Success, Failure>.outcome(of: object).get()
  }

  /// Waits for the end and returns how it ended.
  ///
  /// As ``join()``, with the fiber's own error as a value.
  ///
  /// - Returns: What the fiber returned or threw.
  /// - Throws: ``FiberCancelled`` when the calling fiber is cancelled while it waits.
  @available(*, noasync, message: "it parks a fiber or blocks the thread")
  @inlinable
  public func result() throws(FiberCancelled) -> Result<Success, Failure> {
    try AnyFiber(object).waitUntilFinished()
    return FiberEntry<Success, Failure>.outcome(of: object)
  }
}

extension Fiber where Failure == Never {
  /// Waits for the end and returns what the fiber returned.
  ///
  /// As ``join()`` for any fiber; this one cannot fail.
  ///
  /// - Returns: What the fiber returned.
  /// - Throws: ``FiberCancelled`` when the calling fiber is cancelled while it waits.
  @available(*, noasync, message: "it parks a fiber or blocks the thread")
  @inlinable
  public func join() throws(FiberCancelled) -> Success {
    try AnyFiber(object).waitUntilFinished()
    switch FiberEntry<Success, Never>.outcome(of: object) {
    case .success(let value): return value
    }
  }
}
