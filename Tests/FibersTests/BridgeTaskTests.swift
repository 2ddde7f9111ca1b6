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
    #expect(await served.stopped() == 0)
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
    #expect(await served.stopped() == 0)
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
    await #expect(throws: CancellationError.self) { try await early.value }
    #expect(await served.stopped() == 0)
  }

  @Test("A runtime that is shut down under waiting tasks cancels their fibers: none hangs")
  func shutdown() async throws {
    let served = ServedRuntime()
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
    await eventually { begun.value == 5 }
    #expect(await served.stopped() == 15)
    for task in tasks {
      await #expect(throws: FiberCancelled.self) { try await task.value }
    }
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

  /// Runs `body` in a fiber, whose thread may block: not one of Swift's pool.
  private func inFiber<Value: Sendable>(
    _ body: @escaping @Sendable () throws -> Value
  ) async throws -> Value {
    try await onThread {
      Result {
        let runtime = try FiberRuntime()
        let fiber = try runtime.spawn(body)
        try runtime.run()
        return try fiber.join()
      }
    }.get()
  }

  @Test("A fiber awaits an async operation while others run")
  func await() async throws {
    let seen = try await inFiber {
      guard let me = Fiber.current else { throw TestError() }
      let gate = AsyncGate()
      let turns = LocalCounter()
      let other = try Fiber.spawn {
        for _ in 0..<100 {
          turns.value += 1
          try Fiber.yield()
        }
        defer { gate.open() }
        return me.status
      }
      let plain = Fiber.await { () -> Int in
        await gate.wait()
        return 4
      }
      return (plain, turns.value, try other.join())
    }
    #expect(seen == (4, 100, .parked))
  }

  @Test("The operation's own errors come back, typed ones typed")
  func errors() async throws {
    await #expect(throws: TestError(number: 8)) {
      try await inFiber {
        try Fiber.await {
          await Task.yield()
          throw TestError(number: 8)
        }
      }
    }
    // An operation that cannot throw needs no try.
    let typed = try await inFiber {
      try Fiber.spawn { () throws(TestError) -> Int in
        let base = Fiber.await { 1 }
        return try Fiber.await { () async throws(TestError) -> Int in
          throw TestError(number: base)
        }
      }.result()
    }
    #expect(typed == .failure(TestError(number: 1)))
  }

  @Test("Cancelling the fiber cancels the task; its result counts, the cancellation is pending")
  func cancelFiber() async throws {
    let seen = try await inFiber {
      let started = Flag()
      let fiber = try Fiber.spawn {
        let output = Fiber.await {
          started.raise()
          while !Task.isCancelled { await Task.yield() }
          return "stopped"
        }
        do {
          try Fiber.yield()
          return output
        } catch {
          return output + ", pending"
        }
      }
      while !started.isRaised { try Fiber.yield() }
      fiber.cancel()
      let first = try fiber.join()
      Fiber.current?.cancel()
      return (first, Fiber.await { Task.isCancelled }, Fiber.current?.isCancelled)
    }
    #expect(seen == ("stopped, pending", true, true))
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
    #expect(await served.stopped() == 0)
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
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(await served.stopped() == 0)
  }
}

/// Lets tasks through once it is open.
final class AsyncGate: Sendable {
  private let signal = Signal()
  func open() { signal.fire() }
  func wait() async { _ = await Signalled(signal).value() }
}
