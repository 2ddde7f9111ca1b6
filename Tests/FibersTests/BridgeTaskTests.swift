import Fibers
import MiniAsync
import TestSupport
import Testing

@Suite("Bridge: tasks and fibers")
struct BridgeTaskTests {
  // MARK: A task awaits a fiber

  @Test("A task runs a fiber elsewhere and gets its result, or its error")
  func run() async throws {
    let served = ServedRuntime()
    let value = try await served.remote.run(name: "fiber") {
      try Fiber.yield()
      return 6
    }
    #expect(value == 6)
    await #expect(throws: TestError(number: 2)) {
      try await served.remote.run { throw TestError(number: 2) }
    }
    #expect(await served.stopped() == .finished)
  }

  @Test("Many tasks at once")
  func manyTasks() async throws {
    let served = ServedRuntime()
    let remote = served.remote
    let count = 500
    let sum = try await withThrowingTaskGroup(of: Int.self) { group in
      for number in 0..<count {
        group.addTask {
          try await remote.run {
            for _ in 0..<number % 7 { try Fiber.yield() }
            return number
          }
        }
      }
      return try await group.reduce(0, +)
    }
    #expect(sum == count * (count - 1) / 2)
    #expect(await served.stopped() == .finished)
  }

  @Test("Cancelling the task cancels the fiber, and waits for what it makes of that")
  func cancelTask() async throws {
    let served = ServedRuntime()
    let parked = Flag()
    let task = Task {
      try await served.remote.run {
        do {
          try Fiber.park { _ in parked.raise() }
          return "not cancelled"
        } catch {
          for _ in 0..<3 { try Fiber.yield() }
          return "cleaned up"
        }
      }
    }
    await eventually { parked.isRaised }
    task.cancel()
    #expect(try await task.value == "cleaned up")
    let early = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      return try await served.remote.run { try Fiber.park { _ in } }
    }
    await #expect(throws: FiberCancelled.self) { try await early.value }
    #expect(await served.stopped() == .finished)
  }

  @Test("A runtime that is shut down under waiting tasks: each gets an error, none hangs")
  func shutdown() async throws {
    var configuration = FiberRuntime.Configuration()
    configuration.taskCapacity = 6
    configuration.capacitiesAreLimits = true
    let served = ServedRuntime(configuration)
    let remote = served.remote
    let begun = Counter()
    let tasks = (0..<5).map { _ in
      Task {
        try await remote.run {
          begun.add()
          try waitForNobody()
        }
      }
    }
    // Two fibers with two helpers each fill the runtime; the rest of the tasks wait for room.
    await eventually { begun.value >= 2 }
    _ = await served.stopped()
    var cancelled = 0
    var closed = 0
    for task in tasks {
      do {
        try await task.value
      } catch is FiberCancelled {
        cancelled += 1
      } catch FiberError.runtimeClosed {
        closed += 1
      } catch {
        // No room for the helpers of the third.
        if !(error is FiberError) { throw error }
      }
    }
    #expect(cancelled >= 2)
    #expect(cancelled + closed >= 4)
    await #expect(throws: FiberError.runtimeClosed) { try await remote.run {} }
  }

  @Test("A runtime that never ran and is dropped: the tasks get an error")
  func neverRun() async throws {
    let remote = Guarded<FiberRemote?>(nil)
    let mayEnd = MoverGate()
    let thread = OwnThread { () -> Bool in
      guard let runtime = try? FiberRuntime() else { return false }
      remote.withLock { $0 = runtime.remote }
      mayEnd.pass()
      return true
    }
    await eventually { remote.withLock { $0 } != nil }
    let door = try #require(remote.withLock { $0 })
    let started = Counter()
    let tasks = (0..<3).map { _ in
      Task {
        let future = try door.spawnFuture {}
        started.add()
        return try await future.value().get()
      }
    }
    await eventually { started.value == 3 }
    mayEnd.open()
    for task in tasks {
      await #expect(throws: FiberError.runtimeClosed) { try await task.value }
    }
    #expect(await onThread { thread.wait() })
  }

  // MARK: A fiber awaits a task

  @Test("A fiber awaits an async operation while others run")
  func await() throws {
    let runtime = try FiberRuntime()
    let gate = AsyncGate()
    let turns = LocalCounter()
    let fiber = try runtime.spawn {
      let plain = Fiber.await { () -> Int in
        await gate.wait()
        return 4
      }
      #expect(throws: TestError(number: 8)) {
        try Fiber.await {
          await Task.yield()
          throw TestError(number: 8)
        }
      }
      return plain
    }
    try runtime.spawn {
      for _ in 0..<100 {
        turns.value += 1
        try Fiber.yield()
      }
      #expect(fiber.status == .parked)
      gate.open()
    }
    #expect(runtime.run() == .finished)
    #expect(try fiber.join() == 4)
    #expect(turns.value == 100)
  }

  @Test("Typed errors stay typed, and an operation that cannot throw needs no try")
  func typed() throws {
    let runtime = try FiberRuntime()
    let fiber = try runtime.spawn { () throws(TestError) -> Int in
      let base = Fiber.await { 1 }
      return try Fiber.await { () async throws(TestError) -> Int in throw TestError(number: base) }
    }
    runtime.run()
    #expect(try fiber.result() == .failure(TestError(number: 1)))
  }

  @Test("Cancelling the fiber cancels the task; its result counts, the cancellation is pending")
  func cancelFiber() throws {
    let runtime = try FiberRuntime()
    let started = Flag()
    let fiber = try runtime.spawn {
      let output = Fiber.await {
        started.raise()
        while !Task.isCancelled { await Task.yield() }
        return "stopped"
      }
      #expect(throws: FiberCancelled.self) { try Fiber.yield() }
      return output
    }
    try runtime.spawn {
      while !started.isRaised { try Fiber.yield() }
      fiber.cancel()
    }
    #expect(runtime.run() == .finished)
    #expect(try fiber.join() == "stopped")
    let early = try runtime.spawn {
      Fiber.current?.cancel()
      return Fiber.await { Task.isCancelled }
    }
    #expect(runtime.run() == .finished)
    #expect(try early.join())
  }

  @Test("There and back: a task runs a fiber that awaits a task that runs a fiber")
  func nested() async throws {
    let served = ServedRuntime()
    let remote = served.remote
    let value = try await remote.run {
      try Fiber.await {
        try await remote.run { try Fiber.await { try await remote.run { 3 } } }
      }
    }
    #expect(value == 3)
    #expect(await served.stopped() == .finished)
  }

  @Test("A cancellation goes through all of them")
  func nestedCancel() async throws {
    let served = ServedRuntime()
    let remote = served.remote
    let parked = Flag()
    let task = Task {
      try await remote.run {
        try Fiber.await { try await remote.run { try Fiber.park { _ in parked.raise() } } }
      }
    }
    await eventually { parked.isRaised }
    task.cancel()
    await #expect(throws: FiberCancelled.self) { try await task.value }
    #expect(await served.stopped() == .finished)
  }
}

/// Lets tasks through once it is open.
final class AsyncGate: Sendable {
  private let signal = Signal()
  func open() { signal.fire() }
  func wait() async { _ = await Signalled(signal).value() }
}
