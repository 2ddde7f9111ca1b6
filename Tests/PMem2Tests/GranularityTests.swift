import Glibc
import TestSupport
import Testing

@testable import PMem2

@Suite struct GranularityTests {
  @Test func `finer granularities come first`() {
    #expect(Granularity.allCases.sorted() == [.byte, .cacheLine, .page])
  }

  @Test(arguments: [
    ("BYTE", Granularity.byte), ("byte", .byte), ("CACHE_LINE", .cacheLine),
    ("Cache_Line", .cacheLine), ("cacheline", .cacheLine), ("PAGE", .page), ("page", .page),
    ("", nil), ("pages", nil), ("1", nil), (" page", nil),
    ("cachel\u{131}ne", nil),
  ])
  func `the environment's words are the original's`(word: String, expected: Granularity?) {
    #expect(Granularity(forcedBy: word) == expected)
  }

  @Test(arguments: [true, false], [nil, Granularity.byte, .cacheLine, .page])
  func `the granularity is decided as in the original`(isVolatile: Bool, forced: Granularity?) {
    for isSynchronous in [true, false] {
      for cachesPersist in [true, false] {
        let found = Granularity.available(
          isVolatile: isVolatile, forced: forced, isSynchronous: isSynchronous,
          cachesPersist: { cachesPersist })
        let measured: Granularity =
          isSynchronous && cachesPersist ? .byte : isSynchronous ? .cacheLine : .page
        #expect(found == (isVolatile ? .byte : forced ?? measured))
      }
    }
  }

  @Test(arguments: [EINVAL, EOPNOTSUPP])
  func `a file that cannot be mapped with MAP_SYNC persists by page`(error: CInt) throws {
    let file = try TestFile()
    let log = SystemLog()
    let source = try Source(
      descriptor: file.descriptor, system: .fake(log, mapSyncError: error))
    #expect(try Map(source, Config(granularity: .page)).granularity == .page)
    let flags = log.state.withLock { $0.mapFlags }
    // The reservation, the attempt with MAP_SHARED_VALIDATE and MAP_SYNC, and the one without.
    #expect(flags.count == 3)
    #expect(flags[1] & 0x80003 == 0x80003 && flags[2] & 0x80003 == MAP_SHARED)
    // An attempt at a fixed place that fails has taken the reservation away: another thread's
    // mapping may be there by then.
    #expect(flags[1] & MAP_FIXED == 0 && flags[2] & MAP_FIXED != 0)
  }

  @Test func `the real file system decides without a fake as well`() throws {
    let file = try TestFile()
    var system = System()
    system.forcedGranularity = { nil }
    let source = try Source(descriptor: file.descriptor, system: system)
    let map = try Map(source, Config(granularity: .page))
    // Whatever it is, here: the copy arrives, and persisting it is not refused.
    try map.memset(map.address, to: 3, byteCount: map.byteCount, flags: .noFlush)
    try map.persist(map.address, byteCount: map.byteCount)
    #expect(file.bytes?.allSatisfy { $0 == 3 } == true)
  }

  @Test func `another failure of MAP_SYNC is an error, and nothing stays mapped`() throws {
    let file = try TestFile()
    let log = SystemLog()
    let source = try Source(descriptor: file.descriptor, system: .fake(log, mapSyncError: ENOMEM))
    let error = refusal { () throws(PMem2Error) in _ = try Map(source, Config(granularity: .page)) }
    #expect(error == .system(call: "mmap", errno: ENOMEM))
    #expect(error?.code == -Int(ENOMEM))
    #expect(log.state.withLock { $0.unmapped } == [(1 << 16) + (2 << 20)])
  }

  /// Whether the caches persist is asked only where `MAP_SYNC` has worked.
  @Test(arguments: [
    (["cpu_cache"], Granularity.byte), (["cpu_cache", "cpu_cache\n"], .byte),
    (["memory_controller"], .cacheLine), (["cpu_cache", "memory_controller"], .cacheLine),
    (["cpu_cache", nil], .cacheLine), ([], .cacheLine), ([""], .cacheLine),
  ])
  func `stores are durable by byte if every region says so`(
    regions: [String?], expected: Granularity
  ) throws {
    let sysfs = try ScratchDirectory()
    for path in ["bus", "bus/nd", "bus/nd/devices", "bus/nd/devices/nmem0"] {
      mkdir(sysfs[path], 0o755)
    }
    for (number, domain) in regions.enumerated() {
      mkdir(sysfs["bus/nd/devices/region\(number)"], 0o755)
      guard let domain else { continue }
      try sysfs.write(
        "bus/nd/devices/region\(number)/persistence_domain", Array(domain.utf8))
    }
    let file = try TestFile()
    let source = try Source(
      descriptor: file.descriptor, system: .fake(mapSyncError: 0, sysfs: sysfs.path))
    #expect(try Map(source, Config(granularity: .page)).granularity == expected)
    var system = System()
    system.sysfs = "/nonexistent"
    #expect(!system.cachesPersist())
  }

  @Test(arguments: Granularity.allCases, Granularity.allCases)
  func `what is coarser than required is refused, and nothing stays mapped`(
    required: Granularity, available: Granularity
  ) throws {
    let file = try TestFile()
    let log = SystemLog()
    let source = try Source(
      descriptor: file.descriptor, system: .fake(log, forced: available.forcing))
    let error = refusal { () throws(PMem2Error) in
      let map = try Map(source, Config(granularity: required))
      #expect(map.granularity == available)
    }
    if available <= required {
      #expect(error == nil)
    } else {
      #expect(error == .granularityNotSupported(required: required, available: available))
      #expect(error?.code == -100_009)
    }
    // Either way all is unmapped now: what surrounded the map, and the map.
    #expect(log.state.withLock { $0.unmapped }.reduce(0, +) == (1 << 16) + (2 << 20))
  }

  @Test(arguments: Granularity.allCases)
  func `nothing makes private and anonymous memory coarser`(forced: Granularity) throws {
    let system = System.fake(forced: forced.forcing)
    let anonymous = Source.anonymous(byteCount: 100, system: system)
    let map = try Map(anonymous, Config(granularity: .byte))
    #expect(map.granularity == .byte)
    #expect(map.byteCount == 100)

    let file = try TestFile()
    let source = try Source(descriptor: file.descriptor, system: system)
    var config = Config(granularity: .byte)
    config.sharing = .private
    let own = try Map(source, config)
    #expect(own.granularity == .byte)
    try own.memset(own.address, to: 7, byteCount: own.byteCount)
    #expect(file.bytes?.allSatisfy { $0 == 0 } == true)
  }

  @Test func `the environment variable is really read`() async {
    await #expect(processExitsWith: .success) {
      for granularity in Granularity.allCases {
        setenv("PMEM2_FORCE_GRANULARITY", granularity.forcing.lowercased(), 1)
        let file = try TestFile()
        let map = try Map(Source(descriptor: file.descriptor), Config(granularity: .page))
        precondition(map.granularity == granularity)
      }
    }
  }
}
