/// An async operation as a future.
///
/// The operation starts, in a task of its own, at the first poll, and then goes on by itself: the
/// future is asynchronous. ``Future/cancel()`` cancels the task; so does dropping the future while
/// it runs. Cancelled before the first poll, the operation still runs, in a task that is cancelled
/// from the beginning, so that it can tell its own way what that means.
///
/// ```swift
/// var page = TaskFuture { await fetch(url) }
/// let text = runtime.wait(&page)
/// ```
///
/// An operation that throws gives a `Result`.
public struct TaskFuture<Output: Sendable>: Future, ~Copyable, Sendable {
  private let operation: @Sendable () async -> Output
  private let priority: TaskPriority?
  private let shared = TaskOutcome<Output>()
  private var running = RunningTask()
  private var isCancelled = false
  /// Where the future stands.
  public var progress: FutureProgress<Output> = .idle

  /// Makes a future of an operation that does not throw.
  ///
  /// - Parameters:
  ///   - priority: The priority of the task.
  ///   - operation: Runs once, in a task of its own.
  public init(
    priority: TaskPriority? = nil, _ operation: @escaping @Sendable () async -> Output
  ) {
    self.operation = operation
    self.priority = priority
  }

  /// Makes a future of an operation that throws.
  ///
  /// - Parameters:
  ///   - priority: The priority of the task.
  ///   - operation: Runs once, in a task of its own; what it throws is the failure of the output.
  public init<Success, Failure: Error>(
    priority: TaskPriority? = nil,
    throwing operation: @escaping @Sendable () async throws(Failure) -> Success
  ) where Output == Result<Success, Failure> {
    self.init(priority: priority) {
      do throws(Failure) {
        return .success(try await operation())
      } catch {
        return .failure(error)
      }
    }
  }

  /// Does what can be done now; see ``Future/advance(_:)``.
  public mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Output> {
    shared.cell.register(&notifier)
    if running.task == nil {
      let operation = operation
      let shared = shared
      running.task = Task.detached(priority: priority) {
        shared.finish(await operation())
      }
      if isCancelled { running.task?.cancel() }
    }
    guard let output = shared.output else { return .running }
    return .complete(output)
  }

  /// Always asynchronous.
  public borrowing func hasProperty(_ property: FutureProperty) -> Bool {
    property == .async && !progress.isComplete
  }

  /// Passes the request on to what is not complete yet.
  public mutating func cancel() {
    isCancelled = true
    running.task?.cancel()
  }
}

/// A task that is cancelled when this is dropped; without effect if it is over.
///
/// Apart from ``TaskFuture``, because Swift 6.3.1 skips the `deinit` of a generic non-copyable
/// struct in optimised code that destroys it by its type's value witness. Visible to other modules,
/// whose optimised code refers to it.
@usableFromInline
struct RunningTask: ~Copyable, Sendable {
  var task: Task<Void, Never>?

  deinit { task?.cancel() }
}

/// Where a task leaves its output.
private final class TaskOutcome<Output: Sendable>: Sendable {
  let cell = WakerCell()
  private let value = Locked<Output?>(nil)

  var output: Output? { value.withLock { $0 } }

  func finish(_ output: Output) {
    value.withLock { $0 = output }
    cell.wake()
  }
}
