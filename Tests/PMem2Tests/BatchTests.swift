import Glibc
import MiniAsync
import TestSupport
import Testing
import VDM

@testable import PMem2

@Suite struct BatchTests {
  @Test(
    arguments: Granularity.allCases, [nil, OperationFlags(), .durable] as [OperationFlags?])
  func `a batch is flushed once`(granularity: Granularity, capabilities: OperationFlags?) throws {
    let mover = capabilities.map { RecordingMover($0) }
    mover?.set(\.checks, 1)
    let file = try TestFile()
    let log = SystemLog()
    let map = try file.map(granularity, log, mover: mover, memory: FlushLog.memory)
    _ = FlushLog.take(map)
    var batch = map.batch(minimumCapacity: 5)
    let bytes = MoverBytes(count: 100, filledWith: 5)
    // Two in the first page, one over the second and third, one in the ninth, one of nothing.
    for (offset, count) in [(0, 100), (32768, 10), (8190, 4), (4000, 60), (60000, 0)] {
      try batch.memcpy(to: map.address + offset, from: bytes.start, byteCount: count)
    }
    expect(batch.count == 5)
    #expect(mover?.asked.isEmpty ?? true)
    try Runtime().wait(&batch).get()

    let pages = log.synchronised.map { Int($0.address - UInt(bitPattern: map.address)) / 4096 }
    #expect(pages == (granularity == .page ? [0, 8] : []))
    #expect(log.synchronised.map(\.byteCount) == (granularity == .page ? [12288, 4096] : []))
    // A fake CPU without streaming stores flushes what the calling thread copies.
    let flushes = FlushLog.take(map).filter { $0.byteCount > 0 }
    let isFlushed = granularity == .cacheLine && capabilities != .durable
    #expect(flushes.map(\.offset) == (isFlushed ? [0, 32768, 8190, 4000] : []))
    let asked = granularity == .cacheLine ? capabilities ?? [] : []
    #expect(mover?.asked.allSatisfy { $0.flags == asked } ?? true)
    #expect(file.bytes?.count { $0 == 5 } == 174)
    try synchronously { try map.unmap() }
  }

  @Test func `what is refused is not added`() throws {
    let file = try TestFile()
    let map = try file.map(mover: RecordingMover([], kinds: [.memset]))
    var batch = map.batch()
    let bytes: [UInt8] = [1]
    for error in [
      refusal { () throws(PMem2Error) in
        try batch.memcpy(to: map.address, from: bytes, byteCount: 1)
      },
      refusal { () throws(PMem2Error) in
        try batch.memmove(to: map.address, from: bytes, byteCount: 1)
      },
    ] {
      guard case .operation(.unsupportedOperation)? = error else {
        Issue.record("\(String(describing: error))")
        continue
      }
    }
    expect(batch.count == 0)
    try batch.memset(map.address, to: 3, byteCount: 5)
    expect(batch.busyPoll().isSuccess)
    #expect(file.bytes?[4] == 3)
  }

  @Test func `failures are told by number, and the rest is durable`() throws {
    let mover = RecordingMover()
    let file = try TestFile()
    let log = SystemLog()
    let map = try file.map(.page, log, mover: mover)
    var batch = map.batch()
    for index in 0..<4 { try batch.memset(map.address + index * 8192, to: 1, byteCount: 1) }
    // The second range that is written.
    log.state.withLock { $0.synchroniseErrors = [EINTR, EINTR, EIO] }
    mover.set(\.error, nil)
    let output = batch.busyPoll()
    #expect(output.count == 4 && !output.isSuccess)
    #expect(output.failures == [.init(index: 0, error: .system(call: "msync", errno: EIO))])
    #expect(throws: PMem2Error.system(call: "msync", errno: EIO)) { try output.get() }
    #expect(log.synchronised.count == 2 + 4)

    var failing = map.batch()
    try failing.memset(map.address, to: 1, byteCount: 1)
    mover.set(\.error, .jobCorrupted)
    log.forget()
    let failed = failing.busyPoll()
    #expect(failed.failures == [.init(index: 0, error: .operation(.jobCorrupted))])
    #expect(log.synchronised.isEmpty)
  }

  @Test(arguments: [false, true])
  func `a batch may be cancelled before and while it runs`(hasMover: Bool) throws {
    let mover = RecordingMover()
    mover.set(\.isHeld, true)
    let file = try TestFile()
    let map = try file.map(mover: hasMover ? mover : nil)
    var batch = map.batch()
    for index in 0..<3 { try batch.memset(map.address + index, to: 1, byteCount: 1) }
    batch.cancel()
    let output = batch.busyPoll()
    #expect(output.failures.map(\.error) == .init(repeating: .operation(.cancelled), count: 3))
    #expect(file.bytes?.first == 0)

    guard hasMover else { return }
    var running = map.batch()
    try running.memset(map.address, to: 2, byteCount: 1)
    running.poll()
    running.cancel()
    expect(running.poll() == .running)
    mover.release()
    expect(running.busyPoll().isSuccess)
    try synchronously { try map.unmap() }
  }

  @Test func `a dropped batch is waited for, as far as it was begun`() throws {
    let mover = RecordingMover()
    mover.set(\.isHeld, true)
    let file = try TestFile()
    do {
      let map = try file.map(mover: mover)
      do {
        var batch = map.batch()
        for index in 0..<3 { try batch.memset(map.address + index, to: 1, byteCount: 1) }
        batch.poll()
        var idle = map.batch()
        try idle.memset(map.address + 10, to: 1, byteCount: 1)
      }
      #expect(mover.state.withLock { $0.ended } == 1)
      mover.release()
    }
    #expect(mover.state.withLock { $0.ended } == 4)
    #expect(file.bytes?.prefix(12) == [1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0])
  }

  @Test func `an empty batch is complete at its first poll`() throws {
    let file = try TestFile()
    let log = SystemLog()
    for mover in [nil, RecordingMover()] {
      let map = try file.map(.page, log, mover: mover)
      var batch = map.batch()
      expect(batch.poll() == .complete)
      expect(batch.output == DurableBatchOutput(count: 0, failures: []))
    }
    #expect(log.synchronised.isEmpty)
  }

  @Test func `nothing can be added to a batch that was polled`() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      let map = try Map(Source.anonymous(byteCount: 10), Config(granularity: .byte))
      var batch = map.batch()
      batch.poll()
      try batch.memset(map.address, to: 1, byteCount: 1)
    }
    guard isDebugBuild, let result else { return }
    let text = String(decoding: result.standardErrorContent, as: UTF8.self)
    #expect(text.contains("DurableBatch: it was polled already; add to a new batch"))
  }

  private func pageNumbers(_ ranges: [Range<UInt>]) -> Set<UInt> {
    var numbers: Set<UInt> = []
    for range in ranges { for address in range { numbers.insert(address / 16) } }
    return numbers
  }

  @Test func `page ranges are what a set of pages is`() {
    var seed = Seed()
    for _ in 0..<500 {
      let ranges = (0..<Int.random(in: 0...12, using: &seed)).map { _ in
        let start = UInt.random(in: 0..<1000, using: &seed)
        return start..<start + UInt.random(in: 0..<100, using: &seed)
      }
      let pages = PageRanges(ranges, pageSize: 16).merged
      let (found, expected) = (pageNumbers(pages), pageNumbers(ranges))
      #expect(found == expected, "\(seed)")
      for (a, b) in zip(pages, pages.dropFirst()) { #expect(a.upperBound < b.lowerBound) }
    }
  }
}
