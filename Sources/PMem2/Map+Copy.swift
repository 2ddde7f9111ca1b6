import Glibc
import VDM

// Copies and fills by the calling thread, durable when they return.
extension Map {
  /// Copies bytes into the map, durably; the ranges do not overlap.
  ///
  /// Blocks on a map of page granularity (`msync`), else never. Allocates nothing.
  ///
  /// - Parameters:
  ///   - destination: Where to, in the map; any alignment.
  ///   - source: Where from; valid for reading.
  ///   - byteCount: How many bytes; none is fine.
  ///   - flags: How; by default durable at return, in the way that is best for the size.
  /// - Throws: ``PMem2Error/rangeOutsideMap(offset:byteCount:mapByteCount:)``,
  ///   ``PMem2Error/noAccess(_:)``, ``PMem2Error/unknownFlags(_:)``,
  ///   ``PMem2Error/mappingNotFound``; ``PMem2Error/operation(_:)`` if the ranges overlap.
  ///   Nothing is written then. ``PMem2Error/system(call:errno:)`` from `msync`: the bytes are
  ///   there, but it is not known whether they are durable.
  ///
  /// Corresponds to C's `pmem2_get_memcpy_fn`.
  public func memcpy(
    to destination: UnsafeMutableRawPointer, from source: UnsafeRawPointer, byteCount: Int,
    flags: CopyFlags = []
  ) throws(PMem2Error) {
    unsafe try checkWritable(destination, byteCount)
    let operation = unsafe Operation(
      .memcpy, to: destination, from: source, byteCount: byteCount, flags: [])
    if operation.overlaps { throw .operation(.invalidArgument(.overlappingRanges)) }
    unsafe try store(destination, byteCount, flags) { memory, flags in
      // SAFETY: the destination was checked; the caller answers for the source.
      unsafe memory.copy(to: destination, from: source, byteCount: byteCount, flags: flags)
    }
  }

  /// Copies bytes into the map, durably; the ranges may overlap.
  ///
  /// As ``memcpy(to:from:byteCount:flags:)``. Corresponds to C's `pmem2_get_memmove_fn`.
  public func memmove(
    to destination: UnsafeMutableRawPointer, from source: UnsafeRawPointer, byteCount: Int,
    flags: CopyFlags = []
  ) throws(PMem2Error) {
    unsafe try store(destination, byteCount, flags) { memory, flags in
      // SAFETY: the destination was checked; the caller answers for the source.
      unsafe memory.move(to: destination, from: source, byteCount: byteCount, flags: flags)
    }
  }

  /// Fills bytes of the map with `value`, durably.
  ///
  /// As ``memcpy(to:from:byteCount:flags:)``. Corresponds to C's `pmem2_get_memset_fn`.
  public func memset(
    _ destination: UnsafeMutableRawPointer, to value: UInt8, byteCount: Int,
    flags: CopyFlags = []
  ) throws(PMem2Error) {
    unsafe try store(destination, byteCount, flags) { memory, flags in
      // SAFETY: the destination was checked.
      unsafe memory.set(destination, to: value, byteCount: byteCount, flags: flags)
    }
  }

  /// Checks a range, has it written in the way that is asked for, and makes it durable.
  @inline(__always)
  private func store(
    _ destination: UnsafeMutableRawPointer, _ byteCount: Int, _ flags: CopyFlags,
    _ write: (NativeMemory, OperationFlags) -> Void
  ) throws(PMem2Error) {
    unsafe try checkWritable(destination, byteCount)
    guard CopyFlags.all.isSuperset(of: flags) else {
      throw .unknownFlags(flags.subtracting(.all))
    }
    if byteCount == 0 { return }
    let memory = system.memory
    if flags.contains(.noFlush) { return write(memory, []) }
    let streams = !flags.isDisjoint(with: [.nonTemporal, .writeCombining])
    switch granularity {
    case .byte:
      write(memory, streams ? memory.supportedFlags.intersection(.noCacheHint) : [])
    case .cacheLine:
      if streams || flags.isDisjoint(with: [.temporal, .writeBack]) {
        write(memory, .durable)
      } else {
        write(memory, [])
        unsafe memory.flush(destination, byteCount: byteCount)
      }
    case .page:
      write(memory, [])
      unsafe try flushUnchecked(destination, byteCount)
    }
    if !flags.contains(.noDrain) { drain() }
  }
}
