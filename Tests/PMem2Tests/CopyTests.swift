import Glibc
import TestSupport
import Testing
import VDM

@testable import PMem2

/// Copies and fills by the calling thread: the right bytes, and the flags' promises.
@Suite struct CopyTests {
  /// Every set of flags.
  static let allFlags = (0..<64).map { CopyFlags(rawValue: $0) }

  @Test(arguments: Granularity.allCases)
  func `random copies with all flags write what plain arrays hold`(
    granularity: Granularity
  ) throws {
    var seed = Seed()
    let file = try TestFile(byteCount: 40_000)
    let map = try file.map(granularity)
    var model = [UInt8](repeating: 0, count: 40_000)
    let source = (0..<40_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    for _ in 0..<600 * stressFactor {
      let count = Int.random(in: 0...(Bool.random(using: &seed) ? 300 : 9_000), using: &seed)
      let to = Int.random(in: 0...40_000 - count, using: &seed)
      let from = Int.random(in: 0...40_000 - count, using: &seed)
      let flags = Self.allFlags[Int.random(in: 0..<64, using: &seed)]
      switch Int.random(in: 0..<3, using: &seed) {
      case 0:
        try source.withUnsafeBytes {
          try map.memcpy(
            to: map.address + to, from: $0.baseAddress! + from, byteCount: count, flags: flags)
        }
        model.replaceSubrange(to..<to + count, with: source[from..<from + count])
      case 1:
        try map.memmove(
          to: map.address + to, from: map.address + from, byteCount: count, flags: flags)
        model.replaceSubrange(to..<to + count, with: Array(model[from..<from + count]))
      default:
        let value = UInt8.random(in: 0...255, using: &seed)
        try map.memset(map.address + to, to: value, byteCount: count, flags: flags)
        model.replaceSubrange(to..<to + count, with: repeatElement(value, count: count))
      }
    }
    map.drain()
    #expect(file.bytes == model, "\(seed)")
  }

  /// What is flushed, by each set of flags: contradictions are settled as in the original.
  @Test(arguments: Granularity.allCases)
  func `flags decide what is flushed`(granularity: Granularity) throws {
    let file = try TestFile()
    let log = SystemLog()
    let map = try file.map(granularity, log, memory: FlushLog.memory)
    let bytes = [UInt8](repeating: 3, count: 200)
    for flags in Self.allFlags {
      _ = FlushLog.take(map)
      log.forget()
      try map.memcpy(to: map.address + 10, from: bytes, byteCount: 200, flags: flags)
      let isFlushed = !flags.contains(.noFlush)
      // The fake CPU has no streaming stores, so every way of being durable is a flush.
      let flushed: [FlushLog.Flush] =
        isFlushed && granularity == .cacheLine ? [.init(offset: 10, byteCount: 200)] : []
      #expect(FlushLog.take(map) == flushed)
      #expect(log.synchronised.count == (isFlushed && granularity == .page ? 1 : 0))
    }
  }

  @Test func `lines that are streamed are not flushed`() throws {
    let store = try #require(StreamingStore.supported.first)
    guard store != .stnp else { return }  // Only a hint there: lines are flushed as well.
    let file = try TestFile()
    let map = try file.map(.cacheLine)
    try map.memset(map.address, to: 1, byteCount: 4096, flags: .nonTemporal)
    try map.memset(map.address + 4096, to: 2, byteCount: 4096, flags: [.temporal, .noDrain])
    map.drain()
    #expect(file.bytes?[4095] == 1 && file.bytes?[8191] == 2)
  }

  @Test func `flags that mean nothing are refused`() throws {
    let file = try TestFile()
    let map = try file.map()
    let odd = CopyFlags(rawValue: 0x40)
    for flags in [odd, odd.union(.noFlush)] {
      let error = refusal { () throws(PMem2Error) in
        try map.memset(map.address, to: 1, byteCount: 1, flags: flags)
      }
      #expect(error == .unknownFlags(odd))
    }
    #expect(file.bytes?.first == 0)
  }

  @Test func `a memcpy between ranges that overlap is refused`() throws {
    let file = try TestFile()
    let map = try file.map()
    for (to, from) in [(0, 1), (1, 0), (0, 99), (5, 5)] {
      let error = refusal { () throws(PMem2Error) in
        try map.memcpy(to: map.address + to, from: map.address + from, byteCount: 100)
      }
      #expect(error == .operation(.invalidArgument(.overlappingRanges)))
    }
    try map.memcpy(to: map.address + 100, from: map.address, byteCount: 100)
    try map.memcpy(to: map.address, from: map.address, byteCount: 0)
  }

  @Test(arguments: Granularity.allCases)
  func `copies allocate nothing`(granularity: Granularity) throws {
    guard countsAllocations, !isDebugBuild else { return }
    let file = try TestFile()
    var system = System()
    system.forcedGranularity = { granularity.forcing }
    let source = try Source(descriptor: file.descriptor, system: system)
    let map = try Map(source, Config(granularity: .page))
    let bytes = MoverBytes(count: 4096)
    func copyInAllWays() {
      for size in [1, 64, 4096] {
        try? map.memcpy(to: map.address, from: bytes.start, byteCount: size)
        try? map.persist(map.address, byteCount: size)
        var future = map.memcpyAsync(to: map.address, from: bytes.start, byteCount: size)
        future.poll()
      }
    }
    // At their first use the runtime makes the types' metadata.
    copyInAllWays()
    let count = allocations { copyInAllWays() }
    #expect(count == 0)
  }
}
