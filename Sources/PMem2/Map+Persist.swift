import VDM

// Making durable what was stored by other means than the map's own copies.
extension Map {
  /// Makes what was stored in a range durable, and waits for that.
  ///
  /// By granularity: flushes the cache lines and drains; or drains; or has the kernel write the
  /// pages (`msync`), which blocks. Whole lines and pages are written, neighbours included.
  ///
  /// - Parameters:
  ///   - start: The first byte, in the map.
  ///   - byteCount: How many bytes; none is fine.
  /// - Throws: ``PMem2Error/rangeOutsideMap(offset:byteCount:mapByteCount:)``,
  ///   ``PMem2Error/noAccess(_:)`` if the map may not be read, ``PMem2Error/mappingNotFound``;
  ///   ``PMem2Error/system(call:errno:)`` from `msync`: it is not known then what is durable.
  ///
  /// Corresponds to C's `pmem2_get_persist_fn`.
  public func persist(_ start: UnsafeRawPointer, byteCount: Int) throws(PMem2Error) {
    unsafe try flush(start, byteCount: byteCount)
    drain()
  }

  /// Begins to make what was stored in a range durable; ``drain()`` waits for that.
  ///
  /// On a map of page granularity it waits itself, as ``persist(_:byteCount:)``; the parameters
  /// and errors are the same, too.
  ///
  /// Corresponds to C's `pmem2_get_flush_fn`.
  public func flush(_ start: UnsafeRawPointer, byteCount: Int) throws(PMem2Error) {
    unsafe try checkReadable(start, byteCount)
    unsafe try flushUnchecked(start, byteCount)
  }

  @inline(__always)
  func flushUnchecked(_ start: UnsafeRawPointer, _ byteCount: Int) throws(PMem2Error) {
    switch granularity {
    case .byte: break
    // SAFETY: flushing reads, which is allowed, and the range was checked.
    case .cacheLine: unsafe system.memory.flush(start, byteCount: byteCount)
    case .page:
      try system.synchronisePages(UInt(bitPattern: start), byteCount: byteCount)
    }
  }

  /// Waits until everything that this thread has flushed, or copied with ``CopyFlags/noDrain``, is
  /// durable.
  ///
  /// One drain serves any number of them, on any map. On page granularity there is nothing to do.
  ///
  /// - Complexity: Up to some hundred nanoseconds. Never blocks.
  ///
  /// Corresponds to C's `pmem2_get_drain_fn`.
  @inline(__always)
  public func drain() { if granularity != .page { system.memory.drain() } }

  /// Makes a range durable even where the platform fails to do so in a power cut, if it can.
  ///
  /// Beyond ``persist(_:byteCount:)``, the memory's own buffers are written: of a file by `msync`,
  /// of a DAX device by its region's `deep_flush`. Slow; for what must survive at all costs.
  ///
  /// - Parameters:
  ///   - start: The first byte, in the map.
  ///   - byteCount: How many bytes.
  /// - Throws: ``PMem2Error/deepFlushRange(offset:byteCount:mapByteCount:)``;
  ///   ``PMem2Error/notSupported(_:)`` for anonymous memory;
  ///   ``PMem2Error/invalidDevice(_:path:)``; as ``persist(_:byteCount:)``.
  ///
  /// Corresponds to C's `pmem2_deep_flush`.
  public func deepFlush(_ start: UnsafeRawPointer, byteCount: Int) throws(PMem2Error) {
    do throws(PMem2Error) {
      unsafe try checkReadable(start, byteCount)
    } catch .rangeOutsideMap(let offset, let count, let size) {
      throw .deepFlushRange(offset: offset, byteCount: count, mapByteCount: size)
    }
    if case .anonymous = kind { throw .notSupported(.deepFlushOfAnonymousMemory) }
    unsafe try flushUnchecked(start, byteCount)
    drain()
    if granularity == .page || byteCount == 0 { return }
    switch kind {
    case .anonymous: break
    case .file:
      try system.synchronisePages(UInt(bitPattern: start), byteCount: byteCount)
    case .device(let path): try system.flushDeeply(path)
    }
  }
}
