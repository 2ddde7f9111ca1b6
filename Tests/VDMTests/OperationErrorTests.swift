import MiniAsync
import TestSupport
import Testing
import VDM

/// Operations that cannot be made: complete from the beginning, with the error.
@Suite struct OperationErrorTests {
  /// Expects a future that was complete when it was made, with `error`.
  func expectFailed<M: DataMover>(
    _ future: consuming OperationFuture<M>, _ error: VDMError, kind: OperationKind,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(future.state == .complete, sourceLocation: sourceLocation)
    #expect(future.hasProperty(.async) == false, sourceLocation: sourceLocation)
    let destination = future.operation.destination
    for _ in 0..<2 {
      guard let output = future.output else {
        Issue.record("no output", sourceLocation: sourceLocation)
        return
      }
      #expect(output.error == error, sourceLocation: sourceLocation)
      #expect(!output.isSuccess, sourceLocation: sourceLocation)
      #expect(output.kind == kind, sourceLocation: sourceLocation)
      #expect(output.destination == destination, sourceLocation: sourceLocation)
      #expect(throws: error, sourceLocation: sourceLocation) { try output.get() }
      #expect(throws: error, sourceLocation: sourceLocation) { try output.result.get() }
      #expect(future.poll() == .complete, sourceLocation: sourceLocation)
    }
    future.cancel()
    #expect(future.output?.error == error, sourceLocation: sourceLocation)
    #expect(Runtime().wait(&future).error == error, sourceLocation: sourceLocation)
  }

  @Test(arguments: MoverChoice.allCases)
  func `a negative byte count is refused`(choice: MoverChoice) throws {
    func check<M: DataMover>(_ mover: M) {
      let bytes = MoverBytes(count: 16)
      for n in [-1, -4096, Int.min] {
        let error = VDMError.invalidArgument(.negativeByteCount(n))
        let (a, b) = (bytes.start, bytes.start + 8)
        expectFailed(mover.memcpy(to: a, from: b, byteCount: n), error, kind: .memcpy)
        expectFailed(mover.memmove(to: a, from: b, byteCount: n), error, kind: .memmove)
        expectFailed(mover.memset(a, to: 1, byteCount: n), error, kind: .memset)
        expectFailed(mover.flush(a, byteCount: n), error, kind: .flush)
      }
    }
    check(try choice.make())
  }

  @Test(arguments: MoverChoice.allCases)
  func `a range past the end of the address space is refused`(choice: MoverChoice) throws {
    func check<M: DataMover>(_ mover: M) throws {
      let bytes = MoverBytes(count: 16)
      let high = try #require(UnsafeMutableRawPointer(bitPattern: UInt.max - 100))
      let error = VDMError.invalidArgument(.addressOverflow)
      for n in [101, 4096, Int.max] {
        expectFailed(mover.memcpy(to: high, from: bytes.start, byteCount: n), error, kind: .memcpy)
        expectFailed(mover.memcpy(to: bytes.start, from: high, byteCount: n), error, kind: .memcpy)
        expectFailed(
          mover.memmove(to: high, from: bytes.start, byteCount: n), error, kind: .memmove)
        expectFailed(
          mover.memmove(to: bytes.start, from: high, byteCount: n), error, kind: .memmove)
        expectFailed(mover.memset(high, to: 1, byteCount: n), error, kind: .memset)
        expectFailed(mover.flush(high, byteCount: n), error, kind: .flush)
      }
      // The last byte that has an address is still within it: this one could be made.
      #expect(mover.memset(high, to: 1, byteCount: 100).state == .idle)
    }
    try check(try choice.make())
  }

  @Test(arguments: MoverChoice.allCases)
  func `a memcpy whose ranges overlap is refused, touching ranges are not`(
    choice: MoverChoice
  ) throws {
    func check<M: DataMover>(_ mover: M) {
      let bytes = MoverBytes(patternOf: 300)
      let error = VDMError.invalidArgument(.overlappingRanges)
      let middle = bytes.start + 100
      for n in [1, 2, 64, 100] {
        for distance in [1 - n, -n / 2, 0, n / 2, n - 1] where abs(distance) < n {
          expectFailed(
            mover.memcpy(to: middle + distance, from: middle, byteCount: n), error, kind: .memcpy)
        }
        for distance in [-n, n] {
          var future = mover.memcpy(to: middle + distance, from: middle, byteCount: n)
          #expect(waitFor(&future).isSuccess)
        }
      }
      var nothing = mover.memcpy(to: middle, from: middle, byteCount: 0)
      #expect(waitFor(&nothing).isSuccess)
    }
    check(try choice.make())
  }

  @Test(arguments: MoverChoice.allCases)
  func `flags that a mover lacks are refused and named`(choice: MoverChoice) throws {
    func check<M: DataMover>(_ mover: M) {
      let bytes = MoverBytes(count: 16)
      let unknown = OperationFlags(rawValue: 1 << 9)
      let asked = mover.capabilities.union(unknown)
      let error = VDMError.unsupportedFlags(unknown)
      let (a, b) = (bytes.start, bytes.start + 8)
      expectFailed(mover.memcpy(to: a, from: b, byteCount: 8, flags: asked), error, kind: .memcpy)
      expectFailed(mover.memmove(to: a, from: b, byteCount: 8, flags: asked), error, kind: .memmove)
      expectFailed(mover.memset(a, to: 1, byteCount: 8, flags: asked), error, kind: .memset)
      #expect(bytes.isFilled(with: 0))
    }
    check(try choice.make())
  }

  @Test func `a thread mover that was shut down starts nothing`() throws {
    let mover = try ThreadMover(configuration: .init(threads: 1))
    let bytes = MoverBytes(count: 16)
    var before = mover.memset(bytes.start, to: 1, byteCount: 16)
    mover.shutdown()
    #expect(waitFor(&before).error == .moverShutDown)
    var after = mover.memset(bytes.start, to: 1, byteCount: 16)
    #expect(waitFor(&after).error == .moverShutDown)
    #expect(bytes.isFilled(with: 0))
    #expect(mover.slotsInUse == 0)
  }

  @Test func `slots run out and come back`() throws {
    let capacity = 5
    let mover = try ThreadMover(configuration: .with { $0.slotCapacity = capacity })
    let bytes = MoverBytes(count: 64)
    for round in 0..<20 {
      let row = FutureRow<ThreadMover>(count: capacity)
      for i in 0..<capacity {
        row.put(mover.memset(bytes.start + i, to: UInt8(round), byteCount: 1), at: i)
        #expect(mover.slotsInUse == i + 1)
      }
      expectFailed(
        mover.memset(bytes.start, to: 1, byteCount: 1), .outOfSlots(capacity: capacity),
        kind: .memset)
      // Dropped, cancelled or complete: each way gives one slot back at once.
      let freed = round % capacity
      switch round % 3 {
      case 0: row.drop(freed)
      case 1: row.cancel(freed)
      default: row.with(freed) { _ = $0.busyPoll() }
      }
      #expect(mover.slotsInUse == capacity - 1)
      var next = mover.memset(bytes.start + 9, to: UInt8(round), byteCount: 1)
      #expect(waitFor(&next).isSuccess)
      #expect(bytes[9] == UInt8(round))
      for i in 0..<capacity where row.holds(i) { row.with(i) { _ = $0.busyPoll() } }
      #expect(mover.slotsInUse == 0)
    }
  }

  @Test(arguments: [
    VDMError.outOfSlots(capacity: 3), .jobCorrupted, .unsupportedFlags(.durable),
    .unsupportedOperation(.flush), .invalidArgument(.negativeByteCount(-1)),
    .invalidArgument(.addressOverflow), .invalidArgument(.overlappingRanges), .cancelled,
    .moverShutDown, .threadsNotStarted(errno: 11),
  ])
  func `every error says what happened`(error: VDMError) {
    #expect(!error.description.isEmpty)
    #expect(!error.description.contains("VDMError"))
  }
}
