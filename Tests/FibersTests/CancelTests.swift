import Fibers
import TestSupport
import Testing

@Suite("Cancelling")
struct CancelTests {
  /// Each way to suspend, by name.
  enum Suspension: String, CaseIterable {
    case yield, join, park

    func suspend(_ gate: Fiber<Void, any Error>) throws {
      switch self {
      case .yield: try Fiber.yield()
      case .join: try gate.join()
      case .park: try Fiber.park { _ in }
      }
    }
  }

  @Test("The suspension a fiber is in throws", arguments: Suspension.allCases)
  func current(suspension: Suspension) throws {
    let runtime = try FiberRuntime()
    let gate = try runtime.spawn { while true { try Fiber.yield() } }
    let fiber = try runtime.spawn { try suspension.suspend(gate) }
    try runtime.spawn {
      fiber.cancel()
      #expect(fiber.isCancelled)
      #expect(throws: FiberCancelled.self) { try fiber.join() }
      gate.cancel()
    }
    try runtime.run()
    #expect(throws: FiberCancelled.self) { try fiber.join() }
  }

  @Test("The next suspension throws when the fiber runs", arguments: Suspension.allCases)
  func next(suspension: Suspension) throws {
    let runtime = try FiberRuntime()
    let gate = try runtime.spawn { try Fiber.yield() }
    let log = Log()
    let fiber = try runtime.spawn {
      Fiber.current?.cancel()
      log.add("before")
      try suspension.suspend(gate)
      log.add("after")
    }
    try runtime.run()
    #expect(throws: FiberCancelled.self) { try fiber.join() }
    #expect(log.entries == ["before"])
  }

  @Test("One cancel is one error: cleaning up may suspend", arguments: Suspension.allCases)
  func once(suspension: Suspension) throws {
    let runtime = try FiberRuntime()
    let gate = try runtime.spawn { for _ in 0..<5 { try Fiber.yield() } }
    let fiber = try runtime.spawn {
      do {
        try suspension.suspend(gate)
        return "not cancelled"
      } catch {
        try Fiber.yield()
        try gate.join()
        return "cleaned up"
      }
    }
    fiber.cancel()
    fiber.cancel()
    try runtime.run()
    #expect(try fiber.join() == "cleaned up")
  }

  @Test("Cancelling a fiber that has ended does nothing")
  func ended() throws {
    let runtime = try FiberRuntime()
    let fiber = try runtime.spawn { 5 }
    try runtime.run()
    fiber.cancel()
    #expect(!fiber.isCancelled)
    #expect(try fiber.join() == 5)
  }

  @Test("A fiber cancelled before its start runs up to its first suspension")
  func unstarted() throws {
    let runtime = try FiberRuntime()
    let log = Log()
    let fiber = try runtime.spawn {
      log.add("ran")
      try Fiber.yield()
      log.add("went on")
    }
    fiber.cancel()
    try runtime.run()
    #expect(log.entries == ["ran"])
    #expect(throws: FiberCancelled.self) { try fiber.join() }
  }

  @Test("A shield holds the cancellation back until after it", arguments: Suspension.allCases)
  func shield(suspension: Suspension) throws {
    let runtime = try FiberRuntime()
    let log = Log()
    var waker: FiberWaker?
    let gate = try runtime.spawn { for _ in 0..<3 { try Fiber.yield() } }
    let fiber = try runtime.spawn {
      try Fiber.shield {
        try Fiber.shield { try Fiber.yield() }
        if suspension == .park {
          try Fiber.park { waker = $0 }
        } else {
          try suspension.suspend(gate)
        }
        log.add("end of shield")
      }
      log.add("outside")
      try Fiber.yield()
      log.add("never")
    }
    try runtime.spawn {
      try Fiber.yield()
      fiber.cancel()
      try gate.join()
      waker?.wake()
    }
    try runtime.run()
    #expect(log.entries == ["end of shield", "outside"])
    #expect(throws: FiberCancelled.self) { try fiber.join() }
  }

  @Test(
    "A cancelled joiner leaves; the others and the joined fiber go on", arguments: [0, 1, 2, 4])
  func joinerLeaves(victim: Int) throws {
    let runtime = try FiberRuntime()
    let target = try runtime.spawn {
      for _ in 0..<4 { try Fiber.yield() }
      return 7
    }
    let joiners = try (0..<5).map { _ in try runtime.spawn { try target.join() } }
    try runtime.spawn { joiners[victim].cancel() }
    try runtime.run()
    #expect(try target.join() == 7)
    for (index, joiner) in joiners.enumerated() {
      if index == victim {
        #expect(throws: FiberCancelled.self) { try joiner.join() }
      } else {
        #expect(try joiner.join() == 7)
      }
    }
  }

  @Test("A wake that came first counts; the cancellation waits for the next suspension")
  func wakeFirst() throws {
    let runtime = try FiberRuntime()
    let log = Log()
    var waker: FiberWaker?
    let fiber = try runtime.spawn {
      try Fiber.park { waker = $0 }
      log.add("woken")
      try Fiber.yield()
    }
    try runtime.spawn {
      #expect(waker?.wake() == true)
      fiber.cancel()
    }
    try runtime.run()
    #expect(log.entries == ["woken"])
    #expect(throws: FiberCancelled.self) { try fiber.join() }
  }

  @Test("A cancellation that came first counts; the waker then does nothing")
  func cancelFirst() throws {
    let runtime = try FiberRuntime()
    var waker: FiberWaker?
    let fiber = try runtime.spawn { try Fiber.park { waker = $0 } }
    try runtime.spawn {
      fiber.cancel()
      #expect(waker?.wake() == false)
    }
    try runtime.run()
    #expect(throws: FiberCancelled.self) { try fiber.join() }
  }

  @Test("checkCancellation delivers what is pending, once")
  func check() throws {
    let runtime = try FiberRuntime()
    let fiber = try runtime.spawn { () throws -> Int in
      try Fiber.checkCancellation()
      Fiber.current?.cancel()
      do { try Fiber.checkCancellation() } catch { try Fiber.checkCancellation() }
      return 1
    }
    try runtime.run()
    #expect(try fiber.join() == 1)
  }

  @Test("A fiber that ignores a cancellation still joins")
  func ignored() throws {
    let runtime = try FiberRuntime()
    let fiber = try runtime.spawn {
      for _ in 0..<5 { try? Fiber.yield() }
      return "stubborn"
    }
    fiber.cancel()
    #expect(try fiber.join() == "stubborn")
    #expect(fiber.isCancelled)
  }

  @Test("Shutdown cancels what is left and runs it to its end, over and over if need be")
  func shutdown() throws {
    let runtime = try FiberRuntime()
    let log = Log()
    let never = try runtime.spawn { try Fiber.park { _ in } }
    for id in 0..<3 {
      try runtime.spawn {
        defer { log.add("end \(id)") }
        for _ in 0..<id { try? Fiber.park { _ in } }
        try never.join()
      }
    }
    try runtime.spawn { log.add("not started before") }
    runtime.shutdown()
    #expect(runtime.aliveCount == 0)
    #expect(log.entries.sorted() == ["end 0", "end 1", "end 2", "not started before"])
    #expect(throws: FiberError.runtimeClosed) { try runtime.spawn {} }
    runtime.shutdown()
  }
}
