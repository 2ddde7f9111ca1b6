import Fibers
import Synchronization
import TestSupport
import Testing

@Suite("Other threads")
struct ForeignThreadTests {
  @Test("A fiber parked for another thread is woken by it while the runtime sleeps")
  func wakesASleepingRuntime() throws {
    let runtime = try FiberRuntime()
    let value = Guarded(0)
    var thread: OwnThread<Bool>?
    let fiber = try runtime.spawn {
      try Fiber.park { waker in
        thread = OwnThread {
          value.withLock { $0 = 42 }
          return waker.wake()
        }
      }
      return value.withLock { $0 }
    }
    try runtime.run()
    #expect(try fiber.join() == 42)
    #expect(thread?.wait() == true)
  }

  @Test("After a shutdown the door refuses, also while the runtime is still there")
  func closedByShutdown() throws {
    let runtime = try FiberRuntime()
    let remote = runtime.remote
    try remote.spawn {}
    runtime.shutdown()
    #expect(throws: FiberError.runtimeClosed) { try remote.spawn {} }
  }

  @Test("Of many wakes of one park exactly one counts", arguments: [2, 4, 8])
  func exactlyOne(threads: Int) throws {
    for _ in 0..<20 * stressFactor {
      let runtime = try FiberRuntime()
      let started = Atomic<Int>(0)
      var wakers: [OwnThread<Int>] = []
      let fiber = try runtime.spawn {
        for _ in 0..<10 {
          try Fiber.park { waker in
            for _ in 0..<threads {
              wakers.append(
                OwnThread {
                  started.add(1, ordering: .relaxed)
                  return (waker.wake() ? 1 : 0) + (waker.wake() ? 1 : 0)
                })
            }
          }
        }
      }
      try runtime.run()
      try fiber.join()
      #expect(wakers.reduce(0) { $0 + $1.wait() } == 10)
    }
  }

  @Test("Wakes that race with cancellations lose nothing: every fiber ends once")
  func raceWithCancel() throws {
    var seed = Seed()
    for _ in 0..<20 * stressFactor {
      let runtime = try FiberRuntime()
      let wakers = Guarded<[FiberWaker]>([])
      let done = Atomic<Bool>(false)
      let thread = OwnThread { () -> Int in
        var counted = 0
        while !done.load(ordering: .acquiring) {
          let batch = wakers.withLock { list in
            defer { list = [] }
            return list
          }
          for waker in batch where waker.wake() { counted += 1 }
        }
        return counted
      }
      var woken = 0
      var cancelled = 0
      let fibers = try (0..<50).map { _ in
        try runtime.spawn {
          for _ in 0..<5 {
            do {
              try Fiber.park { waker in wakers.withLock { $0.append(waker) } }
              woken += 1
            } catch {
              cancelled += 1
            }
          }
        }
      }
      try runtime.spawn {
        for _ in 0..<100 {
          fibers[Int.random(in: 0..<50, using: &seed)].cancel()
          try Fiber.yield()
        }
      }
      try runtime.run()
      done.store(true, ordering: .releasing)
      #expect(woken + cancelled == 250, "\(seed)")
      #expect(thread.wait() == woken, "\(seed)")
    }
  }

  @Test("Fibers spawned by other threads run, in the order of each thread", arguments: [1, 4])
  func remoteSpawn(threads: Int) throws {
    let runtime = try FiberRuntime()
    let remote = runtime.remote
    let log = Guarded<[(thread: Int, number: Int)]>([])
    let left = Atomic<Int>(threads)
    let spawners = (0..<threads).map { thread in
      OwnThread { () -> Bool in
        do {
          for number in 0..<100 {
            try remote.spawn { log.withLock { $0.append((thread, number)) } }
          }
        } catch { return false }
        if left.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 { remote.stop() }
        return true
      }
    }
    try runtime.serve()
    for spawner in spawners { #expect(spawner.wait()) }
    let entries = log.withLock { $0 }
    #expect(entries.count == 100 * threads)
    for thread in 0..<threads {
      #expect(entries.filter { $0.thread == thread }.map(\.number) == Array(0..<100))
    }
  }

  @Test("Remote spawns beyond the limit wait for room")
  func remoteSpawnWaits() throws {
    var configuration = FiberRuntime.Configuration()
    configuration.taskCapacity = 3
    configuration.fiberCapacity = 3
    configuration.capacitiesAreLimits = true
    let runtime = try FiberRuntime(configuration)
    let remote = runtime.remote
    let most = Guarded((now: 0, most: 0))
    for _ in 0..<20 {
      try remote.spawn {
        most.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
        try? Fiber.yield()
        most.withLock { $0.now -= 1 }
      }
    }
    try runtime.run()
    #expect(most.withLock { $0.now } == 0)
    #expect(most.withLock { $0.most } == 3)
  }

  @Test("Doors of a runtime that is gone say so, and do no harm")
  func lateComers() throws {
    var waker: FiberWaker?
    var remote: FiberRemote?
    do {
      let runtime = try FiberRuntime()
      remote = runtime.remote
      try runtime.spawn { try Fiber.park { waker = $0 } }
      try runtime.spawn {}.join()
    }
    #expect(waker?.wake() == false)
    #expect(throws: FiberError.runtimeClosed) { try remote?.spawn {} }
  }

  @Test("Each thread has a default runtime of its own, shut down when the thread ends")
  func defaultRuntimes() throws {
    let ended = Atomic<Int>(0)
    let threads = (0..<3).map { id in
      OwnThread { () -> [Int] in
        var log: [Int] = []
        do {
          for step in 0..<3 { try Fiber.spawn { log.append(id * 10 + step) } }
          try Fiber.run()
          // Left over: the end of the thread cancels it and runs it to its end.
          try Fiber.spawn {
            defer { ended.add(1, ordering: .relaxed) }
            try Fiber.park { _ in }
          }
        } catch { log = [] }
        return log
      }
    }
    for (id, thread) in threads.enumerated() {
      #expect(thread.wait() == [id * 10, id * 10 + 1, id * 10 + 2])
    }
    #expect(ended.load(ordering: .relaxed) == 3)
  }
}
