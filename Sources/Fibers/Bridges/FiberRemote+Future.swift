import MiniAsync

extension FiberRemote {
  /// Spawns a fiber on the runtime's thread, with a future of its result.
  ///
  /// As ``spawn(name:file:line:_:)`` otherwise. Dropping the future detaches the fiber.
  ///
  /// - Parameters:
  ///   - name: For reports.
  ///   - file: Of the spawn site.
  ///   - line: Of the spawn site.
  ///   - body: What the fiber does.
  /// - Returns: A future of what `body` returns or throws. Its failure is
  ///   ``FiberError/runtimeClosed`` when the runtime was shut down before the fiber began; a fiber
  ///   that has begun is cancelled by the shutdown, and ends as it likes.
  /// - Throws: ``FiberError/runtimeClosed`` when the runtime was shut down.
  /// - Complexity: O(1), some allocations; at most one system call.
  public func spawnFuture<Success: Sendable>(
    name: String? = nil, file: StaticString = #fileID, line: UInt32 = #line,
    _ body: @escaping @Sendable () throws -> Success
  ) throws(FiberError) -> FiberFuture<Success, any Error> {
    let end = FiberEnd<Success, any Error>(door)
    let launch = Launch(end)
    let site = SpawnSite(file: file, line: line)
    let request = SpawnRequest { scheduler in
      let object = FiberEntry<Success, any Error>.makeObject(
        scheduler: scheduler, name: name, site: site,
        body: { () throws(any Error) -> Success in
          launch.begin()
          return try body()
        })
      object.observeEnd(end)
      return object
    }
    guard door.leave(.spawn(request)) else { throw .runtimeClosed }
    return FiberFuture(end)
  }

  /// Runs `body` in a fiber on the runtime's thread, and waits for its end in a task.
  ///
  /// The task is suspended, no thread is blocked. Cancelling the task cancels the fiber; the task
  /// then waits for what the fiber makes of that.
  ///
  ///     let reply = try await remote.run { try client.ask("?") }
  ///
  /// - Parameters:
  ///   - name: For reports.
  ///   - file: Of the spawn site.
  ///   - line: Of the spawn site.
  ///   - body: What the fiber does.
  /// - Returns: What `body` returns.
  /// - Throws: What `body` throws: ``FiberCancelled``, most likely, when a shutdown cancels it; the
  ///   `CancellationError` of tasks in its place when the task was cancelled.
  ///   ``FiberError/runtimeClosed`` when the runtime is shut down before the fiber began. While the
  ///   runtime neither runs nor is shut down, the task waits.
  public func run<Success: Sendable>(
    name: String? = nil, file: StaticString = #fileID, line: UInt32 = #line,
    _ body: @escaping @Sendable () throws -> Success
  ) async throws -> Success {
    let future = try spawnFuture(name: name, file: file, line: line, body)
    do {
      return try await future.value().get()
    } catch is FiberCancelled where Task.isCancelled {
      throw CancellationError()
    }
  }
}

/// A fiber on its way to another thread.
///
/// Held by the request, then by the fiber's closure. When it goes and no fiber has begun, the
/// request was dropped by a shutdown, wherever it was: the future learns it.
private final class Launch<Success: Sendable>: Sendable {
  private let end: FiberEnd<Success, any Error>

  init(_ end: FiberEnd<Success, any Error>) { self.end = end }

  /// First thing in the fiber.
  func begin() {
    guard let fiber = Fiber.current?.object else { return }
    end.observe(fiber)
  }

  deinit { end.abandon(.failure(FiberError.runtimeClosed)) }
}
