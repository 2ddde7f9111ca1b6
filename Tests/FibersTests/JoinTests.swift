import Fibers
import TestSupport
import Testing

private struct Boom: Error, Equatable { let number: Int }

@Suite("Joining")
struct JoinTests {
  @Test("Any number of fibers join before, while and after the end", arguments: [0, 1, 2, 100])
  func manyJoiners(joiners: Int) throws {
    let runtime = try FiberRuntime()
    let counter = LocalCounter()
    let target = try runtime.spawn {
      try Fiber.yield()
      try Fiber.yield()
      return 42
    }
    for _ in 0..<joiners {
      try runtime.spawn { counter.value += try target.join() }
    }
    try runtime.run()
    #expect(counter.value == 42 * joiners)
    try runtime.spawn { counter.value += try target.join() }
    try runtime.run()
    #expect(counter.value == 42 * (joiners + 1))
  }

  @Test("Each joiner gets the error that the fiber threw")
  func errorRethrown() throws {
    let runtime = try FiberRuntime()
    let target = try runtime.spawn { () throws(Boom) -> Int in throw Boom(number: 7) }
    let joiner = try runtime.spawn { try target.join() }
    try runtime.run()
    #expect(throws: Boom(number: 7)) { try joiner.join() }
    #expect(throws: Boom(number: 7)) { try target.join() }
    #expect(try target.result() == .failure(Boom(number: 7)))
  }

  @Test("A join outside of a fiber runs the runtime until the end of that fiber")
  func joinFromThread() throws {
    let runtime = try FiberRuntime()
    let log = Log()
    try runtime.spawn {
      for turn in 0..<5 {
        log.add("other \(turn)")
        try Fiber.yield()
      }
    }
    let target = try runtime.spawn {
      try Fiber.yield()
      return 3
    }
    #expect(try target.join() == 3)
    #expect(log.entries == ["other 0", "other 1", "other 2"])
    #expect(runtime.aliveCount == 1)
    try runtime.run()
    #expect(log.entries.count == 5)
  }

  @Test("A fiber that cannot fail is joined without an error of its own")
  func neverFails() throws {
    let runtime = try FiberRuntime()
    let text = try runtime.spawn { String(repeating: "long enough for the heap ", count: 4) }
    try runtime.run()
    let joined: String = try text.join()
    #expect(joined.count == 100)
  }

  @Test("Results of any size and alignment come back")
  func resultsOfAnyShape() throws {
    let runtime = try FiberRuntime()
    let nothing = try runtime.spawn {}
    let byte = try runtime.spawn { UInt8(200) }
    let wide = try runtime.spawn { SIMD16<Float>(repeating: 1.5) }
    let large = try runtime.spawn { (0, "a", 1.5, [1, 2, 3], "b", 9) }
    try runtime.run()
    try nothing.join()
    #expect(try byte.join() == 200)
    #expect(try wide.join() == SIMD16(repeating: 1.5))
    let result = try large.join()
    #expect(result.3 == [1, 2, 3] && result.5 == 9)
  }

  @Test("Results and closures die with the last handle, detached or not")
  func nothingLeaks() throws {
    final class Token {
      let counter: LocalCounter
      init(_ counter: LocalCounter) {
        self.counter = counter
        counter.value += 1
      }
      deinit { counter.value -= 1 }
    }
    let counter = LocalCounter()
    do {
      let runtime = try FiberRuntime()
      let captured = Token(counter)
      let kept = try runtime.spawn {
        try Fiber.yield()
        return withExtendedLifetime(captured) { Token(counter) }
      }
      try runtime.spawn { Token(counter) }.detach()
      #expect(counter.value == 1)
      try runtime.run()
      #expect(counter.value == 2)
      #expect(kept.status == .finished)
      _ = try runtime.spawn { Token(counter) }
      #expect(try kept.join().counter.value == 2)
    }
    #expect(counter.value == 0)
  }

  @Test("The status tells each station of a life")
  func status() throws {
    let runtime = try FiberRuntime()
    let gate = try runtime.spawn { for _ in 0..<3 { try Fiber.yield() } }
    let fiber = try runtime.spawn(name: "watched") { () throws -> FiberStatus? in
      let status = Fiber.current?.status
      try gate.join()
      return status
    }
    #expect(fiber.status == .unstarted)
    #expect(fiber.name == "watched")
    try runtime.spawn {
      #expect(fiber.status == .parked)
      #expect(gate.status == .ready)
    }
    try runtime.run()
    #expect(fiber.status == .finished)
    #expect(try fiber.join() == .running)
  }
}
