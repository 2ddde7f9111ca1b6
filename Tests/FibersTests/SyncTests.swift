import Fibers
import TestSupport
import Testing

private struct Boom: Error, Equatable {}

@Suite("Mutexes")
struct MutexTests {
  @Test("One at a time, also over suspensions, in the order in which they came")
  func order() throws {
    let runtime = try virtualRuntime()
    let mutex = FiberMutex([Int]())
    var inside = 0
    for id in 0..<20 {
      try runtime.spawn {
        try mutex.withLock { order in
          inside += 1
          #expect(inside == 1 && mutex.isLocked)
          for _ in 0..<id % 4 { try Fiber.yield() }
          if id % 3 == 0 { try Fiber.sleep(for: .nanoseconds(id)) }
          order.append(id)
          inside -= 1
        }
      }
    }
    try runtime.run()
    let reader = try runtime.spawn { try mutex.withLock { $0 } }
    #expect(try reader.join() == Array(0..<20))
    #expect(!mutex.isLocked)
  }

  @Test("The lock is handed over: who gives it up and wants it again goes to the back")
  func handOver() throws {
    let runtime = try virtualRuntime()
    let mutex = FiberMutex(0)
    let log = Log()
    for name in ["a", "b"] {
      try runtime.spawn {
        for _ in 0..<3 {
          try mutex.withLock { _ in
            log.add(name)
            try Fiber.yield()
          }
        }
      }
    }
    try runtime.run()
    #expect(log.entries == ["a", "b", "a", "b", "a", "b"])
  }

  @Test("Results and errors of the body pass; the lock is given up either way")
  func bodies() throws {
    try inVirtualTime {
      let mutex = FiberMutex(1)
      #expect(try mutex.withLock { $0 + 1 } == 2)
      expectThrows(Boom()) { try mutex.withLock { _ in throw Boom() } }
      expectThrows(FiberCancelled(.cancel)) {
        try mutex.withLock { value in
          value = 5
          Fiber.current?.cancel()
          try Fiber.yield()
        }
      }
      #expect(!mutex.isLocked)
      #expect(mutex.withLockIfAvailable { $0 } == 5)
      let nested: Int? = try mutex.withLock { _ in mutex.withLockIfAvailable { $0 } }
      #expect(nested == nil)
      #expect(!mutex.isLocked)
    }
  }

  @Test("A value and a result that cannot be copied")
  func nonCopyable() throws {
    let drops = Counter()
    try inVirtualTime {
      let mutex = FiberMutex<Parcel?>(Parcel(1, drops))
      let taken = try mutex.withLock { $0.take() }
      #expect(number(of: taken) == 1 && drops.value == 0)
      try mutex.withLock { $0 = Parcel(2, drops) }
    }
    #expect(drops.value == 2)
  }

  @Test(
    "A cancelled waiter leaves; the rest keep their order", arguments: [[0], [2], [4], [0, 1, 4]])
  func cancelled(victims: [Int]) throws {
    let runtime = try virtualRuntime()
    let mutex = FiberMutex(0)
    let log = Log()
    try runtime.spawn { try mutex.withLock { _ in try Fiber.sleep(for: .nanoseconds(10)) } }
    let waiters = try (0..<5).map { id in
      try runtime.spawn { try mutex.withLock { _ in log.add("\(id)") } }
    }
    try runtime.spawn { for id in victims { waiters[id].cancel() } }
    try runtime.run()
    #expect(log.entries == (0..<5).filter { !victims.contains($0) }.map { "\($0)" })
    for (id, waiter) in waiters.enumerated() {
      if victims.contains(id) {
        #expect(throws: FiberCancelled(.cancel)) { try waiter.join() }
      } else {
        try waiter.join()
      }
    }
    #expect(!mutex.isLocked)
  }

  @Test("Handed over and cancelled at once, in both orders: the lock is not lost")
  func handedAndCancelled() throws {
    for cancelFirst in [true, false] {
      let runtime = try virtualRuntime()
      let mutex = FiberMutex(0)
      let log = Log()
      var second: Fiber<Void, any Error>?
      try runtime.spawn {
        try mutex.withLock { _ in
          try Fiber.yield()
          try Fiber.yield()
          if cancelFirst { second?.cancel() }
        }
        if !cancelFirst { second?.cancel() }
      }
      second = try runtime.spawn {
        try mutex.withLock { _ in
          log.add("second")
          try Fiber.yield()
        }
      }
      let third = try runtime.spawn { try mutex.withLock { _ in log.add("third") } }
      try runtime.run()
      #expect(log.entries == (cancelFirst ? ["third"] : ["second", "third"]))
      #expect(throws: FiberCancelled(.cancel)) { try second?.join() }
      try third.join()
      #expect(!mutex.isLocked)
    }
  }
}

@Suite("Conditions")
struct ConditionTests {
  private struct Queue { var numbers: [Int] = [] }

  @Test("A queue with a mutex and two conditions: nothing lost, in order")
  func queue() throws {
    let runtime = try virtualRuntime()
    let mutex = FiberMutex(Queue())
    let notEmpty = FiberCondition(name: "not empty")
    let notFull = FiberCondition(name: "not full")
    let consumers = try (0..<3).map { _ in
      try runtime.spawn {
        var got: [Int] = []
        while true {
          let number = try mutex.withLock { queue in
            while queue.numbers.isEmpty { try notEmpty.wait(releasing: mutex, &queue) }
            notFull.signal()
            return queue.numbers.removeFirst()
          }
          if number < 0 { return got }
          got.append(number)
        }
      }
    }
    try runtime.spawn {
      for number in Array(0..<100) + [-1, -1, -1] {
        try mutex.withLock { queue in
          while queue.numbers.count == 4 { try notFull.wait(releasing: mutex, &queue) }
          queue.numbers.append(number)
          notEmpty.signal()
        }
      }
    }
    try runtime.run()
    #expect(try consumers.flatMap { try $0.join() }.sorted() == Array(0..<100))
  }

  @Test("A waiter sees what others have made of the protected value")
  func seesChanges() throws {
    let runtime = try virtualRuntime()
    let mutex = FiberMutex(0)
    let changed = FiberCondition()
    let waiter = try runtime.spawn {
      try mutex.withLock { value in
        while value == 0 { try changed.wait(releasing: mutex, &value) }
        return value
      }
    }
    try runtime.spawn {
      try mutex.withLock { $0 = 7 }
      changed.signal()
    }
    try runtime.run()
    #expect(try waiter.join() == 7)
  }

  @Test("A signal wakes the one that waits longest, a broadcast all, in order")
  func signals() throws {
    let runtime = try virtualRuntime()
    let mutex = FiberMutex(0)
    let condition = FiberCondition()
    let log = Log()
    condition.signal()  // nobody waits: it is not remembered
    for id in 0..<5 {
      try runtime.spawn {
        try mutex.withLock { value in
          try condition.wait(releasing: mutex, &value)
          #expect(mutex.isLocked)
          log.add("\(id)")
          try Fiber.yield()
        }
      }
    }
    #expect(throws: FiberDeadlock.self) { try runtime.run() }
    condition.signal()
    #expect(throws: FiberDeadlock.self) { try runtime.run() }
    #expect(log.entries == ["0"])
    condition.broadcast()
    try runtime.run()
    #expect(log.entries == ["0", "1", "2", "3", "4"])
  }

  @Test("A cancelled waiter holds the mutex when it throws, however long that takes")
  func cancelled() throws {
    let runtime = try virtualRuntime()
    let mutex = FiberMutex(Queue())
    let condition = FiberCondition()
    let log = Log()
    let waiter = try runtime.spawn {
      try mutex.withLock { value in
        do throws(FiberCancelled) {
          try condition.wait(releasing: mutex, &value)
        } catch {
          log.add("cut at \(nanosecondsNow()), \(value.numbers)")
          // Nobody else is in there.
          for _ in 0..<3 { try Fiber.yield() }
          throw error
        }
      }
    }
    try runtime.spawn {
      try mutex.withLock { value in
        waiter.cancel()
        waiter.cancel()
        try Fiber.sleep(for: .nanoseconds(100))
        // Again, while it waits for the mutex: that one stays pending.
        value.numbers = [7]
      }
    }
    let last = try runtime.spawn {
      try Fiber.sleep(for: .nanoseconds(100))
      try mutex.withLock { _ in log.add("last") }
    }
    #expect(throws: Never.self) { try runtime.run() }
    #expect(throws: FiberCancelled(.cancel)) { try waiter.join() }
    try last.join()
    #expect(log.entries == ["cut at 100, [7]", "last"])
  }

  @Test("Signalled and cancelled at once: the one that came first counts, no signal is lost")
  func signalledAndCancelled() throws {
    for cancelFirst in [true, false] {
      let runtime = try virtualRuntime()
      let mutex = FiberMutex(0)
      let condition = FiberCondition()
      let log = Log()
      let waiters = try (0..<2).map { id in
        try runtime.spawn {
          try mutex.withLock { value in
            try condition.wait(releasing: mutex, &value)
            log.add("\(id)")
            if id == 0 { try Fiber.yield() }
          }
        }
      }
      try runtime.spawn {
        if cancelFirst { waiters[0].cancel() }
        condition.signal()
        if !cancelFirst { waiters[0].cancel() }
      }
      if cancelFirst {
        try runtime.run()
        #expect(log.entries == ["1"])
      } else {
        #expect(throws: FiberDeadlock.self) { try runtime.run() }
        #expect(log.entries == ["0"])
        condition.signal()
        try runtime.run()
      }
      #expect(throws: FiberCancelled(.cancel)) { try waiters[0].join() }
      try waiters[1].join()
    }
  }
}

@Suite("Semaphores and wait groups")
struct SemaphoreTests {
  @Test("So many at once and no more", arguments: [1, 2, 5])
  func bounds(permits: Int) throws {
    let runtime = try virtualRuntime()
    let semaphore = FiberSemaphore(permits: permits)
    var inside = 0
    var most = 0
    var order: [Int] = []
    for id in 0..<30 {
      try runtime.spawn {
        try semaphore.withPermit {
          inside += 1
          order.append(id)
          most = max(most, inside)
          try Fiber.sleep(for: .nanoseconds(10 + id % 3))
          inside -= 1
        }
      }
    }
    try runtime.run()
    #expect(most == permits)
    #expect(order == Array(0..<30))
    #expect(semaphore.available == permits)
  }

  @Test("release(n) lets n in, first come first served; the rest stays available", arguments: 1...7)
  func releaseMany(permits: Int) throws {
    let runtime = try virtualRuntime()
    let semaphore = FiberSemaphore(permits: 0)
    var order: [Int] = []
    let fibers = try (0..<5).map { id in
      try runtime.spawn {
        try semaphore.acquire()
        order.append(id)
      }
    }
    #expect(throws: FiberDeadlock.self) { try runtime.run() }
    #expect(!semaphore.tryAcquire())
    semaphore.release(permits)
    // They have been given away already: nobody gets in between.
    #expect(semaphore.available == max(0, permits - 5))
    #expect(semaphore.tryAcquire() == (permits > 5))
    _ = try? runtime.run()
    #expect(order == Array(0..<min(5, permits)))
    for fiber in fibers { fiber.cancel() }
    try runtime.run()
    #expect(semaphore.available == max(0, permits - 6))
  }

  @Test("Released and cancelled at once, in both orders: the permit is not lost")
  func noLostPermit() throws {
    for cancelFirst in [true, false] {
      let runtime = try virtualRuntime()
      let semaphore = FiberSemaphore(permits: 0)
      let first = try runtime.spawn {
        try semaphore.withPermit { try Fiber.yield() }
      }
      let second = try runtime.spawn { try semaphore.acquire() }
      try runtime.spawn {
        if cancelFirst { first.cancel() }
        semaphore.release()
        if !cancelFirst { first.cancel() }
      }
      try runtime.run()
      #expect(throws: FiberCancelled(.cancel)) { try first.join() }
      try second.join()
      #expect(semaphore.available == 0)
    }
  }

  @Test("Random acquires, releases, cancels and deadlines: permits are conserved")
  func conserved() throws {
    var seeds = Seed()
    for _ in 0..<20 {
      var seed = Seed(seeds.next())
      let runtime = try virtualRuntime()
      let semaphore = FiberSemaphore(permits: 3)
      var held = 0
      for _ in 0..<60 {
        let (sleep, limit, hold, cancel) = (
          Int.random(in: 0..<50, using: &seed), Int.random(in: 0..<30, using: &seed),
          Int.random(in: 0..<15, using: &seed), Int.random(in: 0..<90, using: &seed)
        )
        let fiber = try runtime.spawn {
          try Fiber.sleep(for: .nanoseconds(sleep))
          try Fiber.withTimeout(.nanoseconds(limit)) { try semaphore.acquire() }
          held += 1
          #expect(held <= 3, "\(seeds)")
          defer {
            held -= 1
            semaphore.release()
          }
          try Fiber.sleep(for: .nanoseconds(hold))
        }
        try runtime.spawn {
          try Fiber.sleep(for: .nanoseconds(cancel))
          fiber.cancel()
        }
      }
      try runtime.run()
      #expect(semaphore.available == 3 && held == 0, "\(seeds)")
    }
  }

  @Test("A wait group: the last done wakes all; with nothing to do nobody waits")
  func group() throws {
    let runtime = try virtualRuntime()
    let group = FiberWaitGroup()
    let log = Log()
    for id in 0..<3 {
      try runtime.spawn {
        try group.wait()
        log.add("early \(id)")
      }
    }
    try runtime.run()
    group.add(3)
    group.add(0)
    #expect(group.count == 3)
    let waiters = try (0..<3).map { id in
      try runtime.spawn {
        try group.wait()
        log.add("waiter \(id)")
      }
    }
    try runtime.spawn {
      waiters[1].cancel()
      for _ in 0..<3 {
        log.add("done")
        group.done()
      }
      // Added after the last one: who waited for that one goes on.
      group.add()
    }
    try runtime.run()
    #expect(
      log.entries == [
        "early 0", "early 1", "early 2", "done", "done", "done", "waiter 0", "waiter 2",
      ])
    #expect(throws: FiberCancelled(.cancel)) { try waiters[1].join() }
  }
}
