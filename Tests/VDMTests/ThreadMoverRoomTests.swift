import MiniAsync
import TestSupport
import Testing
import VDM

/// What happens when the workers' queue is full.
@Suite struct ThreadMoverRoomTests {
  /// Fills the queue behind a busy worker, and returns how many fitted.
  private func fill(_ gated: GatedMover, _ row: FutureRow<ThreadMover>) -> Int {
    for i in 0..<row.count {
      row.put(gated.free(at: 8 + i), at: i)
      row.poll(i)
    }
    return (0..<row.count).filter { row.state($0) == .running }.count
  }

  @Test(arguments: [(1, 2), (2, 2), (3, 4), (4, 4), (100, 128)])
  func `the queue holds its capacity, rounded up to a power of two`(
    asked: Int, holds: Int
  ) throws {
    let gated = try GatedMover { $0.queueCapacity = asked }
    let busy = gated.occupyWorkers()
    let row = FutureRow<ThreadMover>(count: holds + 3)
    #expect(fill(gated, row) == holds)
    for i in 0..<row.count { #expect(row.state(i) == (i < holds ? .running : .idle)) }
    gated.gate.open()
    for i in 0..<row.count { #expect(row.with(i) { waitFor(&$0) }.isSuccess) }
    #expect(busy.with(0) { waitFor(&$0) }.isSuccess)
    #expect(gated.done.value == row.count)
    #expect(gated.mover.slotsInUse == 0)
  }

  @Test func `a future that found no room stays idle however often it is polled`() throws {
    let gated = try GatedMover { $0.queueCapacity = 2 }
    let busy = gated.occupyWorkers()
    let row = FutureRow<ThreadMover>(count: 3)
    #expect(fill(gated, row) == 2)
    let waiter = WakeCounter()
    for _ in 0..<10 {
      let (state, used) = row.with(2) { waiter.poll(&$0) }
      #expect(state == .idle)
      #expect(used == .waker)
    }
    #expect(waiter.wakes == 0)
    #expect(gated.mover.slotsInUse == 4)
    gated.gate.open()
    waiter.waitForWakes(1)
    for i in 0..<3 { row.with(i) { _ = waitFor(&$0) } }
    busy.with(0) { _ = waitFor(&$0) }
  }

  @Test(arguments: [ThreadMover.NotifierKind.waker, .poller, .none])
  func `it is woken when there is room, whatever the notifier`(
    kind: ThreadMover.NotifierKind
  ) throws {
    let gated = try GatedMover {
      $0.queueCapacity = 2
      $0.notifier = kind
    }
    let busy = gated.occupyWorkers()
    let row = FutureRow<ThreadMover>(count: 8)
    #expect(fill(gated, row) == 2)
    let waiters = (2..<8).map { _ in WakeCounter() }
    for i in 2..<8 {
      let (state, used) = row.with(i) { waiters[i - 2].poll(&$0) }
      #expect(state == .idle)
      #expect(used == .waker, "waiting for room needs no polling")
    }
    gated.gate.open()
    // First come, first served: the two in the queue make room for the first two that wait.
    for i in 2..<8 {
      waiters[i - 2].waitForWakes(1)
      #expect(row.with(i) { waitFor(&$0) }.isSuccess)
    }
    for i in 0..<2 { row.with(i) { _ = waitFor(&$0) } }
    busy.with(0) { _ = waitFor(&$0) }
    #expect(gated.mover.slotsInUse == 0)
  }

  @Test func `a full queue does not make the waiter spin`() throws {
    // 300 operations through a queue of 2: each is polled when it is made, when there is room,
    // and when it is done; beyond that, invitations that somebody else was faster to use.
    let mover = try ThreadMover(configuration: .with(threads: 1) { $0.queueCapacity = 2 })
    let runtime = Runtime()
    let count = 300
    let bytes = MoverBytes(count: count)
    let row = FutureRow<ThreadMover>(count: count)
    for i in 0..<count { row.put(mover.memset(bytes.start + i, to: 7, byteCount: 1), at: i) }
    row.waitForAll(runtime)
    #expect(bytes.isFilled(with: 7))
    #expect(runtime.statistics.polls <= 6 * count, "\(runtime.statistics)")
    #expect(mover.slotsInUse == 0)
  }

  @Test func `while nothing moves, waiting futures are polled once`() throws {
    let gated = try GatedMover { $0.queueCapacity = 2 }
    let busy = gated.occupyWorkers()
    let count = 50
    let bytes = gated.bytes
    let mover = gated.mover
    let polled = MoverGate()
    let statistics = Box(Runtime.Statistics())
    let thread = MoverThread {
      let runtime = Runtime()
      var group = FutureGroup<CountingFuture>()
      for i in 0..<count {
        group.add(
          CountingFuture(mover.memset(bytes.start + 8 + i, to: 1, byteCount: 1), gate: polled))
      }
      while runtime.next(&group) != nil {}
      statistics.value = runtime.statistics
    }
    // Every future was polled; from then on nothing can happen until the gate opens.
    polled.waitForArrivals(count)
    gated.gate.open()
    thread.join()
    #expect(gated.done.value == count)
    #expect(polled.arrivals <= 6 * count)
    busy.with(0) { _ = waitFor(&$0) }
  }

  @Test func `an invited future that is dropped passes its place on`() throws {
    let gated = try GatedMover { $0.queueCapacity = 2 }
    let busy = gated.occupyWorkers()
    let row = FutureRow<ThreadMover>(count: 2 + 4)
    #expect(fill(gated, row) == 2)
    let waiters = (0..<4).map { _ in WakeCounter() }
    for i in 0..<4 { row.with(2 + i) { _ = waiters[i].poll(&$0) } }
    gated.gate.open()
    waiters[0].waitForWakes(1)
    waiters[1].waitForWakes(1)
    // The two invited ones go away without using the room.
    row.drop(2)
    row.drop(3)
    waiters[2].waitForWakes(1)
    waiters[3].waitForWakes(1)
    for i in [0, 1, 4, 5] { #expect(row.with(i) { waitFor(&$0) }.isSuccess) }
    #expect(gated.done.value == 4)
    busy.with(0) { _ = waitFor(&$0) }
    #expect(gated.mover.slotsInUse == 0)
  }

  @Test func `an invited future that does not come does not hold up those behind it`() throws {
    let gated = try GatedMover {
      $0.queueCapacity = 2
      $0.spinLimit = 0
    }
    let busy = gated.occupyWorkers()
    let row = FutureRow<ThreadMover>(count: 2 + 10)
    #expect(fill(gated, row) == 2)
    let waiters = (0..<10).map { _ in WakeCounter() }
    for i in 0..<10 { row.with(2 + i) { _ = waiters[i].poll(&$0) } }
    gated.gate.open()
    // Nobody polls the others, and yet the last one is invited in the end.
    waiters[9].waitForWakes(1)
    #expect(row.with(11) { waitFor(&$0) }.isSuccess)
    for i in 0..<11 { #expect(row.with(i) { waitFor(&$0) }.isSuccess) }
    busy.with(0) { _ = waitFor(&$0) }
    #expect(gated.mover.slotsInUse == 0)
  }

  @Test func `a future may wait for room without a waker`() throws {
    let gated = try GatedMover { $0.queueCapacity = 2 }
    let busy = gated.occupyWorkers()
    let row = FutureRow<ThreadMover>(count: 6)
    #expect(fill(gated, row) == 2)
    gated.gate.open()
    for i in (0..<6).reversed() { #expect(row.with(i) { $0.busyPoll() }.isSuccess) }
    busy.with(0) { _ = $0.busyPoll() }
    #expect(gated.mover.slotsInUse == 0)
  }
}

/// An operation that tells a gate each time it is polled.
private struct CountingFuture: Future, ~Copyable {
  var inner: OperationFuture<ThreadMover>
  let gate: MoverGate
  var progress = FutureProgress<OperationOutput>.idle

  init(_ inner: consuming OperationFuture<ThreadMover>, gate: MoverGate) {
    self.inner = inner
    self.gate = gate
  }

  mutating func advance(_ notifier: inout Notifier) -> FutureProgress<OperationOutput> {
    inner.poll(&notifier)
    gate.arrive()
    return inner.progress
  }
}
