import Fibers
import Glibc
import TestSupport
import Testing
import VDM

@Suite("I/O: with movers, tasks and other runtimes")
struct IOBridgeTests {
  @Test("Read, copied by a mover's thread, written back, while others progress")
  func mover() throws {
    let mover = try ThreadMover()
    defer { mover.shutdown() }
    try inFibers {
      let (client, server) = try tcpPair { (Held($0), Held($1)) }
      let data = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 13 &+ $0 >> 9) }
      let copier = try Fiber.spawn {
        let from = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 64)
        let to = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 64)
        defer {
          from.deallocate()
          to.deallocate()
        }
        guard let source = from.baseAddress, let target = to.baseAddress else { return 0 }
        var copies = 0
        while case let count = try server.reference.read(into: from), count > 0 {
          memset(target, 0, count)
          _ = mover.memcpy(to: target, from: UnsafeRawPointer(source), byteCount: count).value()
          copies += 1
          try server.reference.writeAll(UnsafeRawBufferPointer(rebasing: to[..<count]))
        }
        return copies
      }
      var turns = 0
      let other = try Fiber.spawn {
        while true {
          try Fiber.yield()
          turns += 1
        }
      }
      let sender = try Fiber.spawn {
        try client.reference.writeAll(data)
        try client.reference.shutdown(.write)
      }
      var back = [UInt8](repeating: 0, count: data.count)
      #expect(try client.reference.readAll(into: &back) == data.count)
      #expect(back == data)
      try sender.join()
      #expect(try copier.join() > 0)
      #expect(turns > 10)
      other.cancel()
    }
  }

  @Test("Tasks have their sockets served by a runtime, many at once; a cancelled one lets go")
  func tasks() async throws {
    let served = ServedRuntime()
    let port = Guarded<SocketAddress?>(nil)
    try served.remote.spawn {
      do {
        let listener = try IOHandle.listen(on: .loopback(port: 0))
        let address = try listener.localAddress
        port.withLock { $0 = address }
        for _ in 0..<40 {
          try Fiber.spawn(consuming: try listener.accept()) { connection in
            while case let text = try connection.text(), !text.isEmpty {
              try connection.writeAll(bytes(text))
            }
          }
        }
      } catch {
        Issue.record("\(error)")
      }
    }
    await eventually { port.withLock { $0 } != nil }
    guard let address = port.withLock({ $0 }) else { return }
    let answers = try await withThrowingTaskGroup(of: String.self) { group in
      for number in 0..<40 {
        group.addTask {
          try await served.remote.run {
            let connection = try IOHandle.connect(to: address)
            try connection.writeAll(bytes("\(number)"))
            return try connection.text()
          }
        }
      }
      var answers: Set<String> = []
      for try await answer in group { answers.insert(answer) }
      return answers
    }
    #expect(answers == Set((0..<40).map(String.init)))
    let hasBegun = Flag()
    let waiting = Task {
      try await served.remote.run {
        let pair = try IOHandle.socketPair()
        hasBegun.raise()
        return try pair.first.text()
      }
    }
    await eventually { hasBegun.isRaised }
    waiting.cancel()
    await #expect(throws: (any Error).self) { try await waiting.value }
    #expect(await served.stopped() == 0)
  }

  @Test("A channel between two runtimes on two threads, each doing socket I/O for each element")
  func channel() throws {
    let count = isSanitized ? 500 : 5000
    let channel = SharedChannel<Int>(capacity: 8)
    /// Sends `number` through a socket to another fiber of the runtime and back.
    @Sendable func around(_ number: Int, _ socket: IOReference) throws -> Int {
      try withUnsafeBytes(of: number) { try socket.writeAll($0) }
      var back = 0
      let got = try withUnsafeMutableBytes(of: &back) { try socket.readAll(into: $0) }
      return got == 8 ? back : -1
    }
    /// Runs `body` with a socket whose other end sends back what it gets.
    @Sendable func withEcho<Value: Sendable>(
      _ body: @escaping @Sendable (IOReference) throws -> Value
    ) -> Value? {
      try? inFibers {
        let (near, far) = try Held.socketPair()
        let echo = try Fiber.spawn {
          var room = [UInt8](repeating: 0, count: 64)
          while case let got = try far.reference.read(into: &room), got > 0 {
            try far.reference.writeAll(room[..<got])
          }
        }
        let value = try body(near.reference)
        try near.close()
        try echo.join()
        return value
      }
    }
    let sender = OwnThread {
      withEcho { socket in
        defer { channel.close() }
        for number in 0..<count { try channel.send(try around(number, socket)) }
        return true
      }
    }
    let receiver = OwnThread {
      withEcho { socket in
        var expected = 0
        while let number = try channel.receive() {
          guard try around(number, socket) == expected else { return -1 }
          expected += 1
        }
        return expected
      }
    }
    #expect(sender.wait() == true)
    #expect(receiver.wait() == count)
  }
}
