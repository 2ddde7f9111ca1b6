/// The CRC-64 of ECMA-182, reflected (as in XZ): finds every torn record but one in 2^64.
struct Checksum {
  private var state = ~UInt64(0)

  /// The checksum of what was added.
  var value: UInt64 { ~state }

  /// Adds bytes.
  mutating func add(_ bytes: UnsafeRawBufferPointer) {
    for byte in bytes {
      state = Self.table[Int(UInt8(truncatingIfNeeded: state) ^ byte)] ^ state >> 8
    }
  }

  /// Adds a number.
  mutating func add(_ number: UInt64) {
    withUnsafeBytes(of: number.littleEndian) { add($0) }
  }

  private static let table: [UInt64] = (0..<256).map { byte in
    (0..<8).reduce(UInt64(byte)) { value, _ in
      value & 1 == 0 ? value >> 1 : value >> 1 ^ 0xc96c_5795_d787_0f42
    }
  }
}
