import Glibc
import MiniAsync
import TestSupport
import Testing
import VDM

/// Sizes around 4 and 5 GiB, which 32 bits cannot count.
///
/// The double is dry here: it counts the bytes of each piece without touching them. The installed
/// library does touch them: of memory that costs nothing, because it was never written, or is the
/// same few pages everywhere.
@Suite(.serialized) struct DMLLargeTests {
  private static let sizes = [1 << 32, 5 << 30].flatMap { [$0 - 1, $0, $0 + 1] }

  /// Fewer where all bytes are touched, which takes seconds.
  private static let touchedSizes = [(1 << 32) + 1, 5 << 30]

  @Test(arguments: sizes, [DMLMover.Path.software, .hardware])
  func `pieces cover everything once`(size: Int, path: DMLMover.Path) throws {
    for (limit, overlap) in [(nil, nil), (1 << 20, nil), (Int(UInt32.max), nil), (nil, 70_000)] {
      for operation in 0..<5 {
        // Moves alone take an overlap.
        if overlap != nil && operation > 1 { continue }
        let library = DoubledDML { $0.is_dry = 1 }
        let mover = try DMLMover.doubled(path, library) { $0.transferLimit = limit }
        let before = library.counts
        let memory = Reserved(byteCount: 2 * size)
        let (from, to) = (memory.start, memory.start + (overlap ?? size))
        switch operation {
        case 0:
          var future = mover.memmove(to: to, from: from, byteCount: size)
          try waitFor(&future).get()
        case 1:
          var future = mover.memmove(to: from, from: to, byteCount: size)
          try waitFor(&future).get()
        case 2:
          var future = mover.memset(to, to: 1, byteCount: size)
          try waitFor(&future).get()
        case 3:
          var future = mover.compare(to, from, byteCount: size)
          #expect(try waitFor(&future).get() == nil)
        default:
          var future = mover.crc32c(from, byteCount: size)
          _ = try waitFor(&future).get()
        }
        let counts = library.counts
        #expect(Int(counts.bytes - before.bytes) == size)
        #expect(counts.gaps == 0 && counts.misuses == 0)
      }
    }
  }

  @Test func `a pattern goes on where 4 GiB end`() throws {
    // Seen by the piece after them, which has the pattern turned: a limit that 8 does not divide.
    let library = DoubledDML { $0.is_dry = 1 }
    let mover = try DMLMover.doubled(.software, library) { $0.transferLimit = Int(UInt32.max) }
    let memory = Reserved(byteCount: 5 << 30)
    var fill = mover.fill(memory.start, with: 1, byteCount: 5 << 30)
    try waitFor(&fill).get()
    #expect(library.counts.software_submissions == 2)
    #expect(library.counts.gaps == 0)
  }

  @Test(.enabled(if: isRealDMLInstalled && !isThreadSanitized), arguments: touchedSizes)
  func `the installed library compares and sums more than 4 GiB`(size: Int) throws {
    let mover = try DMLChoice.installedSoftware.make(transferLimit: nil)
    let a = Reserved(byteCount: size)
    let b = Reserved(byteCount: size)
    var same = mover.compare(a.start, b.start, byteCount: size)
    #expect(try waitFor(&same).get() == nil)
    (a.start + size - 1).storeBytes(of: 1, as: UInt8.self)
    var other = mover.compare(a.start, b.start, byteCount: size)
    #expect(try waitFor(&other).get() == size - 1)
    // The same bytes in other pieces have the same CRC.
    var whole = mover.crc32c(a.start, byteCount: size)
    var first = mover.crc32c(a.start, byteCount: 3 << 29)
    var second = mover.crc32c(
      a.start + (3 << 29), byteCount: size - (3 << 29), continuing: try waitFor(&first).get())
    #expect(try waitFor(&whole).get() == waitFor(&second).get())
  }

  @Test(.enabled(if: isRealDMLInstalled && !isThreadSanitized), arguments: touchedSizes)
  func `the installed library copies and fills more than 4 GiB`(size: Int) throws {
    let mover = try DMLChoice.installedSoftware.make(transferLimit: nil)
    // A copy whose length has lost its high bits leaves most of the window as it was.
    let window = 8 << 20
    let from = try Reserved(byteCount: size, repeating: window)
    let to = try Reserved(byteCount: size, repeating: window)
    memset(from.start, 0x3c, window)
    var copy = mover.memcpy(to: to.start, from: from.start, byteCount: size)
    try waitFor(&copy).get()
    #expect(memcmp(to.start, from.start, window) == 0)
    var fill = mover.fill(to.start, with: 0x0807_0605_0403_0201, byteCount: size)
    try waitFor(&fill).get()
    for offset in [0, 1, window / 2, window - 1] {
      #expect(to.start.load(fromByteOffset: offset, as: UInt8.self) == UInt8(offset % 8 + 1))
    }
  }
}

/// Address space, with next to no memory behind it.
private final class Reserved {
  let start: UnsafeMutableRawPointer
  private let byteCount: Int

  /// Reserves zeros that cost nothing until they are written.
  init(byteCount: Int) {
    self.byteCount = byteCount
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    guard let start = mmap(nil, byteCount, PROT_READ | PROT_WRITE, flags, -1, 0),
      start != MAP_FAILED
    else { fatalError("Reserved: no address space") }
    self.start = start
  }

  /// Maps the same `window` bytes again and again.
  convenience init(byteCount: Int, repeating window: Int) throws {
    self.init(byteCount: byteCount)
    let directory = try ScratchDirectory()
    let file = open(directory["window"], O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard file >= 0, ftruncate(file, window) == 0 else {
      fatalError("Reserved: no file for the window")
    }
    defer { close(file) }
    for offset in stride(from: 0, to: byteCount, by: window) {
      let mapped = mmap(
        start + offset, min(window, byteCount - offset), PROT_READ | PROT_WRITE,
        MAP_SHARED | MAP_FIXED, file, 0)
      guard mapped != MAP_FAILED else { fatalError("Reserved: too many mappings") }
    }
  }

  deinit { munmap(start, byteCount) }
}
