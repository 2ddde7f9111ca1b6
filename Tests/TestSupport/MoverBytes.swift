import Glibc

/// Memory for operations to work on, between guard bytes that no operation may touch.
public final class MoverBytes: @unchecked Sendable {
  // @unchecked: the memory's use is agreed between the test and the mover it tests.
  private static let margin = 128
  private static let guardByte: UInt8 = 0xA5

  private let block: UnsafeMutableRawPointer
  /// How many bytes.
  public let count: Int
  /// The first byte.
  public var start: UnsafeMutableRawPointer { block + Self.margin }

  /// Allocates `count` bytes of `value`.
  public init(count: Int, filledWith value: UInt8 = 0) {
    self.count = count
    block = .allocate(byteCount: count + 2 * Self.margin, alignment: 64)
    memset(block, CInt(Self.guardByte), count + 2 * Self.margin)
    memset(block + Self.margin, CInt(value), count)
  }

  /// Allocates `count` bytes of which no two neighbouring words are alike.
  public convenience init(patternOf count: Int, salt: Int = 0) {
    self.init(count: count)
    fillWithPattern(salt: salt)
  }

  deinit { block.deallocate() }

  /// Writes the pattern of `salt`.
  public func fillWithPattern(salt: Int = 0) {
    var written = 0
    while written < count {
      let part = min(Self.period, count - written)
      memcpy(start + written, Self.pattern.start + (salt &+ written) & (Self.period - 1), part)
      written += part
    }
  }

  private static let period = 1 << 16

  /// Two periods of the pattern, made once: tests fill megabytes, in debug builds too.
  private static let pattern: MoverBytes = {
    let pattern = MoverBytes(count: 2 * period)
    let bytes = pattern.start.assumingMemoryBound(to: UInt8.self)
    for i in 0..<2 * period { bytes[i] = UInt8(truncatingIfNeeded: i &* 167 &+ i >> 8) }
    return pattern
  }()

  /// The byte at `index`.
  public subscript(index: Int) -> UInt8 {
    get { start.load(fromByteOffset: index, as: UInt8.self) }
    set { start.storeBytes(of: newValue, toByteOffset: index, as: UInt8.self) }
  }

  /// Whether both hold the same bytes.
  public func equals(_ other: MoverBytes) -> Bool {
    count == other.count && memcmp(start, other.start, count) == 0
  }

  /// Whether every byte is `value`.
  public func isFilled(with value: UInt8) -> Bool {
    // Equal to itself moved by one, and the first is right.
    count == 0 || self[0] == value && memcmp(start, start + 1, count - 1) == 0
  }

  /// Whether the bytes before and after are untouched.
  public var areGuardsIntact: Bool {
    (0..<Self.margin).allSatisfy {
      block.load(fromByteOffset: $0, as: UInt8.self) == Self.guardByte
        && block.load(fromByteOffset: Self.margin + count + $0, as: UInt8.self) == Self.guardByte
    }
  }
}
