import Glibc
import MiniAsync
import Synchronization
import TestSupport
import Testing
import VDM

/// Ending a thread mover: with operations in every state, more than once, from anywhere.
@Suite struct ThreadMoverShutdownTests {
  @Test func `what was started is finished, what was not is refused`() throws {
    let gated = try GatedMover { $0.queueCapacity = 4 }
    let busy = gated.occupyWorkers()
    let row = FutureRow<ThreadMover>(count: 10)
    let waiters = (0..<10).map { _ in WakeCounter() }
    for i in 0..<10 {
      row.put(gated.free(at: 8 + i), at: i)
      // The last two are not polled at all.
      if i < 8 { row.with(i) { _ = waiters[i].poll(&$0) } }
    }
    row.drop(1)
    row.cancel(2)
    row.drop(5)
    let mover = gated.mover
    let thread = MoverThread { mover.shutdown() }
    // Those that wait for room learn of the end while the worker is still busy.
    for i in [4, 6, 7] { waiters[i].waitForWakes(1) }
    for i in [4, 6, 7, 8, 9] { #expect(row.with(i) { waitFor(&$0) }.error == .moverShutDown) }
    #expect(busy.poll(0) == .running)
    gated.gate.open()
    thread.join()
    #expect(gated.done.value == 3, "the three in the queue, one of them dropped")
    #expect(busy.with(0) { waitFor(&$0) }.isSuccess)
    for i in [0, 3] { #expect(row.with(i) { waitFor(&$0) }.isSuccess) }
    #expect(row.output(2)?.error == .cancelled)
    for i in 0..<10 { #expect(gated.bytes[8 + i] == ([0, 1, 3].contains(i) ? 1 : 0)) }
    #expect(mover.slotsInUse == 0)
  }

  @Test func `a shutdown may be repeated`() throws {
    let gated = try GatedMover(threads: 2)
    var future = gated.free(at: 0)
    future.poll()
    for _ in 0..<3 { gated.mover.shutdown() }
    #expect(waitFor(&future).isSuccess)
    #expect(gated.mover.slotsInUse == 0)
  }

  @Test func `many threads may shut down at once`() throws {
    for _ in 0..<20 * stressFactor {
      let gated = try GatedMover(threads: 2)
      let row = FutureRow<ThreadMover>(count: 20)
      for i in 0..<20 {
        row.put(gated.free(at: i), at: i)
        row.poll(i)
      }
      let mover = gated.mover
      MoverThread.run(3) { _ in mover.shutdown() }
      for i in 0..<20 { #expect(row.with(i) { waitFor(&$0) }.isSuccess) }
      #expect(gated.done.value == 20)
      #expect(mover.slotsInUse == 0)
    }
  }

  @Test func `every shutdown blocks until all is finished, not only the first`() throws {
    let gated = try GatedMover(threads: 1)
    let busy = gated.occupyWorkers()
    let mover = gated.mover
    let bytes = gated.bytes
    let gate = gated.gate
    var later = gated.free(at: 100)
    later.poll()
    let unfinished = Tally()
    let started = MoverGate()
    let threads = (0..<4).map { _ in
      MoverThread {
        started.arrive()
        mover.shutdown()
        if bytes[0] != GatedMover.marker || bytes[100] != 1 { unfinished.add() }
      }
    }
    started.waitForArrivals(4)
    // Not a matter of time: whoever returned before the gate opened has seen nothing done.
    for _ in 0..<100 { sched_yield() }
    gate.open()
    for thread in threads { thread.join() }
    #expect(unfinished.value == 0)
    #expect(waitFor(&later).isSuccess)
    busy.with(0) { _ = waitFor(&$0) }
  }

  @Test func `a worker may shut down, from a replaced function`() throws {
    let box = Box<ThreadMover?>(nil)
    let mover = try ThreadMover(
      configuration: .with {
        $0.memset = { start, value, count, _ in
          if value == 9 { box.value?.shutdown() }
          memset(start, CInt(value), count)
        }
      })
    box.value = mover
    let bytes = MoverBytes(count: 100)
    let row = FutureRow<ThreadMover>(count: 100)
    for i in 0..<100 {
      row.put(mover.memset(bytes.start + i, to: i == 50 ? 9 : 1, byteCount: 1), at: i)
      row.poll(i)
    }
    let outputs = row.waitForAll()
    for i in 0..<100 {
      switch outputs[i]?.error {
      case nil: #expect(bytes[i] == (i == 50 ? 9 : 1))
      case .moverShutDown: #expect(bytes[i] == 0)
      case let error: Issue.record("\(i): \(String(describing: error))")
      }
    }
    mover.shutdown()
    box.value = nil
    #expect(mover.slotsInUse == 0)
  }

  @Test func `a worker may shut down, from a waker`() throws {
    for threads in 1...3 {
      let mover = try ThreadMover(configuration: .init(threads: threads))
      let bytes = MoverBytes(count: 8)
      let gate = MoverGate()
      var future = mover.memset(bytes.start, to: 1, byteCount: 8)
      var notifier = Notifier(
        waker: Waker {
          mover.shutdown()
          gate.arrive()
        })
      if future.poll(&notifier) != .complete { gate.waitForArrivals(1) }
      #expect(waitFor(&future).isSuccess)
      mover.shutdown()
      #expect(mover.slotsInUse == 0)
    }
  }

  @Test func `all workers may shut down at once`() throws {
    let box = Box<ThreadMover?>(nil)
    let together = MoverGate()
    let mover = try ThreadMover(
      configuration: .with(threads: 3) {
        $0.memset = { start, value, count, _ in
          together.pass()
          box.value?.shutdown()
          memset(start, CInt(value), count)
        }
      })
    box.value = mover
    let bytes = MoverBytes(count: 3)
    let row = FutureRow<ThreadMover>(count: 3)
    for i in 0..<3 {
      row.put(mover.memset(bytes.start + i, to: 1, byteCount: 1), at: i)
      row.poll(i)
      together.waitForArrivals(i + 1)
    }
    together.open()
    for output in row.waitForAll() { #expect(output?.isSuccess == true) }
    #expect(bytes.isFilled(with: 1))
    box.value = nil
    #expect(mover.slotsInUse == 0)
  }

  @Test func `the last reference may be dropped with futures in every state`() throws {
    let done = Tally()
    let gate = MoverGate()
    let bytes = MoverBytes(count: 64)
    let row = FutureRow<ThreadMover>(count: 20)
    do {
      let mover = try ThreadMover(
        configuration: .with(threads: 1) {
          $0.queueCapacity = 4
          $0.memset = { start, value, count, _ in
            gate.pass()
            memset(start, CInt(value), count)
            done.add()
          }
        })
      for i in 0..<20 {
        row.put(mover.memset(bytes.start + i, to: 1, byteCount: 1), at: i)
        if i < 15 { row.poll(i) }
        if i == 0 { gate.waitForArrivals(1) }
      }
    }
    gate.open()
    // The futures keep the mover; the last to be dropped ends it, and finishes what was started.
    for i in 0..<20 { row.drop(i) }
    #expect(done.value == 5)
    for i in 0..<20 { #expect(bytes[i] == (i < 5 ? 1 : 0)) }
  }

  @Test func `the last reference may be dropped on a worker thread`() throws {
    for threads in 1...3 {
      let gate = MoverGate()
      let ended = MoverGate()
      let bytes = MoverBytes(count: 64)
      let box = Box<ThreadMover?>(nil)
      let done = Tally()
      box.value = try ThreadMover(
        configuration: .with(threads: threads) {
          $0.memset = { start, value, count, _ in
            if value == GatedMover.marker { gate.pass() }
            memset(start, CInt(value), count)
            if value == GatedMover.marker {
              box.value = nil
              // The test may end now, and free the memory.
              ended.arrive()
            } else {
              done.add()
            }
          }
        })
      weak let mover = box.value
      let row = FutureRow<ThreadMover>(count: 10)
      for i in 0..<10 {
        guard let mover = box.value else { continue }
        let value = i == 0 ? GatedMover.marker : 1
        row.put(mover.memset(bytes.start + i, to: value, byteCount: 1), at: i)
        row.poll(i)
        if i == 0 { gate.waitForArrivals(1) }
      }
      for i in 0..<10 { row.drop(i) }
      gate.open()
      ended.waitForArrivals(1)
      #expect(mover == nil)
      #expect(done.value == 9, "what was started was finished when the mover was gone")
    }
  }

  @Test func `the last reference may be dropped inside a waker`() throws {
    for threads in [1, 2, 3] {
      let bytes = MoverBytes(count: 8)
      let gate = MoverGate()
      let ended = MoverGate()
      let row = Box(FutureRow<ThreadMover>(count: 1))
      let box = Box<ThreadMover?>(
        try ThreadMover(
          configuration: .with(threads: threads) {
            $0.memset = { start, value, count, _ in
              gate.pass()
              memset(start, CInt(value), count)
            }
          }))
      weak let mover = box.value
      if let mover = box.value {
        row.value.put(mover.memset(bytes.start, to: 1, byteCount: 8), at: 0)
      }
      let state = row.value.with(0) { future in
        var notifier = Notifier(
          waker: Waker {
            row.value.drop(0)
            box.value = nil
            ended.arrive()
          })
        return future.poll(&notifier)
      }
      #expect(state == .running)
      gate.open()
      ended.waitForArrivals(1)
      #expect(mover == nil)
      #expect(bytes.isFilled(with: 1))
    }
  }

  @Test func `submitting and shutting down at once loses nothing`() throws {
    // Whatever the race, an operation is either done and successful, or refused and not done.
    for round in 0..<100 * stressFactor {
      let count = 40
      let done = Tally()
      let mover = try ThreadMover(
        configuration: .with(threads: 1 + round % 2) {
          $0.queueCapacity = 2 << (round % 4)
          $0.spinLimit = round % 3 == 0 ? 0 : 64
          $0.memset = { start, value, count, _ in
            memset(start, CInt(value), count)
            done.add()
          }
        })
      let bytes = MoverBytes(count: count)
      let wrong = Tally()
      let succeeded = Tally()
      MoverThread.run(3) { number in
        if number == 2 {
          for _ in 0..<round % 50 { sched_yield() }
          mover.shutdown()
          return
        }
        let runtime = Runtime()
        for i in stride(from: number, to: count, by: 2) {
          var future = mover.memset(bytes.start + i, to: 1, byteCount: 1)
          switch runtime.wait(&future).error {
          case nil:
            succeeded.add()
            if bytes[i] != 1 { wrong.add() }
          case .moverShutDown: if bytes[i] != 0 { wrong.add() }
          default: wrong.add()
          }
        }
      }
      #expect(wrong.value == 0)
      #expect(done.value == succeeded.value)
      #expect(mover.slotsInUse == 0)
    }
  }
}
