import CMiniAsync
import Synchronization

/// A `Mutex` that the thread sanitizer understands.
///
/// On Linux a contended `Mutex` is taken inside the standard library, which is not instrumented:
/// the sanitizer then reports races between two holders. This says what it cannot see. In other
/// builds it costs two calls of an empty function.
package struct Locked<Value: ~Copyable>: ~Copyable, Sendable {
  private let mutex: Mutex<Value>

  /// Protects `value`.
  package init(_ value: consuming sending Value) { mutex = Mutex(value) }

  /// Runs `body` with the value, and nobody else at the same time.
  ///
  /// - Parameter body: Must not take the same lock.
  /// - Returns: What `body` returns.
  package borrowing func withLock<Result: ~Copyable, E: Error>(
    _ body: (inout sending Value) throws(E) -> sending Result
  ) throws(E) -> sending Result {
    try mutex.withLock { value throws(E) in
      unsafe announce(mini_tsan_acquire)
      defer { unsafe announce(mini_tsan_release) }
      return try body(&value)
    }
  }

  @unsafe
  private borrowing func announce(_ tell: (UnsafeRawPointer?) -> Void) {
    // SAFETY: an address only, which no one reads through.
    unsafe withUnsafePointer(to: mutex) { unsafe tell(UnsafeRawPointer($0)) }
  }
}
