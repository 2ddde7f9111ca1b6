import MiniAsync
import TestSupport
import Testing
import VDM

/// Dropping a future of the thread mover, in every state.
@Suite struct ThreadMoverDropTests {
  @Test func `one that was not polled gives its slot back and does nothing`() throws {
    let gated = try GatedMover()
    let row = FutureRow<ThreadMover>(count: 1)
    row.put(gated.free(at: 0), at: 0)
    #expect(gated.mover.slotsInUse == 1)
    row.drop(0)
    #expect(gated.mover.slotsInUse == 0)
    gated.mover.shutdown()
    #expect(gated.done.value == 0)
  }

  @Test func `one that waits for room gives its slot back and does nothing`() throws {
    let gated = try GatedMover { $0.queueCapacity = 2 }
    let busy = gated.occupyWorkers()
    let row = FutureRow<ThreadMover>(count: 7)
    let waiter = WakeCounter()
    for i in 0..<7 {
      row.put(gated.free(at: 8 + i), at: i)
      row.with(i) { _ = waiter.poll(&$0) }
    }
    // The first, the last and one in the middle of those that wait.
    for i in [2, 6, 4] {
      #expect(row.state(i) == .idle)
      let before = gated.mover.slotsInUse
      row.drop(i)
      #expect(gated.mover.slotsInUse == before - 1)
    }
    gated.gate.open()
    for i in [0, 1, 3, 5] { #expect(row.with(i) { waitFor(&$0) }.isSuccess) }
    for i in 0..<7 { #expect(gated.bytes[8 + i] == ([2, 4, 6].contains(i) ? 0 : 1)) }
    busy.with(0) { _ = waitFor(&$0) }
    #expect(gated.mover.slotsInUse == 0)
  }

  @Test func `one in the queue is done all the same, and frees its slot then`() throws {
    let gated = try GatedMover()
    let busy = gated.occupyWorkers()
    let row = FutureRow<ThreadMover>(count: 3)
    let waiter = WakeCounter()
    for i in 0..<3 {
      row.put(gated.free(at: 8 + i), at: i)
      row.with(i) { _ = waiter.poll(&$0) }
      row.drop(i)
    }
    #expect(gated.mover.slotsInUse == 4)
    gated.gate.open()
    busy.with(0) { _ = waitFor(&$0) }
    gated.mover.shutdown()
    #expect(gated.done.value == 3)
    for i in 0..<3 { #expect(gated.bytes[8 + i] == 1) }
    #expect(gated.mover.slotsInUse == 0)
    #expect(waiter.wakes == 0, "nobody waits for a dropped future")
  }

  @Test(arguments: [1, 2, 4])
  func `one that a worker has begun is finished, and frees its slot then`(threads: Int) throws {
    let gated = try GatedMover(threads: threads)
    let busy = gated.occupyWorkers()
    for i in 0..<threads { busy.drop(i) }
    #expect(gated.mover.slotsInUse == threads)
    gated.gate.open()
    gated.mover.shutdown()
    #expect(gated.mover.slotsInUse == 0)
    for i in 0..<threads { #expect(gated.bytes[i] == GatedMover.marker) }
  }

  @Test func `one that is done gives its slot back`() throws {
    let gated = try GatedMover()
    let row = FutureRow<ThreadMover>(count: 1)
    row.put(gated.free(at: 3), at: 0)
    row.poll(0)
    gated.mover.shutdown()
    #expect(row.state(0) == .running, "it has not been polled since")
    #expect(gated.mover.slotsInUse == 1)
    row.drop(0)
    #expect(gated.mover.slotsInUse == 0)
    #expect(gated.bytes[3] == 1)
  }

  @Test func `one that is complete has given its slot back already`() throws {
    let gated = try GatedMover()
    let row = FutureRow<ThreadMover>(count: 1)
    row.put(gated.free(at: 3), at: 0)
    row.with(0) { _ = waitFor(&$0) }
    #expect(gated.mover.slotsInUse == 0)
    row.drop(0)
    #expect(gated.mover.slotsInUse == 0)
  }

  @Test(arguments: [1, 2, 3])
  func `one of several pieces is finished before its slot is free`(threads: Int) throws {
    let gated = try GatedMover(threads: threads, byteCount: 1 << 20) { $0.splitThreshold = 1 << 16 }
    let row = FutureRow<ThreadMover>(count: 1)
    row.put(gated.gated(byteCount: 1 << 20), at: 0)
    row.poll(0)
    gated.gate.waitForArrivals(1)
    row.drop(0)
    #expect(gated.mover.slotsInUse == 1)
    gated.gate.open()
    gated.mover.shutdown()
    #expect(gated.bytes.isFilled(with: GatedMover.marker))
    #expect(gated.mover.slotsInUse == 0)
  }

  @Test func `a dropped future does not keep its waiter alive for ever`() throws {
    let gated = try GatedMover { $0.queueCapacity = 2 }
    let busy = gated.occupyWorkers()
    let row = FutureRow<ThreadMover>(count: 4)
    weak var last: WakeCounter?
    do {
      let waiter = WakeCounter()
      last = waiter
      for i in 0..<4 {
        row.put(gated.free(at: i), at: i)
        row.with(i) { _ = waiter.poll(&$0) }
        row.drop(i)
      }
    }
    gated.gate.open()
    busy.with(0) { _ = waitFor(&$0) }
    gated.mover.shutdown()
    #expect(gated.mover.slotsInUse == 0)
    #expect(last == nil)
  }

  @Test func `a completed future does not keep its waiter alive`() throws {
    let mover = try ThreadMover(configuration: .init(threads: 1))
    let bytes = MoverBytes(count: 8)
    weak var last: WakeCounter?
    var future = mover.memset(bytes.start, to: 1, byteCount: 8)
    do {
      let waiter = WakeCounter()
      last = waiter
      _ = waiter.poll(&future)
      future.busyPoll()
    }
    mover.shutdown()
    #expect(last == nil)
    #expect(future.output?.isSuccess == true)
  }
}
