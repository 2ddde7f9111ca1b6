import Fibers
import MiniAsync
import TestSupport
import Testing

@Suite("Bridge: the end of a fiber as a future")
struct BridgeFutureTests {
  @Test("It is waited for by a runtime of futures on another thread")
  func otherThread() throws {
    let runtime = try FiberRuntime()
    let fiber = try runtime.spawn { () throws(TestError) -> Int in
      do { for _ in 0..<10 { try Fiber.yield() } } catch { throw TestError() }
      return 42
    }
    let waiters = try [fiber, runtime.spawn { () throws(TestError) in throw TestError(number: 3) }]
      .map { fiber in
        let slot = FutureSlot(fiber.future())
        return OwnThread { slot.wait() }
      }
    try runtime.run()
    #expect(waiters[0].wait() == .success(42))
    #expect(waiters[1].wait() == .failure(TestError(number: 3)))
  }

  @Test("A future of a fiber that has ended is complete; there may be many, before and after")
  func many() throws {
    let runtime = try FiberRuntime()
    let fiber = try runtime.spawn(name: "named") { 5 }
    var early = (0..<3).map { _ in AnyFuture(fiber.future()) }
    for index in 0..<3 { #expect(early[index].poll() == .running) }
    try runtime.run()
    for index in 0..<3 {
      #expect(early[index].poll() == .complete)
      #expect(early[index].output == .success(5))
    }
    var late = fiber.future()
    #expect(late.poll() == .complete)
    #expect(late.output == .success(5))
    #expect(try fiber.join() == 5)
  }

  @Test("A fiber of another runtime waits for it, on another thread")
  func otherRuntime() throws {
    let served = ServedRuntime()
    let runtime = try FiberRuntime()
    let fiber = try runtime.spawn {
      var sum = 0
      for number in 0..<20 {
        var future = try served.remote.spawnFuture {
          try Fiber.yield()
          return number
        }
        sum += try Fiber.wait(for: &future).get()
      }
      return sum
    }
    try runtime.run()
    #expect(try fiber.join() == 190)
    #expect(served.stop() == 0)
  }

  @Test(
    "Cancelling it cancels the fiber, from any thread and on its own", arguments: [true, false])
  func cancel(foreign: Bool) throws {
    let runtime = try FiberRuntime()
    let fiber = try runtime.spawn { try Fiber.park { _ in } }
    let slot = FutureSlot(fiber.future())
    try runtime.spawn {}.join()
    #expect(fiber.status == .parked)
    if foreign {
      let thread = OwnThread { slot.cancelAndWait() }
      try runtime.run()
      #expect(throws: FiberCancelled.self) { try thread.wait().get() }
    } else {
      try runtime.spawn { slot.cancel() }
      try runtime.run()
    }
    #expect(throws: FiberCancelled.self) { try fiber.join() }
  }

  @Test("Dropping it detaches: the fiber runs on, its result goes")
  func drop() throws {
    let runtime = try FiberRuntime()
    let log = Log()
    let drops = Counter()
    do {
      let fiber = try runtime.spawn {
        try Fiber.yield()
        log.add("end")
        return Dropped(drops)
      }
      var future = fiber.future()
      future.poll()
    }
    try runtime.run()
    #expect(log.entries == ["end"])
    #expect(drops.value == 1)
  }

  @Test("A fiber cancelled before it has begun is cancelled when it begins")
  func cancelBeforeBegin() throws {
    let runtime = try FiberRuntime()
    let remote = runtime.remote
    let slot = try OwnThread {
      Result { FutureSlot(try remote.spawnFuture { try Fiber.yield() }) }
    }.wait().get()
    slot.cancel()
    try runtime.run()
    #expect(throws: FiberCancelled.self) { try slot.wait().get() }
  }

  @Test("A cancel reaches its fiber past spawns that wait for room")
  func cancelPastBacklog() throws {
    var configuration = FiberRuntime.Configuration()
    configuration.taskCapacity = 1
    configuration.capacitiesAreLimits = true
    let runtime = try FiberRuntime(configuration)
    let remote = runtime.remote
    let ran = Counter()
    let first = try runtime.spawn { try Fiber.park { _ in } }
    let slot = FutureSlot(first.future())
    for _ in 0..<3 { try remote.spawn { ran.add() } }
    let thread = OwnThread { () -> Bool in
      slot.cancel()
      return true
    }
    #expect(thread.wait())
    try runtime.run()
    #expect(ran.value == 3)
    #expect(throws: FiberCancelled.self) { try first.join() }
  }

  @Test("Requests that a shutdown drops complete with an error, wherever they were")
  func shutdownDropsRequests() throws {
    var configuration = FiberRuntime.Configuration()
    configuration.taskCapacity = 3
    configuration.capacitiesAreLimits = true
    let runtime = try FiberRuntime(configuration)
    let remote = runtime.remote
    let slots = try (0..<5).map { _ in
      FutureSlot(try remote.spawnFuture { try Fiber.park { _ in } })
    }
    // Two begin, the rest waits for room.
    try runtime.spawn { for _ in 0..<200 { try Fiber.yield() } }.join()
    // This one is still in the inbox.
    let last = FutureSlot(try remote.spawnFuture {})
    runtime.shutdown()
    for (index, slot) in slots.enumerated() {
      let result = slot.wait()
      if index < 2 {
        #expect(throws: FiberCancelled.self) { try result.get() }
      } else {
        #expect(throws: FiberError.runtimeClosed) { try result.get() }
      }
    }
    #expect(throws: FiberError.runtimeClosed) { try last.wait().get() }
    #expect(throws: FiberError.runtimeClosed) { _ = try remote.spawnFuture { 1 } }
  }

  @Test("Spawns that race with a shutdown all complete, though the door is still held")
  func shutdownRace() throws {
    for _ in 0..<20 * stressFactor {
      let runtime = try FiberRuntime()
      let remote = runtime.remote
      let begun = Counter()
      let threads = (0..<3).map { _ in
        OwnThread { () -> Int in
          var ended = 0
          while let future = try? remote.spawnFuture({ 1 }) {
            begun.add()
            _ = Runtime().waitFor(future)
            ended += 1
          }
          return ended
        }
      }
      try runtime.spawn { while begun.value < 20 { try Fiber.yield() } }
      try runtime.run()
      runtime.shutdown()
      var ended = 0
      for thread in threads { ended += thread.wait() }
      #expect(ended == begun.value)
    }
  }
}

/// A future that a test hands to another thread.
final class FutureSlot<F: Future & ~Copyable & Sendable>: @unchecked Sendable
where F.Output: Sendable {
  // @unchecked: the test hands it on, one thread uses it at a time.
  private var future: F

  init(_ future: consuming F) { self.future = future }

  func wait() -> F.Output { Runtime().wait(&future) }

  func cancel() { future.cancel() }

  func cancelAndWait() -> F.Output {
    cancel()
    return wait()
  }
}

extension Runtime {
  func waitFor<F: Future & ~Copyable>(_ future: consuming F) -> F.Output { wait(&future) }
}

/// Counts when it is let go of.
final class Dropped: Sendable {
  private let drops: Counter
  init(_ drops: Counter) { self.drops = drops }
  deinit { drops.add() }
}
