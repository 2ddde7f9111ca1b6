import Glibc
import TestSupport
import Testing

@testable import PMem2

/// What a configuration may ask for, with the value and the rule in each refusal.
@Suite struct ConfigTests {
  private func error(
    size: Int = 16384, flags: CInt = O_RDWR, _ change: (inout Config) -> Void
  ) throws -> PMem2Error? {
    let file = try TestFile(byteCount: size)
    let descriptor = open(file.path, flags | O_CLOEXEC)
    defer { close(descriptor) }
    let log = SystemLog()
    let source = try Source(descriptor: descriptor, system: .fake(log))
    var config = Config(granularity: .page)
    change(&config)
    let error = refusal { () throws(PMem2Error) in _ = try Map(source, config) }
    // Whatever was reserved is given back.
    let (mapped, unmapped) = log.state.withLock { ($0.mapFlags.count, $0.unmapped.count) }
    #expect(mapped == 0 || unmapped > 0)
    return error
  }

  @Test(arguments: [
    (0, 0, 16384), (4096, 0, 12288), (0, 4096, 4096), (12288, 4096, 4096), (0, 16384, 16384),
  ])
  func `ranges of whole pages are mapped`(offset: Int, length: Int, expected: Int) throws {
    let file = try TestFile(byteCount: 16384)
    let source = try Source(descriptor: file.descriptor)
    var config = Config(granularity: .page)
    config.offset = offset
    config.length = length
    let map = try Map(source, config)
    #expect(map.byteCount == expected)
    #expect(map.bytes.count == expected)
    try map.memset(map.address, to: 9, byteCount: map.byteCount)
    let range = offset..<offset + expected
    #expect(file.bytes == (0..<16384).map { range.contains($0) ? 9 : 0 })
  }

  @Test func `a file's last part of a page is mapped`() throws {
    let file = try TestFile(byteCount: 5001)
    var config = Config(granularity: .page)
    config.offset = 4096
    let map = try Map(Source(descriptor: file.descriptor), config)
    #expect(map.byteCount == 905)
    try map.memset(map.address, to: 1, byteCount: 905)
    #expect(file.bytes?.reduce(0) { $0 + Int($1) } == 905)
  }

  @Test func `what makes no range is refused`() throws {
    #expect(try error { $0.offset = -4096 } == .offsetOutOfRange(-4096))
    #expect(try error { $0.offset = 100 } == .offsetUnaligned(100, alignment: 4096))
    #expect(try error { $0.length = -1 } == .lengthOutOfRange(-1))
    #expect(try error { $0.length = 4097 } == .lengthUnaligned(4097, alignment: 4096))
    #expect(
      try error { $0.length = 20480 }
        == .rangeOutsideSource(offset: 0, byteCount: 20480, sourceByteCount: 16384))
    #expect(
      try error { ($0.offset, $0.length) = (4096, 16384) }
        == .rangeOutsideSource(offset: 4096, byteCount: 16384, sourceByteCount: 16384))
    #expect(
      try error { ($0.offset, $0.length) = (Int.max - 4095, 8192) }
        == .rangeOutsideSource(
          offset: Int.max - 4095, byteCount: 8192, sourceByteCount: 16384))
    // The original says EINVAL.
    #expect(
      try error { $0.offset = 16384 }
        == .rangeOutsideSource(offset: 16384, byteCount: 0, sourceByteCount: 16384))
    #expect(try error(size: 0) { _ in } == .sourceEmpty)
    #expect(try error { $0.offset = -4096 }?.code == -100_010)
    #expect(try error { $0.offset = 1 }?.code == -100_011)
    #expect(try error { $0.length = -1 }?.code == -100_030)
    #expect(try error { $0.length = 1 }?.code == -100_015)
    #expect(try error { $0.length = 1 << 30 }?.code == -100_006)
    #expect(try error(size: 0) { _ in }?.code == -100_018)
  }

  @Test(arguments: [0, -1, Int.min])
  func `anonymous memory has at least one byte`(count: Int) {
    let source = Source.anonymous(byteCount: count)
    let error = refusal { () throws(PMem2Error) in _ = try Map(source, Config(granularity: .page)) }
    #expect(error == .sourceEmpty)
  }

  @Test func `more anonymous memory than there are addresses is refused`() {
    for count in [1 << 60, Int.max] {
      let source = Source.anonymous(byteCount: count)
      let error = refusal { () throws(PMem2Error) in
        _ = try Map(source, Config(granularity: .page))
      }
      #expect(error == .system(call: "mmap", errno: ENOMEM))
    }
  }

  @Test func `protection that means nothing is refused`() throws {
    let odd = Protection(rawValue: 3)
    #expect(try error { $0.protection = odd.union(.read) } == .invalidProtection(odd))
    #expect(try error { $0.protection = odd }?.code == -100_031)
  }

  @Test func `a file that is open for reading is not written through a shared map`() throws {
    #expect(try error(flags: O_RDONLY) { _ in } == .noAccess([.read, .write]))
    #expect(try error(flags: O_RDONLY) { _ in }?.code == -100_032)
    #expect(try error(flags: O_RDONLY) { $0.protection = .read } == nil)
    #expect(try error(flags: O_RDONLY) { $0.sharing = .private } == nil)
  }

  @Test func `a map that may not be written refuses copies`() throws {
    let file = try TestFile()
    var config = Config(granularity: .page)
    config.protection = .read
    let map = try Map(Source(descriptor: file.descriptor), config)
    #expect(map.protection == .read)
    let bytes: [UInt8] = [1, 2, 3]
    let copy = refusal { () throws(PMem2Error) in
      try map.memcpy(to: map.address, from: bytes, byteCount: 3)
    }
    #expect(copy == .noAccess(.write))
    let future = map.memsetAsync(map.address, to: 1, byteCount: 3)
    let output = future.output
    #expect(output?.error == .noAccess(.write))
    try map.persist(map.address, byteCount: 3)
    // What may not even be read cannot be flushed.
    config.protection = []
    let nothing = try Map(Source(descriptor: file.descriptor), config)
    let flush = refusal { () throws(PMem2Error) in
      try nothing.persist(nothing.address, byteCount: 3)
    }
    #expect(flush == .noAccess(.read))
  }

  @Test func `the descriptor is not needed once there is a map`() throws {
    let file = try TestFile()
    let descriptor = open(file.path, O_RDWR | O_CLOEXEC)
    let map = try Map(Source(descriptor: descriptor), Config(granularity: .page))
    close(descriptor)
    try map.memset(map.address, to: 5, byteCount: 100)
    #expect(file.bytes?[99] == 5 && file.bytes?[100] == 0)
  }

  @Test(arguments: [4096, 2 << 20, 3 << 20])
  func `maps begin where large pages do`(count: Int) throws {
    let map = try Map(Source.anonymous(byteCount: count), Config(granularity: .byte))
    #expect(UInt(bitPattern: map.address) % (2 << 20) == 0)
  }

  @Test func `a map of gigabytes begins where huge pages do`() throws {
    let map = try Map(Source.anonymous(byteCount: 2 << 30), Config(granularity: .byte))
    #expect(UInt(bitPattern: map.address) % (1 << 30) == 0)
  }

  @Test func `every error tells the value and the rule`() {
    let errors: [(PMem2Error, String)] = [
      (.offsetUnaligned(100, alignment: 4096), "100"),
      (.lengthUnaligned(5, alignment: 4096), "4096"),
      (.granularityNotSupported(required: .byte, available: .page), "page"),
      (.rangeOutsideMap(offset: 8, byteCount: 77, mapByteCount: 64), "77"),
      (.noAccess([.read, .write]), "reading and writing"), (.noAccess([]), "nothing"),
      (.operationsInFlight(3), "3"), (.unknownFlags(CopyFlags(rawValue: 64)), "0x40"),
      (.mapExists(address: 0x1000, byteCount: 1), "0x1000"), (.invalidDescriptor(-1), "-1"),
      (.invalidFileType(mode: 0o40755), "0o40000"), (.operation(.cancelled), "cancelled"),
    ]
    for (error, part) in errors { #expect("\(error)".contains(part)) }
  }
}
