import Glibc
import MiniAsync
import TestSupport
import Testing
import VDM

@testable import PMem2

/// Asynchronous copies: who makes them durable, and what becomes of those that go wrong.
@Suite struct DurableFutureTests {
  /// Every row of the decision table, with what was asked of the mover and what was done after.
  @Test(
    arguments: Granularity.allCases,
    [[], OperationFlags.durable, .noCacheHint, [.durable, .noCacheHint]])
  func `granularity and capability decide who makes it durable`(
    granularity: Granularity, capabilities: OperationFlags
  ) throws {
    for kind in [OperationKind.memcpy, .memmove, .memset] {
      for wanted in [OperationFlags(), .durable, .noCacheHint.intersection(capabilities)] {
        for checks in 0...2 {
          let mover = RecordingMover(capabilities)
          mover.set(\.checks, checks)
          let file = try TestFile()
          let log = SystemLog()
          let map = try file.map(granularity, log, mover: mover, memory: FlushLog.memory)
          _ = FlushLog.take(map)
          let bytes = MoverBytes(count: 300, filledWith: 6)
          let to = map.address + 4000
          var future =
            switch kind {
            case .memcpy: map.memcpyAsync(to: to, from: bytes.start, byteCount: 300, flags: wanted)
            case .memmove:
              map.memmoveAsync(to: to, from: bytes.start, byteCount: 300, flags: wanted)
            default: map.memsetAsync(to, to: 6, byteCount: 300, flags: wanted)
            }
          // Nothing happens before the first poll.
          expect(future.state == .idle && mover.asked.isEmpty)
          let output = future.busyPoll()
          #expect(output.isSuccess && output.kind == kind)
          #expect(output.destination == to && output.byteCount == 300)

          let moverIsDurable = granularity == .cacheLine && capabilities.contains(.durable)
          let flags = wanted.subtracting(.durable).union(moverIsDurable ? .durable : [])
          #expect(mover.asked == [.init(kind: kind, flags: flags, byteCount: 300)])
          let flushes: [FlushLog.Flush] =
            granularity == .cacheLine && !moverIsDurable
            ? [.init(offset: 4000, byteCount: 300)] : []
          #expect(FlushLog.take(map) == flushes)
          #expect(log.synchronised.map(\.byteCount) == (granularity == .page ? [8192] : []))
          #expect(file.bytes?[4000..<4300].allSatisfy { $0 == 6 } == true)
        }
      }
    }
  }

  @Test(arguments: Granularity.allCases)
  func `without a mover the calling thread does it once`(granularity: Granularity) throws {
    let file = try TestFile()
    let log = SystemLog()
    let map = try file.map(granularity, log, memory: FlushLog.memory)
    _ = FlushLog.take(map)
    var future = map.memsetAsync(map.address, to: 9, byteCount: 5000)
    let isAsync = future.hasProperty(.async)
    #expect(!isAsync)
    expect(future.poll() == .complete)
    // The fake CPU has no streaming stores: what is durable was flushed.
    #expect(
      FlushLog.take(map) == (granularity == .cacheLine ? [.init(offset: 0, byteCount: 5000)] : []))
    #expect(log.synchronised.map(\.byteCount) == (granularity == .page ? [8192] : []))
    #expect(file.bytes?[4999] == 9 && file.bytes?[5000] == 0)
  }

  @Test(arguments: Granularity.allCases)
  func `a mover's error surfaces, and nothing is flushed`(granularity: Granularity) throws {
    let mover = RecordingMover()
    let file = try TestFile()
    let log = SystemLog()
    let map = try file.map(granularity, log, mover: mover, memory: FlushLog.memory)
    _ = FlushLog.take(map)
    mover.set(\.error, .jobCorrupted)
    var failed = map.memsetAsync(map.address, to: 1, byteCount: 10)
    expect(failed.busyPoll().error == .operation(.jobCorrupted))
    mover.set(\.makeError, .outOfSlots(capacity: 4))
    var refused = map.memsetAsync(map.address, to: 1, byteCount: 10)
    expect(refused.state == .complete)
    let output = refused.busyPoll()
    #expect(output.error == .operation(.outOfSlots(capacity: 4)))
    #expect(throws: PMem2Error.operation(.outOfSlots(capacity: 4))) { try output.get() }
    #expect(FlushLog.take(map) == [] && log.synchronised.isEmpty)
    try synchronously { try map.unmap() }
  }

  @Test func `what the mover does not support is refused`() throws {
    let file = try TestFile()
    let map = try file.map(mover: RecordingMover([], kinds: [.memset]))
    let bytes = [UInt8](repeating: 1, count: 10)
    var copy = map.memcpyAsync(to: map.address, from: bytes, byteCount: 10)
    expect(copy.busyPoll().error == .operation(.unsupportedOperation(.memcpy)))
    var hint = map.memsetAsync(map.address, to: 1, byteCount: 10, flags: .noCacheHint)
    expect(hint.busyPoll().error == .operation(.unsupportedFlags(.noCacheHint)))
    // Whether the mover is durable is the map's business.
    var durable = map.memsetAsync(map.address, to: 1, byteCount: 10, flags: .durable)
    expect(durable.busyPoll().isSuccess)
    let own = try file.map()
    var overlapping = own.memcpyAsync(to: own.address, from: own.address + 1, byteCount: 10)
    let output = overlapping.busyPoll()
    #expect(output.error == .operation(.invalidArgument(.overlappingRanges)))
  }

  @Test func `the property is the mover's until it is complete`() throws {
    let mover = RecordingMover([], isAsync: true)
    mover.set(\.checks, 1)
    let file = try TestFile()
    let map = try file.map(mover: mover)
    var future = map.memsetAsync(map.address, to: 1, byteCount: 10)
    var seen = [future.hasProperty(.async)]
    for _ in 0..<2 {
      future.poll()
      seen.append(future.hasProperty(.async))
    }
    #expect(seen == [true, true, false])
  }

  // MARK: Cancelling and dropping

  @Test func `cancelling completes what was not begun`() throws {
    let mover = RecordingMover()
    mover.set(\.isHeld, true)
    let file = try TestFile()
    let map = try file.map(mover: mover)
    var idle = map.memsetAsync(map.address, to: 1, byteCount: 10)
    idle.cancel()
    let idleOutput = idle.output
    #expect(idleOutput?.error == .operation(.cancelled))

    var running = map.memsetAsync(map.address, to: 2, byteCount: 10)
    running.poll()
    running.cancel()
    expect(running.state == .running)
    mover.set(\.canCancel, true)
    running.cancel()
    let output = running.output
    #expect(output?.error == .operation(.cancelled))
    running.cancel()
    expect(running.poll() == .complete)
    #expect(file.bytes?.first == 0)
    #expect(mover.state.withLock { $0.ended } == 2)
    try synchronously { try map.unmap() }
  }

  @Test func `a future that is dropped unstarted leaves nothing`() throws {
    let mover = RecordingMover()
    let file = try TestFile()
    let map = try file.map(mover: mover)
    do { _ = map.memsetAsync(map.address, to: 1, byteCount: 10) }
    #expect(mover.asked.isEmpty && mover.state.withLock { $0.ended } == 1)
    try synchronously { try map.unmap() }
  }

  @Test func `the map is unmapped only when what was dropped is done`() throws {
    let mover = RecordingMover()
    mover.set(\.isHeld, true)
    let file = try TestFile()
    let log = SystemLog()
    do {
      let map = try file.map(.cacheLine, log, mover: mover)
      log.state.withLock { $0.unmapped = [] }
      do {
        var future = map.memsetAsync(map.address, to: 8, byteCount: 10)
        future.poll()
      }
      // The mover still has it; and still, when another one is dropped.
      #expect(mover.state.withLock { $0.ended } == 0)
      do {
        var future = map.memsetAsync(map.address + 10, to: 8, byteCount: 10)
        future.poll()
      }
      #expect(mover.state.withLock { $0.ended } == 0)
      #expect(log.state.withLock { $0.unmapped } == [])
      mover.release()
    }
    #expect(mover.state.withLock { $0.ended } == 2)
    #expect(log.state.withLock { $0.unmapped } == [1 << 16])
    #expect(file.bytes?[19] == 8)
  }

  @Test func `unmapping waits for what was dropped`() throws {
    let mover = RecordingMover()
    mover.set(\.isHeld, true)
    let file = try TestFile()
    let map = try file.map(mover: mover)
    do {
      var future = map.memsetAsync(map.address, to: 8, byteCount: 10)
      future.poll()
    }
    let unmapped = Flag()
    let thread = OwnThread {
      let error = refusal { () throws(PMem2Error) in try map.unmap() }
      unmapped.raise()
      return error
    }
    // It polls, and so takes another waker, or has not come so far: never is it done.
    for _ in 0..<100 { sched_yield() }
    #expect(!unmapped.isRaised)
    mover.release()
    #expect(thread.wait() == nil)
    #expect(file.bytes?[9] == 8)
  }

  @Test func `what is done is let go when more is dropped`() throws {
    let mover = RecordingMover()
    let file = try TestFile()
    let map = try file.map(mover: mover)
    mover.set(\.checks, 1)
    for round in 0..<100 {
      do {
        var future = map.memsetAsync(map.address, to: 8, byteCount: 10)
        future.poll()
      }
      #expect(mover.state.withLock { $0.ended } == round)
    }
    try synchronously { try map.unmap() }
    #expect(mover.state.withLock { $0.ended } == 100)
  }

  @Test func `copies that threads are busy with keep the memory`() throws {
    for _ in 0..<20 * stressFactor {
      let file = try TestFile(byteCount: 1 << 20)
      let source = MoverBytes(patternOf: 1 << 20)
      do {
        let map = try file.map(.cacheLine, mover: try ThreadMover(configuration: .init(threads: 2)))
        for part in 0..<8 {
          var future = map.memcpyAsync(
            to: map.address + part << 17, from: source.start + part << 17, byteCount: 1 << 17)
          future.poll()
        }
      }
      // All of them were started, so all are done now.
      let equal = file.bytes?.withUnsafeBytes { memcmp($0.baseAddress!, source.start, 1 << 20) }
      #expect(equal == 0)
    }
  }
}
