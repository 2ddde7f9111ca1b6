import Synchronization

/// A `Mutex` that the thread sanitizer understands, inlined where it is used.
///
/// On Linux a contended `Mutex` is taken inside the standard library, which is not instrumented:
/// the sanitizer would report races between two holders. A pair of atomic accesses says what it
/// cannot see; on most CPUs they are plain instructions.
///
/// Inlinable, because compiled once for all types each use would look up generic metadata: 150 ns.
/// Usable from inline, because Swift 6.3 specialises no method of a merely `package` type elsewhere.
@usableFromInline
package struct Locked<Value: ~Copyable>: ~Copyable, Sendable {
  @usableFromInline let mutex: Mutex<Value>
  @usableFromInline let handover = Atomic<Bool>(false)

  /// Protects `value`.
  @inlinable
  package init(_ value: consuming sending Value) { mutex = Mutex(value) }

  /// Runs `body` with the value, and nobody else at the same time.
  ///
  /// - Parameter body: Must not take the same lock, nor park.
  /// - Returns: What `body` returns.
  /// - Throws: What `body` throws.
  @inlinable
  @inline(__always)
  package borrowing func withLock<Result: ~Copyable, E: Error>(
    _ body: (inout sending Value) throws(E) -> sending Result
  ) throws(E) -> sending Result {
    try mutex.withLock { value throws(E) in
      // ORDER: acquire, with the release below, by whoever had the lock before.
      _ = handover.load(ordering: .acquiring)
      defer { handover.store(true, ordering: .releasing) }
      return try body(&value)
    }
  }
}
