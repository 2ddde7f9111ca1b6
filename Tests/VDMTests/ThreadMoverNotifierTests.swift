import Glibc
import MiniAsync
import TestSupport
import Testing
import VDM

/// How waiters of the thread mover learn that an operation is done.
@Suite struct ThreadMoverNotifierTests {
  @Test func `a waker is called once, when the operation is done`() throws {
    let gated = try GatedMover()
    let busy = gated.occupyWorkers()
    let waiter = WakeCounter()
    let (state, used) = busy.with(0) { waiter.poll(&$0) }
    #expect(state == .running)
    #expect(used == .waker)
    #expect(waiter.wakes == 0)
    gated.gate.open()
    waiter.waitForWakes(1)
    #expect(busy.poll(0) == .complete, "completion is published before the wake")
    gated.mover.shutdown()
    #expect(waiter.wakes == 1)
  }

  @Test func `only the waker of the last poll is called`() throws {
    let gated = try GatedMover()
    let busy = gated.occupyWorkers()
    let first = WakeCounter()
    let second = WakeCounter()
    _ = busy.with(0) { first.poll(&$0) }
    _ = busy.with(0) { second.poll(&$0) }
    gated.gate.open()
    second.waitForWakes(1)
    gated.mover.shutdown()
    #expect(first.wakes == 0)
    #expect(second.wakes == 1)
  }

  @Test func `with a poller, the word changes when the operation is done`() throws {
    let gated = try GatedMover { $0.notifier = .poller }
    let busy = gated.occupyWorkers()
    busy.with(0) { future in
      let waiter = WakeCounter()
      var notifier = Notifier(waker: Waker(waiter))
      #expect(future.poll(&notifier) == .running)
      #expect(notifier.used == .poller)
      guard let poller = notifier.poller else {
        Issue.record("no word to watch")
        return
      }
      #expect(!poller.hasChanged)
      gated.gate.open()
      while !poller.hasChanged { sched_yield() }
      #expect(future.poll() == .complete, "completion is published before the word changes")
      gated.mover.shutdown()
      #expect(waiter.wakes == 0)
    }
  }

  @Test func `with none, nothing is used and polling finds the completion`() throws {
    let gated = try GatedMover { $0.notifier = .none }
    let busy = gated.occupyWorkers()
    let waiter = WakeCounter()
    for _ in 0..<3 {
      let (state, used) = busy.with(0) { waiter.poll(&$0) }
      #expect(state == .running)
      #expect(used.isEmpty)
    }
    gated.gate.open()
    #expect(busy.with(0) { waitFor(&$0) }.isSuccess)
    gated.mover.shutdown()
    #expect(waiter.wakes == 0)
  }

  @Test(arguments: [ThreadMover.NotifierKind.waker, .poller, .none])
  func `every kind may be waited for in every way`(kind: ThreadMover.NotifierKind) throws {
    let mover = try ThreadMover(
      configuration: .with {
        $0.notifier = kind
        $0.queueCapacity = 4
      })
    let runtime = Runtime()
    let bytes = MoverBytes(count: 100)
    for round in 1...10 {
      let value = UInt8(round)
      let row = FutureRow<ThreadMover>(count: 100)
      for i in 0..<100 { row.put(mover.memset(bytes.start + i, to: value, byteCount: 1), at: i) }
      // One by one, backwards; by busy polling; the rest together, some in a group.
      for i in (80..<100).reversed() { #expect(row.with(i) { runtime.wait(&$0) }.isSuccess) }
      for i in 70..<80 { #expect(row.with(i) { $0.busyPoll() }.isSuccess) }
      var group = FutureGroup<OperationFuture<ThreadMover>>()
      for i in 30..<70 { group.add(row.take(i)) }
      row.waitForAll(runtime)
      var count = 0
      while let completion = runtime.next(&group) {
        #expect(completion.output.isSuccess)
        count += 1
      }
      #expect(count == 40)
      #expect(bytes.isFilled(with: value))
      #expect(mover.slotsInUse == 0)
    }
  }

  @Test func `futures of both movers are waited for together, asynchronous ones first`() throws {
    let gated = try GatedMover()
    let bytes = MoverBytes(count: 16)
    let order = MoverGate()
    // The synchronous one is polled after the asynchronous one was started: its predecessor in
    // the queue is what opens the gate.
    var synchronous = SynchronousMover().memset(bytes.start, to: 3, byteCount: 16)
    var asynchronous = gated.gated()
    let mover = gated.mover
    let gate = gated.gate
    let opener = MoverThread {
      gate.waitForArrivals(1)
      gate.open()
      order.arrive()
    }
    Runtime().waitMultiple(&synchronous, &asynchronous)
    opener.join()
    #expect(synchronous.output?.isSuccess == true)
    #expect(asynchronous.output?.isSuccess == true)
    #expect(bytes.isFilled(with: 3))
    #expect(mover.slotsInUse == 0)
  }

  @Test func `a batch counts what failed when it was made as done`() throws {
    let mover = try ThreadMover(configuration: .with { $0.slotCapacity = 3 })
    let runtime = Runtime()
    let bytes = MoverBytes(count: 16)
    func makeRow() -> FutureRow<ThreadMover> {
      let row = FutureRow<ThreadMover>(count: 6)
      row.put(mover.memset(bytes.start, to: 1, byteCount: -1), at: 0)
      for i in 1..<4 { row.put(mover.memset(bytes.start + i, to: 1, byteCount: 1), at: i) }
      row.put(mover.memset(bytes.start + 4, to: 1, byteCount: 1), at: 4)
      row.put(mover.memcpy(to: bytes.start, from: bytes.start, byteCount: 1), at: 5)
      return row
    }
    let expected: [VDMError?] = [
      .invalidArgument(.negativeByteCount(-1)), nil, nil, nil, .outOfSlots(capacity: 3),
      .invalidArgument(.overlappingRanges),
    ]
    let outputs = makeRow().waitForAll(runtime)
    #expect(outputs.map { $0?.error } == expected)

    let row = makeRow()
    var group = FutureGroup<OperationFuture<ThreadMover>>()
    for i in 0..<6 { group.add(row.take(i)) }
    var errors = [VDMError?](repeating: .jobCorrupted, count: 6)
    while let completion = runtime.next(&group) {
      errors[completion.id] = completion.output.error
    }
    #expect(errors == expected)

    // A batch of nothing else.
    let failed = FutureRow<ThreadMover>(count: 5)
    for i in 0..<5 { failed.put(mover.flush(bytes.start, byteCount: -1 - i), at: i) }
    for output in failed.waitForAll(runtime) { #expect(output?.isSuccess == false) }
    #expect(mover.slotsInUse == 0)
  }
}
