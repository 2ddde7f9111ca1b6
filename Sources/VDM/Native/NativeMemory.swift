import CVDM
import Glibc

/// Copies, fills and flushes that keep the promises of ``OperationFlags`` with CPU instructions.
///
/// Both movers, and persistent maps, do their work through ``best``. Without flags an operation
/// is libc's. With flags, *nothing is promised until* ``drain()``: the stores are weakly ordered,
/// so they are neither durable nor certain to be seen by a thread that is told of them. One drain
/// serves every operation that this thread made before it, and costs 100 to 200 ns:
///
///     let memory = NativeMemory.best
///     for record in batch {
///       unsafe memory.copy(to: record.slot, from: record.bytes, byteCount: 64, flags: .durable)
///     }
///     memory.drain()  // On the thread that copied; only now publish.
///
/// `docs/decisions/durable-copies.md` has the measurements behind the choices.
///
/// Any thread may use a value; it never changes.
@safe
package struct NativeMemory: Sendable {
  // INVARIANT: every function here is one that this CPU has, and it keeps nothing it is given.
  // The optionals are `nil` only on an architecture that `CVDM` does not know.
  private let flushFunction: vdm_flush_fn?
  private let stream: StreamingStore.Functions?
  private let streamIsDurable: Bool

  /// The flags that can be honoured: both, or none on an unknown architecture.
  package let supportedFlags: OperationFlags

  /// The best instructions of this CPU, chosen at first use.
  package static let best = NativeMemory(
    store: StreamingStore.supported.first,
    flush: FlushInstruction.supported.first
  )

  /// Uses the given instructions, so that tests can run all that the CPU has.
  ///
  /// - Parameters:
  ///   - store: How to write past the caches; `nil` for normal stores.
  ///   - flush: How to write lines back; `nil` if there is no way, which takes away `durable`.
  /// - Precondition: The CPU has both.
  package init(store: StreamingStore?, flush: FlushInstruction?) {
    precondition(store?.isSupported ?? true, "NativeMemory: the CPU lacks this store")
    precondition(flush?.isSupported ?? true, "NativeMemory: the CPU lacks this flush")
    // SAFETY: the functions are called only if supported, as just checked.
    unsafe flushFunction = flush?.function
    unsafe stream = store?.functions
    streamIsDurable = store?.bypassesCache ?? false
    var flags: OperationFlags = []
    if flush != nil { flags.insert(.durable) }
    if store != nil { flags.insert(.noCacheHint) }
    supportedFlags = flags
  }

  /// Stores normally and calls `flush` in place of the CPU's, so that tests see what is flushed.
  package init(flushingWith flush: @escaping @convention(c) (UnsafeRawPointer?, Int) -> Void) {
    unsafe flushFunction = unsafe flush
    unsafe stream = nil
    streamIsDurable = false
    supportedFlags = .durable
  }

  /// Copies bytes between ranges that do not overlap.
  ///
  /// Never blocks, allocates nothing. With flags, ``drain()`` must follow before the result is
  /// relied on or published.
  ///
  /// - Parameters:
  ///   - destination: Where to; valid for writes of `byteCount` bytes, any alignment.
  ///   - source: Where from; valid for reads of `byteCount` bytes, any alignment.
  ///   - byteCount: How many bytes; 0 touches nothing.
  ///   - flags: Members of ``supportedFlags``.
  /// - Precondition: `byteCount >= 0`; the flags are supported.
  @unsafe
  @inline(__always)
  package func copy(
    to destination: UnsafeMutableRawPointer,
    from source: UnsafeRawPointer,
    byteCount: Int,
    flags: OperationFlags
  ) {
    guard !flags.isEmpty else {
      unsafe memcpy(destination, source, byteCount)
      return
    }
    unsafe streamCopy(to: destination, from: source, byteCount: byteCount, flags: flags)
  }

  /// Copies bytes between ranges that may overlap, otherwise as
  /// ``copy(to:from:byteCount:flags:)``.
  @unsafe
  @inline(__always)
  package func move(
    to destination: UnsafeMutableRawPointer,
    from source: UnsafeRawPointer,
    byteCount: Int,
    flags: OperationFlags
  ) {
    guard !flags.isEmpty else {
      unsafe memmove(destination, source, byteCount)
      return
    }
    unsafe streamMove(to: destination, from: source, byteCount: byteCount, flags: flags)
  }

  /// Fills `byteCount` bytes with `value`, otherwise as ``copy(to:from:byteCount:flags:)``.
  @unsafe
  @inline(__always)
  package func set(
    _ destination: UnsafeMutableRawPointer,
    to value: UInt8,
    byteCount: Int,
    flags: OperationFlags
  ) {
    guard !flags.isEmpty else {
      unsafe memset(destination, CInt(value), byteCount)
      return
    }
    unsafe streamSet(destination, to: value, byteCount: byteCount, flags: flags)
  }

  /// Writes back every cache line that holds a byte of the range; ``drain()`` completes it.
  ///
  /// Lines are written whole: neighbours of the range are written back too. No value changes.
  ///
  /// - Precondition: `byteCount >= 0`; ``supportedFlags`` has `durable`.
  @unsafe
  package func flush(_ start: UnsafeRawPointer, byteCount: Int) {
    precondition(byteCount >= 0, "NativeMemory: negative byte count")
    guard let flushFunction = unsafe flushFunction else {
      preconditionFailure("NativeMemory: no flush on this CPU")
    }
    unsafe flushFunction(start, byteCount)
  }

  /// Waits until everything that this thread flushed, or stored with flags, is in the
  /// persistence domain and visible to whoever sees a later store of this thread.
  @inline(__always)
  package func drain() { vdm_fence() }
}

extension NativeMemory {
  /// How the bytes before the first and after the last whole line leave the cache, unless
  /// ``flushWhole(_:_:_:)`` sees to them.
  private func edgeFlush(_ flags: OperationFlags) -> vdm_flush_fn? {
    streamIsDurable && flags.contains(.durable) ? unsafe flushFunction : nil
  }

  /// Where streaming stores do not settle it: normal stores happened, or stores that may stay
  /// in the cache.
  private func flushWhole(
    _ start: UnsafeMutableRawPointer, _ byteCount: Int, _ flags: OperationFlags
  ) {
    if flags.contains(.durable) { unsafe flush(start, byteCount: byteCount) }
  }

  /// Below this a durable operation whose edges need a flush is stored and flushed whole.
  ///
  /// A fence that waits for flushes *and* streaming stores costs more than one that waits for
  /// either (128 B: 190 ns against 165); from 256 B on, the streamed lines win that back.
  private static let smallestMix = 256

  /// Whether to store normally and flush: the edges are not made of aligned 4-byte words, so
  /// they cannot be streamed, and there is little between them.
  private func isFlushCheaper(
    _ address: UInt, _ byteCount: Int, _ flags: OperationFlags
  ) -> Bool {
    byteCount < Self.smallestMix && flags.contains(.durable)
      && (address | UInt(bitPattern: byteCount)) & 3 != 0
  }

  private func check(_ byteCount: Int, _ flags: OperationFlags) {
    precondition(byteCount >= 0, "NativeMemory: negative byte count")
    precondition(supportedFlags.isSuperset(of: flags), "NativeMemory: unsupported flags")
  }

  private func streamCopy(
    to destination: UnsafeMutableRawPointer,
    from source: UnsafeRawPointer,
    byteCount: Int,
    flags: OperationFlags
  ) {
    check(byteCount, flags)
    let address = UInt(bitPattern: destination)
    guard let stream = unsafe stream, !isFlushCheaper(address, byteCount, flags) else {
      unsafe memcpy(destination, source, byteCount)
      return unsafe flushWhole(destination, byteCount, flags)
    }
    unsafe stream.copyForward(destination, source, byteCount, edgeFlush(flags))
    if !streamIsDurable { unsafe flushWhole(destination, byteCount, flags) }
  }

  private func streamMove(
    to destination: UnsafeMutableRawPointer,
    from source: UnsafeRawPointer,
    byteCount: Int,
    flags: OperationFlags
  ) {
    check(byteCount, flags)
    let address = UInt(bitPattern: destination)
    guard let stream = unsafe stream, !isFlushCheaper(address, byteCount, flags) else {
      unsafe memmove(destination, source, byteCount)
      return unsafe flushWhole(destination, byteCount, flags)
    }
    // Backward only where the destination begins inside the source: as unsigned, every other
    // distance is at least `byteCount`.
    let distance = address &- UInt(bitPattern: source)
    let copy =
      unsafe distance < UInt(bitPattern: byteCount) ? stream.copyBackward : stream.copyForward
    unsafe copy(destination, source, byteCount, edgeFlush(flags))
    if !streamIsDurable { unsafe flushWhole(destination, byteCount, flags) }
  }

  private func streamSet(
    _ destination: UnsafeMutableRawPointer,
    to value: UInt8,
    byteCount: Int,
    flags: OperationFlags
  ) {
    check(byteCount, flags)
    let address = UInt(bitPattern: destination)
    guard let stream = unsafe stream, !isFlushCheaper(address, byteCount, flags) else {
      unsafe memset(destination, CInt(value), byteCount)
      return unsafe flushWhole(destination, byteCount, flags)
    }
    unsafe stream.set(destination, CInt(value), byteCount, edgeFlush(flags))
    if !streamIsDurable { unsafe flushWhole(destination, byteCount, flags) }
  }
}
