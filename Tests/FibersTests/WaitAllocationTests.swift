import Fibers
import TestSupport
import Testing

/// What two fibers do over and over, without a heap allocation once they are warm.
@Suite(
  "Allocations of waiting", .enabled(if: countsAllocations, "a sanitizer has its own allocator"))
struct WaitAllocationTests {
  /// Runs `a` and `b` in turns; counts after the first of three thousand rounds.
  private func count(
    _ a: @escaping (Int) throws -> Void, _ b: @escaping (Int) throws -> Void
  ) throws -> Int {
    let runtime = try virtualRuntime()
    var found = -1
    let rounds = 1000
    try runtime.spawn {
      for round in 0..<rounds { try b(round) }
      for round in 0..<rounds { try b(round) }
      for round in 0..<rounds { try b(round) }
    }
    try runtime.spawn {
      for round in 0..<rounds { try a(round) }
      found = allocations {
        do { for round in 0..<rounds { try a(round) } } catch { Issue.record(error) }
      }
      for round in 0..<rounds { try a(round) }
    }
    try runtime.run()
    return found
  }

  @Test("Send and receive, through a ring and as a rendezvous", arguments: [0, 1, 2, 64])
  func channel(capacity: Int) throws {
    let channel = Channel<Int>(capacity: capacity)
    #expect(try count({ try channel.send($0) }, { _ in _ = try channel.receive() }) == 0)
    #expect(try count({ _ in _ = try channel.receive() }, { try channel.send($0) }) == 0)
  }

  @Test("send(from:), trySend and tryReceive")
  func tries() throws {
    let channel = Channel<Int>(capacity: 1)
    let sent = try count(
      {
        var slot: Int? = $0
        try channel.send(from: &slot)
        while try channel.trySend($0) != nil { try Fiber.yield() }
      },
      { _ in for _ in 0..<2 { while try channel.tryReceive() == nil { try Fiber.yield() } } })
    #expect(sent == 0)
  }

  @Test("A contended mutex")
  func mutex() throws {
    let mutex = FiberMutex(0)
    let body: (Int) throws -> Void = { _ in
      try mutex.withLock { value in
        value += 1
        try Fiber.yield()
      }
    }
    #expect(try count(body, body) == 0)
    #expect(try count({ _ in _ = mutex.withLockIfAvailable { $0 += 1 } }, { _ in }) == 0)
  }

  @Test("A condition")
  func condition() throws {
    let mutex = FiberMutex(LocalCounter())
    let condition = FiberCondition()
    func turn(_ mine: Int) throws {
      try mutex.withLock { counter in
        while counter.value % 2 != mine { try condition.wait(releasing: mutex, &counter) }
        counter.value += 1
        condition.broadcast()
      }
    }
    #expect(try count({ _ in try turn(0) }, { _ in try turn(1) }) == 0)
  }

  @Test("A semaphore and a wait group")
  func semaphore() throws {
    let there = FiberSemaphore(permits: 0)
    let back = FiberSemaphore(permits: 0)
    let semaphores = try count(
      { _ in
        there.release()
        try back.acquire()
      },
      { _ in
        try there.acquire()
        back.release()
      })
    #expect(semaphores == 0)
    let group = FiberWaitGroup()
    let groups = try count(
      { _ in
        group.add()
        try group.wait()
      },
      { _ in
        while group.count == 0 { try Fiber.yield() }
        group.done()
      })
    #expect(groups == 0)
  }

  @Test("Sleeping and ticking")
  func sleeping() throws {
    let sleeps = try count(
      { try Fiber.sleep(for: .nanoseconds($0 &* 1_000_003)) },
      { try Fiber.sleep(for: .nanoseconds($0 &* 7)) })
    #expect(sleeps == 0)
    var ticker = FiberTicker(every: .microseconds(3))
    #expect(try count({ _ in try ticker.wait() }, { _ in }) == 0)
  }

  @Test("A deadline that does not pass, around waits that it bounds")
  func deadline() throws {
    let channel = Channel<Int>(capacity: 0)
    let found = try count(
      { number in
        try Fiber.withTimeout(.seconds(1)) {
          try Fiber.withTimeout(.milliseconds(1)) { try channel.send(number) }
          try Fiber.shield { try Fiber.yield() }
        }
      },
      { _ in _ = try channel.receive() })
    #expect(found == 0)
  }

  @Test("A cancelled receive: nothing but the error itself, where that is boxed")
  func cut() throws {
    let channel = Channel<Int>(capacity: 0)
    let cancelled = try count(
      { _ in
        Fiber.current?.cancel()
        do throws(FiberCancelled) { _ = try channel.receive() } catch {}
      }, { _ in })
    #expect(cancelled <= 1000)
  }
}
