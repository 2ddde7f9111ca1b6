import Glibc
import MiniAsync
import TestSupport
import Testing
import VDM

@testable import PMem2

/// How long a map lives, and which addresses it has.
@Suite struct MapTests {
  private func isMapped(_ address: UnsafeMutableRawPointer) -> Bool {
    var residence: UInt8 = 0
    return mincore(address, 1, &residence) == 0
  }

  @Test func `dropping the last reference unmaps once`() throws {
    let file = try TestFile()
    let log = SystemLog()
    do {
      let map = try file.map(.page, log)
      #expect(isMapped(map.address))
      log.state.withLock { $0.unmapped = [] }
    }
    #expect(log.state.withLock { $0.unmapped } == [1 << 16])
  }

  @Test func `unmapping unmaps once, and everything is refused from then on`() throws {
    let file = try TestFile()
    let log = SystemLog()
    do {
      let map = try file.map(.page, log)
      log.state.withLock { $0.unmapped = [] }
      try synchronously { try map.unmap() }
      #expect(log.state.withLock { $0.unmapped } == [1 << 16])
      let again = refusal { () throws(PMem2Error) in try map.unmap() }
      #expect(again == .mappingNotFound && again?.code == -100_016)
      let bytes: [UInt8] = [1]
      for error in [
        refusal { () throws(PMem2Error) in
          try map.memcpy(to: map.address, from: bytes, byteCount: 1)
        },
        refusal { () throws(PMem2Error) in try map.memset(map.address, to: 1, byteCount: 0) },
        refusal { () throws(PMem2Error) in try map.persist(map.address, byteCount: 1) },
        refusal { () throws(PMem2Error) in try map.deepFlush(map.address, byteCount: 1) },
      ] { #expect(error == .mappingNotFound) }
      let future = map.memsetAsync(map.address, to: 1, byteCount: 1)
      let output = future.output
      #expect(output?.error == .mappingNotFound)
      var batch = map.batch()
      let added = refusal { () throws(PMem2Error) in
        try batch.memset(map.address, to: 1, byteCount: 1)
      }
      #expect(added == .mappingNotFound)
      map.drain()
    }
    #expect(log.state.withLock { $0.unmapped } == [1 << 16])
  }

  @Test func `a map with futures cannot be unmapped until they are complete`() throws {
    let file = try TestFile()
    let map = try file.map()
    func unmap() -> PMem2Error? { refusal { () throws(PMem2Error) in try map.unmap() } }
    do {
      var first = map.memsetAsync(map.address, to: 1, byteCount: 1)
      let second = map.memsetAsync(map.address, to: 1, byteCount: 1)
      var batch = map.batch()
      #expect(unmap() == .operationsInFlight(3))
      first.poll()
      batch.poll()
      #expect(unmap() == .operationsInFlight(1))

      let refused = map.memsetAsync(map.address - 1, to: 1, byteCount: 1)
      #expect(unmap() == .operationsInFlight(1))
      expect(refused.state == .complete && batch.state == .complete)
      expect(first.state == .complete && second.state == .idle)
    }
    #expect(unmap() == nil)
  }

  @Test func `a map that cannot be unmapped stays as it was`() throws {
    let file = try TestFile()
    let log = SystemLog()
    let map = try file.map(.page, log)
    log.state.withLock { $0.unmapErrors = [ENOMEM] }
    let error = refusal { () throws(PMem2Error) in try map.unmap() }
    #expect(error == .system(call: "munmap", errno: ENOMEM))
    try map.memset(map.address, to: 3, byteCount: 1)
    #expect(file.bytes?.first == 3)
    try synchronously { try map.unmap() }
  }

  @Test func `futures keep their map`() throws {
    let file = try TestFile()
    var future: DurableFuture
    weak var map: Map?
    do {
      let strong = try file.map()
      future = strong.memsetAsync(strong.address, to: 7, byteCount: 10)
      map = strong
    }
    #expect(map != nil)
    future.poll()
    #expect(file.bytes?[9] == 7)
    _ = consume future
    #expect(map == nil)
  }

  @Test func `threads that make futures and one that unmaps agree`() throws {
    for _ in 0..<50 * stressFactor {
      let file = try TestFile(byteCount: 4096)
      let map = try file.map(.byte)
      let done = Counter()
      MoverThread.run(3) { number in
        if number == 0 {
          while refusal({ () throws(PMem2Error) in try map.unmap() }) != nil {}
          return
        }
        while true {
          var future = map.memsetAsync(map.address + number, to: 1, byteCount: 1)
          future.poll()
          if future.output?.error == .mappingNotFound { return }
          done.add()
        }
      }
      #expect(refusal { () throws(PMem2Error) in try map.unmap() } == .mappingNotFound)
    }
  }

  // MARK: Memory that is mapped already

  @Test(arguments: Granularity.allCases)
  func `existing memory becomes a map, and stays when that goes`(granularity: Granularity) throws {
    let bytes = MoverBytes(count: 10_000)
    let buffer = UnsafeMutableRawBufferPointer(start: bytes.start, count: bytes.count)
    do {
      let source = Source.anonymous(byteCount: 10_000)
      let map = try Map.fromExisting(buffer, of: source, granularity: granularity)
      #expect(map.granularity == granularity && map.address == bytes.start)
      #expect(map.byteCount == 10_000)
      // At its first byte the original loops for ever by page.
      try map.persist(map.address, byteCount: 10_000)
      try map.memset(map.address, to: 4, byteCount: 10_000)
      var copy = map.memmoveAsync(to: map.address + 1, from: map.address, byteCount: 9_999)
      expect(copy.busyPoll().isSuccess)
      try synchronously { try map.unmap() }
    }
    #expect(bytes.isFilled(with: 4) && bytes.areGuardsIntact)
  }

  @Test func `no byte is in two maps`() throws {
    let file = try TestFile()
    let map = try file.map()
    let source = Source.anonymous(byteCount: 1)
    func existing(_ offset: Int, _ count: Int) -> PMem2Error? {
      let buffer = UnsafeMutableRawBufferPointer(start: map.address + offset, count: count)
      return refusal { () throws(PMem2Error) in
        _ = try Map.fromExisting(buffer, of: source, granularity: .page)
      }
    }
    let start = UInt(bitPattern: map.address)
    for (offset, count) in [(0, 1), (-1, 2), (65535, 1), (0, 65536), (-1, 65538), (100, 100)] {
      let error = existing(offset, count)
      #expect(
        error == .mapExists(address: start &+ UInt(bitPattern: offset), byteCount: count))
      #expect(error?.code == -100_034)
    }
    #expect(existing(-1, 1) == nil && existing(65536, 1) == nil)
    try synchronously { try map.unmap() }
    #expect(existing(0, 65536) == nil)
  }

  @Test func `nothing is no map`() {
    let source = Source.anonymous(byteCount: 1)
    for buffer in [
      UnsafeMutableRawBufferPointer(start: nil, count: 0),
      UnsafeMutableRawBufferPointer(start: UnsafeMutableRawPointer(bitPattern: 64), count: 0),
    ] {
      let error = refusal { () throws(PMem2Error) in
        _ = try Map.fromExisting(buffer, of: source, granularity: .page)
      }
      #expect(error == .sourceEmpty)
    }
  }

  @Test func `the registry agrees with a plain list of ranges`() {
    var seed = Seed()
    // Addresses that no mapping has.
    let base: UInt = 1 << 60
    var entered: [Range<UInt>] = []
    for _ in 0..<2000 {
      if Bool.random(using: &seed), let range = entered.randomElement(using: &seed) {
        MapRegistry.remove(range)
        entered.removeAll { $0 == range }
        continue
      }
      let start = base + UInt.random(in: 0..<500, using: &seed)
      let range = start..<start + UInt.random(in: 1..<40, using: &seed)
      let error = refusal { () throws(PMem2Error) in try MapRegistry.add(range) }
      #expect((error != nil) == entered.contains { $0.overlaps(range) }, "\(seed)")
      if error == nil { entered.append(range) }
    }
    for range in entered { MapRegistry.remove(range) }
  }
}
