import Fibers
import TestSupport
import Testing

private struct Boom: Error, Equatable { let number: Int }

/// Runs `body` in a fiber of a new runtime and returns its result.
func inFiber<Value>(_ body: @escaping () throws -> Value) throws -> Value {
  let runtime = try FiberRuntime()
  let fiber = try runtime.spawn(body)
  try runtime.run()
  return try fiber.join()
}

@Suite("Scopes")
struct ScopeTests {
  @Test("Children have ended when the scope returns", arguments: [0, 1, 2, 100])
  func childrenEnd(children: Int) throws {
    let counter = LocalCounter()
    let result = try inFiber {
      let result = try withFiberScope { scope in
        for id in 0..<children {
          try scope.spawn {
            for _ in 0..<id % 7 { try Fiber.yield() }
            counter.value += 1
          }
        }
        return "result"
      }
      #expect(counter.value == children)
      return result
    }
    #expect(result == "result")
  }

  @Test("The first error cancels the other children and is thrown")
  func firstError() throws {
    let log = Log()
    #expect(throws: Boom(number: 1)) {
      try inFiber {
        try withFiberScope { scope in
          for id in 0..<4 {
            try scope.spawn {
              do {
                for _ in 0..<5 { try Fiber.yield() }
                log.add("finished \(id)")
              } catch {
                log.add("cancelled \(id)")
                throw error
              }
            }
          }
          try scope.spawn { throw Boom(number: 1) }
          try scope.spawn {
            try Fiber.yield()
            throw Boom(number: 2)
          }
        }
      }
    }
    #expect(log.entries.sorted() == (0..<4).map { "cancelled \($0)" })
  }

  @Test("An error of the body cancels the children and is thrown after their end")
  func bodyError() throws {
    let log = Log()
    #expect(throws: Boom(number: 9)) {
      try inFiber {
        try withFiberScope { scope in
          try scope.spawn {
            defer { log.add("child ended") }
            try Fiber.park { _ in }
          }
          try Fiber.yield()
          throw Boom(number: 9)
        }
      }
    }
    #expect(log.entries == ["child ended"])
  }

  @Test("Cancelling the fiber of a scope cancels its children")
  func outerCancel() throws {
    let runtime = try FiberRuntime()
    let log = Log()
    let outer = try runtime.spawn {
      try withFiberScope { scope in
        for id in 0..<3 {
          try scope.spawn {
            defer { log.add("child \(id) ended") }
            try Fiber.park { _ in }
          }
        }
      }
    }
    try runtime.spawn {
      try Fiber.yield()
      outer.cancel()
    }
    try runtime.run()
    #expect(throws: FiberCancelled.self) { try outer.join() }
    #expect(log.entries.count == 3)
  }

  @Test("A child may spawn more children; a scope may be inside a scope")
  func nested() throws {
    let counter = LocalCounter()
    try inFiber {
      try withFiberScope { scope in
        for _ in 0..<10 {
          try scope.spawn {
            try scope.spawn { counter.value += 1 }
            try withFiberScope { inner in
              try inner.spawn { counter.value += 1 }
            }
            counter.value += 1
          }
        }
      }
      #expect(counter.value == 30)
    }
  }

  @Test("cancel() ends the children without an error of the scope")
  func scopeCancel() throws {
    let value = try inFiber {
      try withFiberScope { scope in
        for _ in 0..<3 { try scope.spawn { try Fiber.park { _ in } } }
        try Fiber.yield()
        scope.cancel()
        return 5
      }
    }
    #expect(value == 5)
  }
}

@Suite("Fiber-local values")
struct FiberLocalTests {
  static let number = FiberLocal(default: 0)
  static let text = FiberLocal(default: "default")

  @Test("Each fiber has its own value, whatever the others do")
  func ownValues() throws {
    let runtime = try FiberRuntime()
    let fibers = try (1...5).map { id in
      try runtime.spawn {
        try Self.number.withValue(id) {
          for _ in 0..<id { try Fiber.yield() }
          return Self.number.value
        }
      }
    }
    try runtime.run()
    #expect(try fibers.map { try $0.join() } == [1, 2, 3, 4, 5])
    #expect(Self.number.value == 0)
  }

  @Test("Bindings nest, end with their call, and are inherited at the spawn")
  func nestAndInherit() throws {
    let log = try inFiber {
      var log = ["\(Self.number.value) \(Self.text.value)"]
      let child = try Self.number.withValue(1) {
        try Self.text.withValue("inner") {
          Self.number.withValue(2) { log.append("\(Self.number.value) \(Self.text.value)") }
          return try Fiber.spawn { "\(Self.number.value) \(Self.text.value)" }
        }
      }
      log.append("\(Self.number.value) \(Self.text.value)")
      log.append(try child.join())
      return log
    }
    #expect(log == ["0 default", "2 inner", "0 default", "1 inner"])
  }
}
