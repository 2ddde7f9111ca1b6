import Glibc
import Synchronization

/// Runs `first` on a thread of its own, and `second` meanwhile on this one.
///
/// - Returns: What `second` returns, when both have ended.
func onAnotherThread<Value>(
  _ first: @escaping @Sendable () throws -> Void, while second: () throws -> Value
) throws -> Value {
  let work = ThreadWork(first)
  var thread = pthread_t()
  let code = pthread_create(
    &thread, nil,
    { pointer in
      guard let pointer else { return nil }
      Unmanaged<ThreadWork>.fromOpaque(pointer).takeRetainedValue().run()
      return nil
    }, Unmanaged.passRetained(work).toOpaque())
  precondition(code == 0, "no thread: error \(code)")
  let result = Result { try second() }
  pthread_join(thread, nil)
  if let failure = work.failure.withLock({ $0 }) { throw failure }
  return try result.get()
}

private final class ThreadWork: Sendable {
  let body: @Sendable () throws -> Void
  let failure = Mutex<(any Error)?>(nil)

  init(_ body: @escaping @Sendable () throws -> Void) { self.body = body }

  func run() {
    do {
      try body()
    } catch {
      failure.withLock { $0 = error }
    }
  }
}
