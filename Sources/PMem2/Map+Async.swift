import MiniAsync
public import VDM

// Copies and fills by the map's mover, as futures.
extension Map {
  /// A future of copying bytes into the map, durably; the ranges do not overlap.
  ///
  /// Nothing happens before the first poll. Until it is complete the source stays valid, nobody
  /// writes it or touches the destination; if the future is dropped while it runs, until the map
  /// is unmapped.
  ///
  /// - Parameters:
  ///   - destination: Where to, in the map; any alignment.
  ///   - source: Where from.
  ///   - byteCount: How many bytes; none is fine.
  ///   - flags: What else is asked of the mover: `noCacheHint`. It is durable in any case.
  /// - Returns: The future. If the operation cannot be made (the range is not in the map, the
  ///   mover does not support it) it is complete already, with the error in its output.
  ///
  /// Corresponds to C's `pmem2_memcpy_async`.
  public func memcpyAsync(
    to destination: UnsafeMutableRawPointer, from source: UnsafeRawPointer, byteCount: Int,
    flags: OperationFlags = []
  ) -> DurableFuture {
    unsafe DurableFuture(
      self,
      Operation(.memcpy, to: destination, from: source, byteCount: byteCount, flags: flags))
  }

  /// A future of copying bytes into the map, durably; the ranges may overlap.
  ///
  /// As ``memcpyAsync(to:from:byteCount:flags:)``. Corresponds to C's `pmem2_memmove_async`.
  public func memmoveAsync(
    to destination: UnsafeMutableRawPointer, from source: UnsafeRawPointer, byteCount: Int,
    flags: OperationFlags = []
  ) -> DurableFuture {
    unsafe DurableFuture(
      self,
      Operation(.memmove, to: destination, from: source, byteCount: byteCount, flags: flags))
  }

  /// A future of filling bytes of the map with `value`, durably.
  ///
  /// As ``memcpyAsync(to:from:byteCount:flags:)``. Corresponds to C's `pmem2_memset_async`.
  public func memsetAsync(
    _ destination: UnsafeMutableRawPointer, to value: UInt8, byteCount: Int,
    flags: OperationFlags = []
  ) -> DurableFuture {
    unsafe DurableFuture(
      self,
      Operation(
        .memset, to: destination, from: destination, value: value, byteCount: byteCount,
        flags: flags))
  }

  /// An empty batch: operations that become durable together.
  ///
  /// - Parameter minimumCapacity: How many operations it will hold without allocating.
  /// - Returns: The batch.
  public func batch(minimumCapacity: Int = 0) -> DurableBatch {
    DurableBatch(self, minimumCapacity: minimumCapacity)
  }

  /// Whether the calling thread does an operation, and nothing is wrong with it.
  ///
  /// Else it is given to the mover, which says what is wrong.
  @inline(__always)
  func performs(_ operation: Operation) -> Bool {
    guard case .native = mover else { return false }
    return system.memory.supportedFlags.isSuperset(of: operation.flags)
      && (operation.kind != .memcpy || !operation.overlaps)
  }

  /// What is left to do when the mover is done; see ``Durability``.
  func makeDurable(_ start: UnsafeRawPointer, _ byteCount: Int) throws(PMem2Error) {
    switch durability.after {
    case .nothing: break
    case .drain: drain()
    case .persist, .synchronise:
      unsafe try flushUnchecked(start, byteCount)
      drain()
    }
  }

  /// Takes over operations that were dropped while they ran.
  func adopt(_ group: consuming FutureGroup<OperationFuture<MapMover>>) {
    endOperations(orphans.adopt(group))
  }
}
