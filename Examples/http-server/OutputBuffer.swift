/// Bytes on their way to a client: appended at the end, taken from the front.
///
/// Memory of its own, which stays where it is while a fiber waits to write it.
struct OutputBuffer: ~Copyable {
  static let standardCapacity = 8 << 10

  private var memory: UnsafeMutableRawBufferPointer
  private var start = 0
  private var end = 0

  init() {
    memory = .allocate(byteCount: Self.standardCapacity, alignment: 16)
  }

  deinit { memory.deallocate() }

  /// What is to be written.
  var pending: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[start..<end]) }
  /// What more can be appended.
  var room: UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(rebasing: memory[end...])
  }

  /// Marks bytes that were put at the beginning of ``room`` as appended.
  mutating func appended(_ count: Int) {
    precondition(count <= memory.count - end, "OutputBuffer: more bytes than there was room for")
    end += count
  }

  /// Marks bytes as written.
  @inline(__always)
  mutating func written(_ count: Int) {
    start += count
    if start == end {
      start = 0
      end = 0
    }
  }

  @inline(__always)
  mutating func append(_ bytes: UnsafeRawBufferPointer) {
    reserve(bytes.count)
    room.copyMemory(from: bytes)
    end += bytes.count
  }

  @inline(__always)
  mutating func append(_ bytes: [UInt8]) { bytes.withUnsafeBytes { append($0) } }

  /// Appends the first `count` bytes.
  @inline(__always)
  mutating func append(_ bytes: [UInt8], first count: Int) {
    bytes.withUnsafeBytes { append($0.part(0..<count)) }
  }

  mutating func append(_ text: StaticString) {
    append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  mutating func append(_ text: String) {
    var text = text
    text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
  }

  mutating func append(number: Int) { append(String(number)) }

  /// Makes room for at least `count` more bytes.
  @inline(__always)
  mutating func reserve(_ count: Int) {
    if memory.count - end < count { resize(to: end - start + count) }
  }

  /// Gives memory back that was needed for one answer alone.
  mutating func shrink() {
    if memory.count > Self.standardCapacity, start == end { resize(to: Self.standardCapacity) }
  }

  @inline(never)
  private mutating func resize(to capacity: Int) {
    let larger = UnsafeMutableRawBufferPointer.allocate(
      byteCount: max(capacity, Self.standardCapacity), alignment: 16)
    larger.copyMemory(from: pending)
    memory.deallocate()
    memory = larger
    end -= start
    start = 0
  }
}
