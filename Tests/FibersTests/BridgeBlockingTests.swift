import Fibers
import Glibc
import TestSupport
import Testing

@Suite("Bridge: blocking calls on helper threads")
struct BridgeBlockingTests {
  /// A runtime with so many helper threads at most.
  private func makeRuntime(threads: Int) throws -> FiberRuntime {
    var configuration = FiberRuntime.Configuration()
    configuration.blockingThreads = threads
    return try FiberRuntime(configuration)
  }

  @Test("The call runs on another thread while other fibers run; results and errors come back")
  func result() throws {
    let runtime = try FiberRuntime()
    let gate = MoverGate()
    let turns = LocalCounter()
    let here = currentThreadID()
    let fiber = try runtime.spawn {
      let there = Fiber.blocking { () -> Int in
        gate.pass()
        return currentThreadID()
      }
      #expect(there != here)
      #expect(throws: TestError(number: 1)) { try Fiber.blocking { throw TestError(number: 1) } }
      return "done"
    }
    try runtime.spawn {
      while gate.arrivals == 0 { try Fiber.yield() }
      for _ in 0..<100 {
        turns.value += 1
        try Fiber.yield()
      }
      #expect(fiber.status == .parked)
      gate.open()
    }
    try runtime.run()
    #expect(try fiber.join() == "done")
    #expect(turns.value == 100)
  }

  @Test("Typed errors stay typed, and a call that cannot throw needs no try")
  func typed() throws {
    let runtime = try FiberRuntime()
    let fiber = try runtime.spawn { () throws(TestError) -> Int in
      let base = Fiber.blocking { 1 }
      return try Fiber.blocking { () throws(TestError) -> Int in throw TestError(number: base) }
    }
    try runtime.run()
    #expect(try fiber.result() == .failure(TestError(number: 1)))
  }

  @Test(
    "More calls than threads: never more at once, all done, first come first served",
    arguments: [1, 3])
  func queue(threads: Int) throws {
    let runtime = try makeRuntime(threads: threads)
    let log = Guarded<(begun: [Int], now: Int, most: Int, ids: Set<Int>)>(([], 0, 0, []))
    for number in 0..<40 {
      try runtime.spawn {
        Fiber.blocking {
          log.withLock {
            $0.begun.append(number)
            $0.now += 1
            $0.most = max($0.most, $0.now)
            $0.ids.insert(currentThreadID())
          }
          sched_yield()
          log.withLock { $0.now -= 1 }
        }
      }
    }
    try runtime.run()
    let seen = log.withLock { $0 }
    #expect(seen.begun.sorted() == Array(0..<40))
    if threads == 1 { #expect(seen.begun == Array(0..<40)) }
    #expect(seen.most <= threads)
    #expect(seen.ids.count <= threads)
  }

  @Test("As many threads as calls that block at once, up to the limit")
  func grows() throws {
    let runtime = try makeRuntime(threads: 3)
    let gate = MoverGate()
    for _ in 0..<3 { try runtime.spawn { Fiber.blocking { gate.pass() } } }
    try runtime.spawn {
      // All three stand at the gate at once.
      while gate.arrivals < 3 { try Fiber.yield() }
      gate.open()
    }
    try runtime.run()
  }

  @Test("Calls one after the other need one thread")
  func reuse() throws {
    let runtime = try makeRuntime(threads: 4)
    let fiber = try runtime.spawn {
      var ids: Set<Int> = []
      for _ in 0..<200 { ids.insert(Fiber.blocking { currentThreadID() }) }
      return ids.count
    }
    try runtime.run()
    #expect(try fiber.join() == 1)
  }

  @Test("A cancellation does not cut the wait short, and stays pending")
  func cancel() throws {
    let runtime = try FiberRuntime()
    let gate = MoverGate()
    let fiber = try runtime.spawn {
      let output = Fiber.blocking { () -> Int in
        gate.pass()
        return 3
      }
      #expect(throws: FiberCancelled.self) { try Fiber.yield() }
      Fiber.current?.cancel()
      Fiber.blocking {}
      #expect(throws: FiberCancelled.self) { try Fiber.checkCancellation() }
      return output
    }
    try runtime.spawn {
      while gate.arrivals == 0 { try Fiber.yield() }
      fiber.cancel()
      for _ in 0..<10 { try Fiber.yield() }
      #expect(fiber.status == .parked)
      gate.open()
    }
    try runtime.run()
    #expect(try fiber.join() == 3)
  }

  @Test("A shutdown waits for calls that block, and for those in the queue")
  func shutdown() throws {
    let runtime = try makeRuntime(threads: 1)
    let gate = MoverGate()
    let done = Counter()
    for _ in 0..<5 {
      try runtime.spawn {
        Fiber.blocking {
          gate.pass()
          done.add()
        }
        // Cleaning up may block too.
        Fiber.blocking { done.add() }
      }
    }
    try runtime.spawn {}.join()
    let opener = OwnThread { () -> Bool in
      gate.waitForArrivals(1)
      gate.open()
      return true
    }
    runtime.shutdown()
    #expect(opener.wait())
    #expect(done.value == 10)
  }

  @Test("Dropping a runtime with a blocked call waits for it: a parked fiber keeps none alive")
  func drop() throws {
    let gate = MoverGate()
    let done = Flag()
    do {
      let runtime = try FiberRuntime()
      try runtime.spawn {
        Fiber.blocking {
          gate.pass()
          done.raise()
        }
      }
      // Joins one fiber: the other is still parked when the runtime goes.
      try runtime.spawn { while gate.arrivals == 0 { try Fiber.yield() } }.join()
      gate.open()
    }
    #expect(done.isRaised)
  }

  @Test("The fiber's variables may be used, without Sendable in the module's own form")
  func variables() throws {
    let runtime = try FiberRuntime()
    let fiber = try runtime.spawn {
      let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 8)
      defer { bytes.deallocate() }
      var total = 0
      for round in 1...50 {
        // SAFETY: nobody else knows `bytes` and `total`.
        unsafe Fiber.unsafeBlocking {
          for index in 0..<64 { bytes[index] = UInt8(round) }
          total += bytes.reduce(0) { $0 + Int($1) }
        }
      }
      return total
    }
    try runtime.run()
    #expect(try fiber.join() == 64 * 50 * 51 / 2)
  }

  @Test("Many fibers, many calls, cancellations in between")
  func stress() throws {
    var seed = Seed()
    for _ in 0..<3 * stressFactor {
      let runtime = try makeRuntime(threads: Int.random(in: 1...4, using: &seed))
      let done = Counter()
      let fibers = try (0..<50).map { number in
        try runtime.spawn {
          for round in 0..<20 {
            var local = [number, round]
            let pair = Fiber.blocking { [local] in
              done.add()
              return local.reduce(0, +)
            }
            local.append(pair)
            #expect(local == [number, round, number + round])
            try? Fiber.yield()
          }
        }
      }
      try runtime.spawn {
        for _ in 0..<200 {
          fibers[Int.random(in: 0..<50, using: &seed)].cancel()
          try Fiber.yield()
        }
      }
      try runtime.run()
      #expect(done.value == 1000, "\(seed)")
    }
  }
}
