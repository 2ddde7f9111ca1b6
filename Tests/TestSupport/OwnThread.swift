import Glibc

/// Runs `body` on a new thread and waits for it.
///
/// A test that needs a thread of its own collects there and asserts on its own thread afterwards.
public func onOwnThread<Result: Sendable>(_ body: @escaping @Sendable () -> Result) -> Result {
  let thread = OwnThread(body)
  return thread.wait()
}

/// A thread that was started and can be waited for, once.
///
/// @unchecked: `result` is written by the thread and read after it was joined.
public final class OwnThread<Result: Sendable>: @unchecked Sendable {
  private let body: @Sendable () -> Result
  private var result: Result?
  private var thread = pthread_t()

  /// Starts a thread that runs `body`.
  public init(_ body: @escaping @Sendable () -> Result) {
    self.body = body
    let me = Unmanaged.passRetained(self).toOpaque()
    let code = pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        let me = Unmanaged<OwnThread<Result>>.fromOpaque(argument).takeRetainedValue()
        me.result = me.body()
        return nil
      }, me)
    precondition(code == 0, "OwnThread: no thread (\(code))")
  }

  /// Waits for the end of the thread and returns what its closure returned.
  public func wait() -> Result {
    pthread_join(thread, nil)
    guard let result else { preconditionFailure("OwnThread: ended without a result") }
    return result
  }
}
