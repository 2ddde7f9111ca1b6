import Glibc
import TestSupport
import Testing
import VDM

@testable import PMem2

/// What persist, flush, drain and deep flushes ask of the system and the CPU.
@Suite struct PersistTests {
  @Test func `by page, whole pages are written, once`() throws {
    let file = try TestFile()
    let log = SystemLog()
    let map = try file.map(.page, log)
    let start = UInt(bitPattern: map.address)
    for (offset, count, first, bytes) in [
      (0, 1, 0, 4096), (4095, 2, 0, 8192), (4096, 4096, 4096, 4096), (0, 65536, 0, 65536),
      (65535, 1, 61440, 4096), (100, 5000, 0, 8192),
    ] {
      log.forget()
      try map.persist(map.address + offset, byteCount: count)
      let calls = log.synchronised
      #expect(calls.map(\.address) == [start + UInt(first)] && calls.map(\.byteCount) == [bytes])
      log.forget()
      try map.flush(map.address + offset, byteCount: count)
      #expect(log.synchronised.count == 1)
    }
    log.forget()
    try map.persist(map.address, byteCount: 0)
    try map.persist(map.address + 65536, byteCount: 0)
    map.drain()
    #expect(log.synchronised.isEmpty)
  }

  @Test func `by cache line the CPU flushes, by byte nobody does`() throws {
    let file = try TestFile()
    let log = SystemLog()
    let lines = try file.map(.cacheLine, log, memory: FlushLog.memory)
    let bytes = try file.map(.byte, log, memory: FlushLog.memory)
    _ = (FlushLog.take(lines), FlushLog.take(bytes))
    try lines.persist(lines.address + 5, byteCount: 100)
    #expect(FlushLog.take(lines) == [.init(offset: 5, byteCount: 100)])
    try lines.flush(lines.address, byteCount: 64)
    lines.drain()
    #expect(FlushLog.take(lines) == [.init(offset: 0, byteCount: 64)])
    try bytes.persist(bytes.address, byteCount: 100)
    try bytes.flush(bytes.address, byteCount: 100)
    bytes.drain()
    #expect(FlushLog.take(bytes) == [])
    #expect(log.synchronised.isEmpty)
  }

  @Test func `an interrupted msync is begun again`() throws {
    let file = try TestFile()
    let log = SystemLog()
    let map = try file.map(.page, log)
    log.state.withLock { $0.synchroniseErrors = [EINTR, EINTR] }
    try map.persist(map.address, byteCount: 10)
    #expect(log.synchronised.count == 3)
  }

  @Test(arguments: [EIO, ENOMEM, ENOSPC])
  func `a failed msync is an error of whatever has called it`(code: CInt) throws {
    let file = try TestFile()
    let log = SystemLog()
    let map = try file.map(.page, log)
    let bytes = [UInt8](repeating: 1, count: 8)
    func fails(_ body: () throws(PMem2Error) -> Void) {
      log.state.withLock { $0.synchroniseErrors = [EINTR, code] }
      #expect(refusal(body) == .system(call: "msync", errno: code))
      #expect(log.state.withLock { $0.synchroniseErrors } == [])
    }
    fails { () throws(PMem2Error) in try map.persist(map.address, byteCount: 1) }
    fails { () throws(PMem2Error) in try map.flush(map.address, byteCount: 1) }
    fails { () throws(PMem2Error) in try map.deepFlush(map.address, byteCount: 1) }
    fails { () throws(PMem2Error) in
      try map.memcpy(to: map.address, from: bytes, byteCount: 8)
    }
    fails { () throws(PMem2Error) in
      try map.memmove(to: map.address, from: bytes, byteCount: 8)
    }
    fails { () throws(PMem2Error) in try map.memset(map.address, to: 1, byteCount: 8) }
    log.state.withLock { $0.synchroniseErrors = [code] }
    var future = map.memcpyAsync(to: map.address, from: bytes, byteCount: 8)
    expect(future.busyPoll().error == .system(call: "msync", errno: code))
  }

  @Test func `memory that is gone is an error, not silence`() throws {
    let source = Source.anonymous(byteCount: 4096)
    let start = mmap(nil, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    let buffer = UnsafeMutableRawBufferPointer(start: start, count: 4096)
    let map = try Map.fromExisting(buffer, of: source, granularity: .page)
    munmap(map.address, 4096)
    let error = refusal { () throws(PMem2Error) in try map.persist(map.address, byteCount: 1) }
    #expect(error == .system(call: "msync", errno: ENOMEM))
  }

  @Test(arguments: Granularity.allCases)
  func `ranges outside the map are refused`(granularity: Granularity) throws {
    let file = try TestFile()
    let map = try file.map(granularity)
    let bytes = [UInt8](repeating: 1, count: 100)
    for (offset, count) in [
      (-1, 1), (65536, 1), (65535, 2), (0, 65537), (0, -1), (10, Int.min), (0, Int.max),
      (-100, 50), (Int.max, 1), (65537, 0),
    ] {
      let at = UnsafeMutableRawPointer(
        bitPattern: UInt(bitPattern: map.address) &+ UInt(bitPattern: offset))
      let start = try #require(at)
      let expected = PMem2Error.rangeOutsideMap(
        offset: offset, byteCount: count, mapByteCount: 65536)
      for found in [
        refusal { () throws(PMem2Error) in try map.persist(start, byteCount: count) },
        refusal { () throws(PMem2Error) in try map.flush(start, byteCount: count) },
        refusal { () throws(PMem2Error) in try map.memset(start, to: 1, byteCount: count) },
        refusal { () throws(PMem2Error) in
          try map.memcpy(to: start, from: bytes, byteCount: count)
        },
        refusal { () throws(PMem2Error) in
          try map.memmove(to: start, from: bytes, byteCount: count)
        },
      ] { #expect(found == expected) }
      let deep = refusal { () throws(PMem2Error) in try map.deepFlush(start, byteCount: count) }
      #expect(deep == .deepFlushRange(offset: offset, byteCount: count, mapByteCount: 65536))
      #expect(deep?.code == -100_024 && expected.code == nil)
      var future = map.memcpyAsync(to: start, from: bytes, byteCount: count)
      expect(future.state == .complete && future.busyPoll().error == expected)
      var batch = map.batch()
      let added = refusal { () throws(PMem2Error) in
        try batch.memmove(to: start, from: bytes, byteCount: count)
      }
      expect(added == expected && batch.count == 0)
    }
    #expect(file.bytes?.allSatisfy { $0 == 0 } == true)
  }

  @Test(arguments: Granularity.allCases)
  func `a deep flush of a file is an msync beyond the flush`(granularity: Granularity) throws {
    let file = try TestFile()
    let log = SystemLog()
    let map = try file.map(granularity, log, memory: FlushLog.memory)
    _ = FlushLog.take(map)
    try map.deepFlush(map.address + 4000, byteCount: 200)
    #expect(log.synchronised.map(\.byteCount) == [8192])
    let flushed: [FlushLog.Flush] =
      granularity == .cacheLine ? [.init(offset: 4000, byteCount: 200)] : []
    #expect(FlushLog.take(map) == flushed)
  }

  @Test func `anonymous memory cannot be flushed deeply`() throws {
    let map = try Map(Source.anonymous(byteCount: 100), Config(granularity: .byte))
    let error = refusal { () throws(PMem2Error) in try map.deepFlush(map.address, byteCount: 1) }
    #expect(error == .notSupported(.deepFlushOfAnonymousMemory) && error?.code == -100_001)
  }

  @Test func `a CPU without flushes has no maps by cache line`() throws {
    let file = try TestFile()
    let without = NativeMemory(store: nil, flush: nil)
    let error = refusal { () throws(PMem2Error) in
      var system = System.fake(forced: "CACHE_LINE")
      system.memory = without
      let source = try Source(descriptor: file.descriptor, system: system)
      _ = try Map(source, Config(granularity: .page))
    }
    #expect(error == .notSupported(.cacheLineFlush))
    #expect(try file.map(.page, memory: without).granularity == .page)
  }
}
