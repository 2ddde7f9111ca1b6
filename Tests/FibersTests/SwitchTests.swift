import Fibers
import TestSupport
import Testing

private struct Boom: Error, Equatable { let number: Int }

/// Counts how many live.
private final class Tracked {
  let counter: LocalCounter
  init(_ counter: LocalCounter) {
    self.counter = counter
    counter.value += 1
  }
  deinit { counter.value -= 1 }
}

@Suite("Switching between fibers")
struct SwitchTests {
  @Test("Two fibers take turns, in the order of their spawns")
  func takeTurns() throws {
    let runtime = try FiberRuntime()
    let log = Log()
    for name in ["a", "b"] {
      try runtime.spawn {
        for number in 0..<3 {
          log.add("\(name)\(number)")
          try Fiber.yield()
        }
      }
    }
    try runtime.run()
    #expect(log.entries == ["a0", "b0", "a1", "b1", "a2", "b2"])
  }

  @Test("Locals, errors and references survive any number of switches", arguments: [1, 2, 17, 300])
  func survives(fibers: Int) throws {
    let runtime = try FiberRuntime()
    let counter = LocalCounter()
    var handles: [Fiber<Double, any Error>] = []
    for id in 0..<fibers {
      handles.append(
        try runtime.spawn {
          let object = Tracked(counter)
          var sum = Double(id)
          var numbers = [id]
          for step in 0..<20 {
            sum = sum * 1.5 + Double(step)
            try Fiber.yield()
            numbers.append(step)
          }
          if id % 3 == 2 { throw Boom(number: numbers.count) }
          return withExtendedLifetime(object) { sum }
        })
    }
    try runtime.run()
    #expect(counter.value == 0)
    for (id, fiber) in handles.enumerated() {
      if id % 3 == 2 {
        #expect(throws: Boom(number: 21)) { try fiber.join() }
      } else {
        var sum = Double(id)
        for step in 0..<20 { sum = sum * 1.5 + Double(step) }
        #expect(try fiber.join() == sum)
      }
    }
  }

  @Test("Vector and floating-point values live across a switch stay what they were")
  func vectorsSurvive() throws {
    let runtime = try FiberRuntime()
    var results: [Fiber<SIMD8<Double>, any Error>] = []
    for id in 0..<4 {
      results.append(
        try runtime.spawn {
          var a = SIMD8<Double>(repeating: Double(id + 1))
          var b = SIMD8<Double>(0, 1, 2, 3, 4, 5, 6, 7) * Double(id)
          for _ in 0..<10 {
            a += b
            try Fiber.yield()
            b = a - b
            try Fiber.yield()
          }
          return a + b
        })
    }
    try runtime.run()
    for (id, fiber) in results.enumerated() {
      var a = SIMD8<Double>(repeating: Double(id + 1))
      var b = SIMD8<Double>(0, 1, 2, 3, 4, 5, 6, 7) * Double(id)
      for _ in 0..<10 {
        a += b
        b = a - b
      }
      #expect(try fiber.join() == a + b)
    }
  }

  @Test("A deep recursion that suspends at the bottom comes back through every frame")
  func deepRecursion() throws {
    let runtime = try FiberRuntime()
    func depth(_ n: Int) throws -> Int {
      if n == 0 {
        try Fiber.yield()
        return 0
      }
      return try depth(n - 1) + 1
    }
    let fibers = try (0..<8).map { _ in try runtime.spawn { try depth(50) } }
    try runtime.run()
    for fiber in fibers { #expect(try fiber.join() == 50) }
  }

  @Test("Fibers run the same way on a thread that is not the first")
  func otherThread() {
    let log = onOwnThread {
      do {
        let runtime = try FiberRuntime()
        var log: [Int] = []
        for id in 0..<3 {
          try runtime.spawn {
            log.append(id)
            try Fiber.yield()
            log.append(10 + id)
          }
        }
        try runtime.run()
        return log
      } catch {
        return []
      }
    }
    #expect(log == [0, 1, 2, 10, 11, 12])
  }
}
