import Fibers
import TestSupport
import Testing

/// What a process that trapped said on standard error.
private func said(_ result: ExitTest.Result?, _ words: String...) -> Bool {
  guard let result else { return false }
  let text = String(decoding: result.standardErrorContent, as: UTF8.self)
  return words.allSatisfy { text.contains($0) }
}

@Suite("Stack overflow reports")
struct OverflowDeathTests {
  @Test("An overflow names the fiber, its spawn site, its size and what to raise")
  func main() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      try synchronously {
        let runtime = try FiberRuntime()
        try runtime.spawn(name: "digger") { _ = useStack(kilobytes: 10_000) }
        try runtime.run()
      }
    }
    #expect(
      said(
        result, "stack overflow in fiber 'digger'", "FibersTests/DeathTests.swift:", "64 KiB",
        "stackByteCount"))
  }

  @Test("The same on a thread that is not the first")
  func otherThread() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      try synchronously {
        onOwnThread {
          do {
            let runtime = try FiberRuntime()
            try runtime.spawn(name: "digger 2") { _ = useStack(kilobytes: 10_000) }
            try runtime.run()
          } catch {}
        }
      }
    }
    #expect(said(result, "stack overflow in fiber 'digger 2'"))
  }

  @Test("The same when another runtime of the thread is gone, the one made first")
  func secondRuntime() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      try synchronously {
        onOwnThread {
          do {
            var first: FiberRuntime? = try FiberRuntime()
            let second = try FiberRuntime()
            try first?.run()
            first = nil
            try second.spawn(name: "digger 5") { _ = useStack(kilobytes: 10_000) }
            try second.run()
          } catch {}
        }
      }
    }
    #expect(said(result, "stack overflow in fiber 'digger 5'"))
  }

  @Test("The same on a stack that was used before, by the fiber that has it now")
  func reusedStack() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      try synchronously {
        let runtime = try FiberRuntime()
        for round in 0..<3 {
          try runtime.spawn(name: "user \(round)") {
            _ = useStack(kilobytes: 20)
            try Fiber.yield()
          }
          try runtime.run()
          runtime.trimStacks()
        }
        precondition(runtime.stackStatistics().idle == 1)
        try runtime.spawn(name: "digger 3") {
          try Fiber.yield()
          _ = useStack(kilobytes: 10_000)
        }
        try runtime.run()
      }
    }
    #expect(said(result, "stack overflow in fiber 'digger 3'"))
  }

  @Test("The guard of mprotect works the same way, twice on the same stack in two processes")
  func protectGuards() async {
    for _ in 0..<2 {
      let result = await #expect(
        processExitsWith: .failure, observing: [\.standardErrorContent]
      ) {
        try synchronously {
          var configuration = FiberRuntime.Configuration()
          configuration.stackGuard = .protect
          let runtime = try FiberRuntime(configuration)
          try runtime.spawn { _ = useStack(kilobytes: 8) }
          try runtime.run()
          try runtime.spawn { _ = useStack(kilobytes: 10_000) }
          try runtime.run()
        }
      }
      #expect(said(result, "stack overflow in fiber spawned at FibersTests/DeathTests.swift:"))
    }
  }

  @Test("A fault that is no overflow goes to the handler that was there before")
  func otherFault() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      try synchronously {
        let runtime = try FiberRuntime()
        try runtime.spawn { UnsafeMutablePointer<Int>(bitPattern: 64)?.pointee = 1 }
        try runtime.run()
      }
    }
    #expect(!said(result, "stack overflow"))
  }
}

@Suite("Misuse traps with a message")
struct MisuseDeathTests {
  @Test("A shutdown does not wait for ever for a fiber that only yields")
  func endlessYields() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      try synchronously {
        let runtime = try FiberRuntime()
        try runtime.spawn(name: "deaf") { while true { try? Fiber.yield() } }
        runtime.shutdown()
      }
    }
    #expect(said(result, "FiberRuntime.shutdown: fibers go on", "'deaf'"))
  }

  @Test("yield, park, shield and the like outside of a fiber")
  func outside() async {
    let yield = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      try synchronously { try Fiber.yield() }
    }
    #expect(said(yield, "Fiber.yield: called outside of a fiber"))
    let park = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      try synchronously { try Fiber.park { _ in } }
    }
    #expect(said(park, "Fiber.park: called outside of a fiber"))
    let shield = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      try synchronously { Fiber.shield {} }
    }
    #expect(said(shield, "Fiber.shield: called outside of a fiber"))
    let local = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      try synchronously { FiberLocalTests.number.withValue(1) {} }
    }
    #expect(said(local, "FiberLocal.withValue: called outside of a fiber"))
    let scope = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      try synchronously { try withFiberScope { _ in } }
    }
    #expect(said(scope, "withFiberScope: called outside of a fiber"))
    let check = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      try synchronously { try Fiber.checkCancellation() }
    }
    #expect(said(check, "Fiber.checkCancellation: called outside of a fiber"))
  }

  @Test("A runtime used by another thread")
  func wrongThread() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      try synchronously {
        let runtime = try FiberRuntime()
        nonisolated(unsafe) let smuggled = runtime  // what the compiler forbids otherwise
        onOwnThread { try? smuggled.run() }
      }
    }
    #expect(said(result, "FiberRuntime.run: called from another thread", "FiberRemote"))
  }

  @Test("A runtime run by its own fiber")
  func nestedRun() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      try synchronously {
        let runtime = try FiberRuntime()
        try runtime.spawn { try? runtime.run() }
        try runtime.run()
      }
    }
    #expect(said(result, "FiberRuntime.run: this runtime is running already"))
  }

  @Test("A fiber that joins itself, or one of another runtime")
  func joins() async {
    let itself = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      try synchronously {
        let runtime = try FiberRuntime()
        var me: Fiber<Void, any Error>?
        me = try runtime.spawn { try me?.join() }
        try runtime.run()
      }
    }
    #expect(said(itself, "Fiber.join: a fiber cannot wait for its own end"))
    let foreign = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      try synchronously {
        let runtime = try FiberRuntime()
        let second = try FiberRuntime()
        let other = try second.spawn {}
        try runtime.spawn { try other.join() }
        withExtendedLifetime(second) { try? runtime.run() }
      }
    }
    #expect(said(foreign, "Fiber.join: called by a fiber of another runtime"))
  }

  @Test("A join outside of fibers that could never return")
  func deadlock() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      try synchronously {
        let runtime = try FiberRuntime()
        var second: Fiber<Void, any Error>?
        let first = try runtime.spawn {
          try Fiber.yield()
          try second?.join()
        }
        second = try runtime.spawn { try first.join() }
        try first.join()
      }
    }
    #expect(said(result, "Fiber.join: would never return"))
  }

  @Test("Bad sizes, and a spawn into a scope that has ended")
  func badArguments() async {
    let size = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      try synchronously { try FiberRuntime().spawn(stack: .bytes(0)) {} }
    }
    #expect(said(size, "Fiber.spawn: a stack needs more than 0 bytes"))
    let capacity = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      try synchronously {
        var configuration = FiberRuntime.Configuration()
        configuration.fiberCapacity = 0
        _ = try FiberRuntime(configuration)
      }
    }
    #expect(said(capacity, "FiberRuntime: capacities and sizes"))
    let scope = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      try synchronously {
        let runtime = try FiberRuntime()
        try runtime.spawn {
          var escaped: FiberScope?
          try withFiberScope { escaped = $0 }
          try escaped?.spawn {}
        }
        .detach()
        try runtime.run()
      }
    }
    #expect(said(scope, "FiberScope.spawn: the scope has ended"))
  }

  @Test("A shutdown that a fiber in a shield would hold up for ever")
  func stubborn() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      try synchronously {
        let runtime = try FiberRuntime()
        try runtime.spawn(name: "mule") { while true { try? Fiber.park { _ in } } }
        runtime.shutdown()
      }
    }
    #expect(said(result, "FiberRuntime.shutdown", "'mule'"))
  }

  @Test("A park inside the closure of another park")
  func parkInPark() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      try synchronously {
        let runtime = try FiberRuntime()
        try runtime.spawn { try Fiber.park { _ in try? Fiber.park { _ in } } }
        try runtime.run()
      }
    }
    #expect(said(result, "Fiber.park: called inside the closure given to another park"))
  }
}
