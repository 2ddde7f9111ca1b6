import MiniAsync

extension Fiber where Success == Never, Failure == Never {
  /// Runs an async operation and waits for its result, while the thread runs other fibers.
  ///
  /// The operation runs in a task of its own, on Swift's threads, without the fiber's locals.
  ///
  ///     let page = try Fiber.await { try await fetch(url) }
  ///
  /// A cancellation of the fiber cancels the task; the fiber then waits for what the operation
  /// makes of that, and the cancellation stays pending for the fiber's next suspension. An operation
  /// that is begun with a cancellation pending runs in a task that is cancelled from the beginning.
  ///
  /// - Parameters:
  ///   - priority: The priority of the task.
  ///   - operation: What to do; it may itself use the runtime's ``FiberRuntime/remote``.
  /// - Returns: What `operation` returns.
  /// - Throws: What `operation` throws.
  /// - Precondition: Called by a fiber.
  @available(*, noasync, message: "it parks a fiber, not a task")
  @discardableResult
  public static func await<Value: Sendable, Problem: Error>(
    priority: TaskPriority? = nil,
    _ operation: @escaping @Sendable () async throws(Problem) -> Value
  ) throws(Problem) -> Value {
    try TaskFuture(priority: priority, throwing: operation).value().get()
  }
}
