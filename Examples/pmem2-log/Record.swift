/// What stands before each record's payload; 32 bytes, little-endian.
///
///     offset  0  checksum, of the checksum before it, of what follows here, and of the payload
///             8  sequence: how many records come before it
///            16  epoch: a random number of the opening in which it was written
///            24  how many bytes of payload
///
/// The payload follows, filled up to a multiple of 8.
///
/// Each checksum covers the one before, so a record is valid only behind the very record that it
/// was written behind. The epoch keeps what was written after a lost record from coming back: a
/// record that takes the lost one's place has another checksum, even if its payload is the same.
struct RecordHeader: Equatable {
  var checksum: UInt64
  var sequence: UInt64
  var epoch: UInt64
  var byteCount: UInt64

  /// How many bytes it takes.
  static let size = 32

  /// The header of a payload behind the record whose checksum is `previous`.
  init(sequence: UInt64, epoch: UInt64, previous: UInt64, payload: UnsafeRawBufferPointer) {
    self.sequence = sequence
    self.epoch = epoch
    byteCount = UInt64(payload.count)
    var sum = Checksum()
    sum.add(previous)
    for field in [sequence, epoch, byteCount] { sum.add(field) }
    sum.add(payload)
    checksum = sum.value
  }

  /// Reads what stands at the beginning of `bytes`, whatever it is.
  init(readingFrom bytes: UnsafeRawBufferPointer) {
    func field(_ index: Int) -> UInt64 {
      UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self))
    }
    (checksum, sequence, epoch, byteCount) = (field(0), field(1), field(2), field(3))
  }

  /// Writes it to the beginning of `bytes`.
  func write(to bytes: UnsafeMutableRawBufferPointer) {
    for (index, field) in [checksum, sequence, epoch, byteCount].enumerated() {
      bytes.storeBytes(of: field.littleEndian, toByteOffset: 8 * index, as: UInt64.self)
    }
  }

  /// How many bytes a record with so much payload takes.
  static func recordSize(_ byteCount: Int) -> Int { size + (byteCount + 7) & ~7 }
}

/// A walk over the valid records at the beginning of some bytes.
struct RecordReader {
  private let bytes: UnsafeRawBufferPointer
  /// Where the next record would begin.
  private(set) var end = 0
  /// How many were found.
  private(set) var count: UInt64 = 0
  /// The checksum of the last one.
  private(set) var checksum: UInt64

  /// Begins a walk.
  ///
  /// - Parameters:
  ///   - bytes: Where the records are.
  ///   - seed: What the first record's checksum covers in the place of a previous one.
  init(_ bytes: UnsafeRawBufferPointer, seed: UInt64) {
    self.bytes = bytes
    checksum = seed
  }

  /// The next record's payload; `nil` where something else stands: there the log ends.
  mutating func next() -> UnsafeRawBufferPointer? {
    let rest = UnsafeRawBufferPointer(rebasing: bytes[end...])
    guard rest.count >= RecordHeader.size else { return nil }
    let header = RecordHeader(readingFrom: rest)
    // Before anything is read that its length says, it must fit.
    guard header.sequence == count, header.byteCount <= UInt64(rest.count - RecordHeader.size),
      RecordHeader.recordSize(Int(header.byteCount)) <= rest.count
    else { return nil }
    let payload = UnsafeRawBufferPointer(
      rebasing: rest[RecordHeader.size..<RecordHeader.size + Int(header.byteCount)])
    let expected = RecordHeader(
      sequence: count, epoch: header.epoch, previous: checksum, payload: payload)
    guard header == expected else { return nil }
    end += RecordHeader.recordSize(payload.count)
    count += 1
    checksum = header.checksum
    return payload
  }
}
