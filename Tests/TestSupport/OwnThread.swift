import Glibc
import Synchronization

/// Runs `body` on a new thread and waits for it.
///
/// A test that needs a thread of its own collects there and asserts on its own thread afterwards.
public func onOwnThread<Result: Sendable>(_ body: @escaping @Sendable () -> Result) -> Result {
  OwnThread(body).wait()
}

/// A thread that was started and can be waited for, once.
public final class OwnThread<Result: Sendable>: Sendable {
  private let result: Slot<Result>
  private let thread: pthread_t

  /// Starts a thread that runs `body`.
  public init(_ body: @escaping @Sendable () -> Result) {
    let result = Slot<Result>()
    self.result = result
    thread = startThread { result.put(body()) }
  }

  /// Waits for the end of the thread and returns what its closure returned.
  public func wait() -> Result {
    pthread_join(thread, nil)
    guard let value = result.get() else { preconditionFailure("OwnThread: ended without a result") }
    return value
  }
}

private final class Slot<Value: Sendable>: Sendable {
  private let value = Mutex<Value?>(nil)
  func put(_ new: Value) { value.withLock { $0 = new } }
  func get() -> Value? { value.withLock { $0 } }
}

private final class ThreadBody: Sendable {
  let run: @Sendable () -> Void
  init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

private func startThread(_ run: @escaping @Sendable () -> Void) -> pthread_t {
  var thread = pthread_t()
  let body = Unmanaged.passRetained(ThreadBody(run)).toOpaque()
  let code = pthread_create(
    &thread, nil,
    { argument in
      if let argument { Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().run() }
      return nil
    }, body)
  precondition(code == 0, "OwnThread: no thread (\(code))")
  return thread
}
