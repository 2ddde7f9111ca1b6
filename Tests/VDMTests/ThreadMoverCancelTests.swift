import MiniAsync
import TestSupport
import Testing
import VDM

/// Cancelling an operation of the thread mover, in every state.
@Suite struct ThreadMoverCancelTests {
  @Test func `one that was not polled is cancelled and gives its slot back`() throws {
    let gated = try GatedMover()
    var future = gated.free(at: 0)
    #expect(gated.mover.slotsInUse == 1)
    future.cancel()
    #expect(future.state == .complete)
    #expect(future.output?.error == .cancelled)
    #expect(gated.mover.slotsInUse == 0)
    gated.mover.shutdown()
    #expect(gated.done.value == 0)
  }

  @Test func `one in the queue is cancelled at once, and never done`() throws {
    let gated = try GatedMover()
    let busy = gated.occupyWorkers()
    var future = gated.free(at: 1)
    let waiter = WakeCounter()
    #expect(waiter.poll(&future).0 == .running)
    future.cancel()
    #expect(future.state == .complete)
    #expect(future.output?.error == .cancelled)
    #expect(waitFor(&future).error == .cancelled)
    #expect(gated.mover.slotsInUse == 2, "its slot is in the queue still")
    gated.gate.open()
    busy.with(0) { _ = waitFor(&$0) }
    gated.mover.shutdown()
    #expect(gated.mover.slotsInUse == 0)
    #expect(gated.done.value == 0)
    #expect(gated.bytes[1] == 0)
    #expect(waiter.wakes == 0)
  }

  @Test func `one that a worker has begun goes on`() throws {
    let gated = try GatedMover()
    let busy = gated.occupyWorkers()
    busy.cancel(0)
    #expect(busy.state(0) == .running)
    gated.gate.open()
    #expect(busy.with(0) { waitFor(&$0) }.isSuccess)
    #expect(gated.bytes[0] == GatedMover.marker)
    #expect(gated.mover.slotsInUse == 0)
  }

  @Test func `one that is done and was not polled since stays a success`() throws {
    let gated = try GatedMover()
    var future = gated.free(at: 1)
    future.poll()
    gated.mover.shutdown()
    future.cancel()
    #expect(future.poll() == .complete)
    #expect(future.output?.isSuccess == true)
    #expect(gated.bytes[1] == 1)
    #expect(gated.mover.slotsInUse == 0)
  }

  @Test func `one that waits for room gives its place to the next`() throws {
    let gated = try GatedMover { $0.queueCapacity = 1 }
    let busy = gated.occupyWorkers()
    let row = FutureRow<ThreadMover>(count: 5)
    let waiters = (0..<5).map { _ in WakeCounter() }
    for i in 0..<5 {
      row.put(gated.free(at: 8 + i), at: i)
      row.with(i) { _ = waiters[i].poll(&$0) }
    }
    let capacity = (0..<5).filter { row.state($0) == .running }.count
    #expect(capacity < 4)
    for i in capacity..<5 { #expect(row.state(i) == .idle) }
    row.cancel(capacity)
    #expect(row.output(capacity)?.error == .cancelled)
    gated.gate.open()
    waiters[capacity + 1].waitForWakes(1)
    for i in 0..<5 where i != capacity {
      #expect(row.with(i) { waitFor(&$0) }.isSuccess)
      #expect(gated.bytes[8 + i] == 1)
    }
    #expect(gated.bytes[8 + capacity] == 0)
    #expect(waiters[capacity].wakes == 0)
    busy.with(0) { _ = waitFor(&$0) }
    #expect(gated.mover.slotsInUse == 0)
  }

  @Test func `a stopped slot that a worker has freed already is not freed again`() throws {
    let gated = try GatedMover { $0.slotCapacity = 4 }
    let busy = gated.occupyWorkers()
    // What the future does in `cancel`, with everything a worker can do in between.
    let operation = gated.free(at: 1).operation
    var job = try gated.mover.makeJob(for: operation)
    var notifier = Notifier()
    #expect(gated.mover.start(&job, of: operation, &notifier).state == .running)
    #expect(gated.mover.cancel(&job, of: operation))
    gated.gate.open()
    busy.with(0) { _ = waitFor(&$0) }
    // Queued after the stopped one, so that is out of the queue when this is done.
    var behind = gated.free(at: 2)
    waitFor(&behind)
    #expect(gated.mover.slotsInUse == 0)
    // Somebody else has the slots now.
    let row = FutureRow<ThreadMover>(count: 4)
    for i in 0..<4 { row.put(gated.free(at: i), at: i) }
    #expect(gated.mover.slotsInUse == 4)
    // What dropping the job does: nothing, for it is the mover's no more.
    job = OperationJob()
    #expect(gated.mover.slotsInUse == 4)
    #expect(gated.free(at: 9).output?.error == .outOfSlots(capacity: 4))
  }
}
