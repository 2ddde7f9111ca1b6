/// What an accelerator does beyond copying and filling.
///
/// Rules that hold for all: nothing happens before the first poll; the memory stays valid, and
/// nobody else uses it, until the future is complete, or the mover has ended. What cannot be made
/// is complete from the beginning, with the error. The only flag is `durable`, and it is for
/// destinations.
extension DMLMover {
  /// A future of filling `byteCount` bytes with a pattern of 8 bytes.
  ///
  /// - Parameters:
  ///   - destination: Where to; any alignment. The pattern begins there.
  ///   - pattern: The pattern, whose lowest byte comes first.
  ///   - byteCount: How many bytes; need not be a multiple of 8.
  ///   - flags: What is asked of the mover beyond filling.
  /// - Returns: The future.
  public func fill(
    _ destination: UnsafeMutableRawPointer, with pattern: UInt64, byteCount: Int,
    flags: OperationFlags = []
  ) -> DMLFuture<Void> {
    var request = DMLRequest(.fill, byteCount: byteCount, flags: flags)
    unsafe request.destination = destination
    request.pattern = pattern.littleEndian
    return future(request) { _ in }
  }

  /// A future of comparing two ranges of `byteCount` bytes.
  ///
  /// - Parameters:
  ///   - first: One range.
  ///   - second: The other; may overlap the first.
  ///   - byteCount: How many bytes.
  /// - Returns: The future of the offset of the first byte that differs; `nil` if none does.
  public func compare(
    _ first: UnsafeRawPointer, _ second: UnsafeRawPointer, byteCount: Int
  ) -> DMLFuture<Int?> {
    var request = DMLRequest(.compare, byteCount: byteCount)
    unsafe request.source = UnsafeMutableRawPointer(mutating: first)
    unsafe request.secondSource = UnsafeMutableRawPointer(mutating: second)
    return future(request) { $0.transfer.difference }
  }

  /// A future of the CRC-32C (Castagnoli, as in iSCSI, ext4 and Btrfs) of `byteCount` bytes.
  ///
  /// - Parameters:
  ///   - source: The bytes.
  ///   - byteCount: How many.
  ///   - crc: The CRC of the bytes before, which this one continues; 0 if there are none.
  /// - Returns: The future of the CRC.
  public func crc32c(
    _ source: UnsafeRawPointer, byteCount: Int, continuing crc: UInt32 = 0
  ) -> DMLFuture<UInt32> {
    var request = DMLRequest(.crc, byteCount: byteCount)
    unsafe request.source = UnsafeMutableRawPointer(mutating: source)
    request.crc = crc
    return future(request) { $0.transfer.crc }
  }

  /// A future of copying `byteCount` bytes between ranges that do not overlap, and of their
  /// CRC-32C.
  ///
  /// - Parameters:
  ///   - destination: Where to copy to.
  ///   - source: Where to copy from.
  ///   - byteCount: How many bytes.
  ///   - crc: The CRC of the bytes before, which this one continues; 0 if there are none.
  ///   - flags: What is asked of the mover beyond copying.
  /// - Returns: The future of the CRC.
  public func memcpyWithCRC32C(
    to destination: UnsafeMutableRawPointer, from source: UnsafeRawPointer, byteCount: Int,
    continuing crc: UInt32 = 0, flags: OperationFlags = []
  ) -> DMLFuture<UInt32> {
    var request = DMLRequest(.copyCRC, byteCount: byteCount, flags: flags)
    unsafe request.destination = destination
    unsafe request.source = UnsafeMutableRawPointer(mutating: source)
    request.crc = crc
    return future(request) { $0.transfer.crc }
  }

  /// A future of copying `byteCount` bytes to two places.
  ///
  /// The destinations' lowest 12 bits must be the same, else it fails with
  /// ``DMLStatus/dualcastAlignError``. No range may overlap another.
  ///
  /// - Parameters:
  ///   - first: One destination.
  ///   - second: The other.
  ///   - source: Where to copy from.
  ///   - byteCount: How many bytes.
  ///   - flags: What is asked of the mover beyond copying.
  /// - Returns: The future.
  public func dualcast(
    to first: UnsafeMutableRawPointer, and second: UnsafeMutableRawPointer,
    from source: UnsafeRawPointer, byteCount: Int, flags: OperationFlags = []
  ) -> DMLFuture<Void> {
    future(unsafe .dualcast(first, second, source, byteCount, flags)) { _ in }
  }

  /// A future of several operations, which are given to libdml together.
  ///
  /// They are done in any order, also at the same time: none may use what another writes. One that
  /// fails does not keep the others from being done. Unlike other operations, a batch allocates
  /// when it is made.
  ///
  /// - Parameters:
  ///   - items: The operations; none is allowed.
  ///   - flags: What is asked of the mover for each.
  /// - Returns: The future.
  public func batch(_ items: [BatchItem], flags: OperationFlags = []) -> DMLFuture<BatchOutput> {
    DMLFuture(self) { slot in
      BatchOutput(errors: slot.batch?.errors ?? [])
    } make: { () throws(VDMError) in
      let batch = try makeBatch(items.map { $0.request(flags) }, flags)
      return try makeJob { $0.batch = batch }
    }
  }

  private func future<Value>(
    _ request: DMLRequest, _ read: @escaping @Sendable (DMLSlot) -> Value
  ) -> DMLFuture<Value> {
    DMLFuture(self, read) { () throws(VDMError) in try makeJob(makeTransfer(request)) }
  }

  /// An operation of a batch.
  ///
  /// As an ``Operation`` it names memory without owning it.
  @safe
  public struct BatchItem {
    private let item: DMLRequest

    /// Copies `byteCount` bytes between ranges that do not overlap.
    public static func memcpy(
      to destination: UnsafeMutableRawPointer, from source: UnsafeRawPointer, byteCount: Int
    ) -> BatchItem {
      var request = DMLRequest(.move, byteCount: byteCount)
      unsafe request.destination = destination
      unsafe request.source = UnsafeMutableRawPointer(mutating: source)
      return BatchItem(item: request)
    }

    /// Fills `byteCount` bytes with a pattern of 8 bytes, as
    /// ``DMLMover/fill(_:with:byteCount:flags:)``.
    public static func fill(
      _ destination: UnsafeMutableRawPointer, with pattern: UInt64, byteCount: Int
    ) -> BatchItem {
      var request = DMLRequest(.fill, byteCount: byteCount)
      unsafe request.destination = destination
      request.pattern = pattern.littleEndian
      return BatchItem(item: request)
    }

    /// Copies `byteCount` bytes to two places, as
    /// ``DMLMover/dualcast(to:and:from:byteCount:flags:)``.
    public static func dualcast(
      to first: UnsafeMutableRawPointer, and second: UnsafeMutableRawPointer,
      from source: UnsafeRawPointer, byteCount: Int
    ) -> BatchItem {
      BatchItem(item: unsafe .dualcast(first, second, source, byteCount, []))
    }

    fileprivate func request(_ flags: OperationFlags) -> DMLRequest {
      var request = item
      request.flags = flags
      return request
    }
  }

  /// What has become of the operations of a batch.
  public struct BatchOutput: Sendable {
    /// Why each has failed, in the order of the batch; `nil` for those that have not.
    public let errors: [VDMError?]

    /// Whether all have done what they were asked for.
    public var isSuccess: Bool { errors.allSatisfy { $0 == nil } }

    /// Throws the first error, if there is one.
    ///
    /// - Throws: Why the first operation that failed did so.
    public func get() throws(VDMError) {
      for case .some(let error) in errors { throw error }
    }
  }
}

// @unchecked: it only names memory, as an `Operation` does, and its maker answers for that.
extension DMLMover.BatchItem: @unchecked Sendable {}

extension DMLRequest {
  fileprivate static func dualcast(
    _ first: UnsafeMutableRawPointer, _ second: UnsafeMutableRawPointer,
    _ source: UnsafeRawPointer, _ byteCount: Int, _ flags: OperationFlags
  ) -> DMLRequest {
    var request = DMLRequest(.dualcast, byteCount: byteCount, flags: flags)
    unsafe request.destination = first
    unsafe request.secondDestination = second
    unsafe request.source = UnsafeMutableRawPointer(mutating: source)
    return request
  }
}
