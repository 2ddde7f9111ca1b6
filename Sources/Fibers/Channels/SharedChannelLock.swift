import Synchronization

/// A `Mutex` that the thread sanitizer understands, inlined where it is used.
///
/// The same as `Locked` of MiniAsync. That one is compiled once for all types, in another module:
/// each use looks up generic metadata, 150 ns, which is what a whole message costs here.
struct SharedChannelLock<Value: ~Copyable>: ~Copyable, Sendable {
  private let mutex: Mutex<Value>
  /// Says to the sanitizer what it cannot see, because a contended `Mutex` is taken in code of the
  /// standard library that is not instrumented.
  private let handover = Atomic<Bool>(false)

  /// Protects `value`.
  init(_ value: consuming sending Value) { mutex = Mutex(value) }

  /// Runs `body` with the value, and nobody else at the same time.
  ///
  /// - Parameter body: Must not take the same lock, nor park.
  /// - Returns: What `body` returns.
  @inline(__always)
  borrowing func withLock<Result: ~Copyable>(
    _ body: (inout sending Value) -> sending Result
  ) -> sending Result {
    mutex.withLock { value in
      // ORDER: acquire, with the release below, by whoever had the lock before. The mutex gives
      // the same order; on most CPUs these two are plain instructions.
      _ = handover.load(ordering: .acquiring)
      defer { handover.store(true, ordering: .releasing) }
      return body(&value)
    }
  }
}
