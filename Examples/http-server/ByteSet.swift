/// A set of ASCII characters, as 128 bits: one shift tells whether a byte is in it.
///
/// Written as bits, so that the compiler makes a constant of it; the tests spell the sets out.
package struct ByteSet: Sendable {
  private let low: UInt64
  private let high: UInt64

  /// Whether `byte` is in the set.
  @inline(__always)
  package func contains(_ byte: UInt8) -> Bool {
    let word = byte & 0x40 == 0 ? low : high
    return byte < 0x80 && word >> UInt64(byte & 0x3f) & 1 != 0
  }

  /// What methods and names of fields are made of (RFC 9110, 5.6.2).
  package static let token = ByteSet(low: 0x03ff_6cfa_0000_0000, high: 0x57ff_ffff_c7ff_fffe)
  /// What a request target may hold: visible ASCII without `"`, `#`, `<`, `>`, `\`, `^` and the
  /// grave accent.
  ///
  /// RFC 3986 has no `{`, `|`, `}` either, but browsers send them in queries.
  package static let target = ByteSet(low: 0xafff_fff2_0000_0000, high: 0x7fff_fffe_afff_ffff)
  /// What the value of `Host` may hold: a name, an address, a port (RFC 3986, 3.2.2).
  package static let host = ByteSet(low: 0x2fff_7ff2_0000_0000, high: 0x47ff_fffe_affffffe)
}

/// Bytes of a line, without its end.
typealias Line = UnsafeRawBufferPointer

extension UInt8 {
  static let tab = UInt8(ascii: "\t")
  static let lineFeed = UInt8(ascii: "\n")
  static let carriageReturn = UInt8(ascii: "\r")
  static let space = UInt8(ascii: " ")

  /// The value of a decimal digit.
  @inline(__always)
  var digit: Int? {
    let value = self &- UInt8(ascii: "0")
    return value < 10 ? Int(value) : nil
  }

  /// The value of a hexadecimal digit.
  var hexDigit: Int? {
    if let digit { return digit }
    let value = (self | 0x20) &- UInt8(ascii: "a")
    return value < 6 ? Int(value) + 10 : nil
  }
}

extension UnsafeRawBufferPointer {
  /// A part of it, with indices from 0.
  @inline(__always)
  func part(_ range: Range<Int>) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: self[range])
  }

  /// Whether these are the bytes of `text`.
  func equals(_ text: StaticString) -> Bool {
    guard count == text.utf8CodeUnitCount else { return false }
    for index in 0..<count where self[index] != text.utf8Start[index] { return false }
    return true
  }

  /// Whether these are the bytes of `text`, which has no capital letters, in any case.
  ///
  /// Only for bytes known to be no control characters: setting one bit turns those into others.
  @inline(__always)
  func equalsIgnoringCase(_ text: StaticString) -> Bool {
    guard count == text.utf8CodeUnitCount else { return false }
    for index in 0..<count {
      let wanted = text.utf8Start[index]
      let isLetter = wanted &- UInt8(ascii: "a") < 26
      guard (isLetter ? self[index] | 0x20 : self[index]) == wanted else { return false }
    }
    return true
  }

  /// Without spaces and tabs at both ends.
  @inline(__always)
  func trimmed() -> UnsafeRawBufferPointer {
    var start = 0
    var end = count
    while start < end, self[start] == .space || self[start] == .tab { start += 1 }
    while end > start, self[end - 1] == .space || self[end - 1] == .tab { end -= 1 }
    return part(start..<end)
  }

  /// Whether there is no control character in it but the tab; bytes beyond ASCII are allowed.
  @inline(__always)
  func isFieldValue() -> Bool {
    var index = 0
    // Eight bytes at a time: a byte below 0x20, or equal to 0x7f, sets its highest bit in `found`.
    // (Carries make bytes above such a one suspicious too; then they are looked at one by one.)
    while index + 8 <= count {
      let word = loadUnaligned(fromByteOffset: index, as: UInt64.self)
      let highest: UInt64 = 0x8080_8080_8080_8080
      let small = (word &- 0x2020_2020_2020_2020) & ~word
      let flipped = word ^ 0x7f7f_7f7f_7f7f_7f7f
      let delete = (flipped &- 0x0101_0101_0101_0101) & ~flipped
      guard (small | delete) & highest == 0 else { break }
      index += 8
    }
    while index < count {
      let byte = self[index]
      guard byte >= 0x20 && byte != 0x7f || byte == .tab else { return false }
      index += 1
    }
    return true
  }
}
