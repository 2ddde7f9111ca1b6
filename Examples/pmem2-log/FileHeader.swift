import PMem2

/// The first 64 bytes of a log.
///
///     offset  0  "PMEM2LOG"
///             8  identity: a random number, which the first record's checksum covers
///            16  checksum of both
///
/// So what is left of an older log in the same place is not taken for records of this one.
enum FileHeader {
  static let size = 64
  private static let magic = UInt64(littleEndian: 0x474f_4c32_4d45_4d50)

  /// Checks the header, or writes it if the file is new.
  ///
  /// - Returns: The log's identity.
  static func check(_ map: Map) throws -> UInt64 {
    guard map.byteCount > size else { throw LogError.notALog }
    let bytes = UnsafeRawBufferPointer(rebasing: map.bytes[..<size])
    func field(_ index: Int) -> UInt64 { bytes.load(fromByteOffset: 8 * index, as: UInt64.self) }
    // A log whose maker was killed before this was durable has no records: it is made again. The
    // checksum is that of the fields, which may have arrived in part.
    let isComplete = field(2) == checksum(field(1))
    if field(0) == magic, isComplete { return field(1) }
    guard bytes.dropFirst(24).allSatisfy({ $0 == 0 }), field(0) == 0 || field(0) == magic else {
      throw LogError.notALog
    }
    let identity = UInt64.random(in: 1 ... .max)
    let header = [magic, identity, checksum(identity)]
    try header.withUnsafeBytes { header in
      guard let from = header.baseAddress else { return }
      try map.memcpy(to: map.address, from: from, byteCount: header.count)
    }
    return identity
  }

  private static func checksum(_ identity: UInt64) -> UInt64 {
    var sum = Checksum()
    sum.add(magic)
    sum.add(identity)
    return sum.value
  }
}
