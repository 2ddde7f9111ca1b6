import Fibers
import Glibc
import TestSupport
import Testing

@Suite("I/O: waits that are cut short")
struct IOWaitTests {
  /// An operation that waits, what makes it ready, and what it leaves behind when it is cut short.
  struct Wait: CustomTestStringConvertible, Sendable {
    let testDescription: String
    /// Makes what the operation works on.
    let make: @Sendable (Watch) throws -> Case
  }

  /// One operation on handles of its own.
  struct Case {
    /// Waits; returns what was moved.
    let wait: () throws -> String
    /// Lets the wait end with `expected`.
    let wake: () throws -> Void
    let close: () throws -> Void
    let expected: String
    /// What the operation gives after it was woken and cut short at once, when nothing was lost.
    let again: () throws -> String
  }

  private static func reading(
    _ name: String, _ make: @escaping @Sendable (Watch) throws -> (Held, Held),
    _ read: @escaping @Sendable (IOReference) throws -> String
  ) -> Wait {
    Wait(testDescription: name) { watch in
      let (near, far) = try make(watch)
      let wait = { try read(near.reference) }
      return Case(
        wait: wait, wake: { try far.reference.writeAll(bytes("data")) },
        close: { try near.close() },
        expected: "data", again: wait)
    }
  }

  private static let waits: [Wait] = [
    reading("read a socket", { try Held.socketPair($0) }, { try $0.text() }),
    reading("read a pipe", { try Held.pipe($0) }, { try $0.text() }),
    reading(
      "read TCP", { watch in try tcpPair(watch) { (Held($0), Held($1)) } }, { try $0.text() }),
    reading("readv", { try Held.socketPair($0) }, { try readvText($0) }),
    Wait(testDescription: "accept") { watch in
      let listener = Held(try .listen(on: .loopback(port: 0)))
      watch.add(listener.reference)
      let address = try listener.reference.localAddress
      let clients = Box<[Held]>([])
      let wait = {
        let handle = try listener.reference.accept()
        watch.add(handle.reference)
        #expect(try handle.localAddress == address)
        return "client"
      }
      return Case(
        wait: wait,
        wake: {
          clients.value.append(Held(try .connect(to: address)))
          watch.add(clients.value[0].reference)
        }, close: { try listener.close() }, expected: "client", again: wait)
    },
    Wait(testDescription: "receive") { watch in
      let (near, far) = (
        Held(try .datagram(on: .loopback(port: 0))), Held(try .datagram(on: .loopback(port: 0)))
      )
      let address = try near.reference.localAddress
      let wait = {
        var room = [UInt8](repeating: 0, count: 9)
        let got = try near.reference.receive(into: &room)
        return String(decoding: room[..<got.byteCount], as: UTF8.self)
      }
      return Case(
        wait: wait, wake: { try far.reference.send(bytes("data"), to: address) },
        close: { try near.close() }, expected: "data", again: wait)
    },
    writing("write a socket", { try Held.socketPair($0) }),
    writing(
      "write a pipe",
      { watch in
        let (reader, writer) = try Held.pipe(watch)
        return (writer, reader)
      }),
  ]

  private static func readvText(_ reference: IOReference) throws -> String {
    var room = [UInt8](repeating: 0, count: 9)
    let count = try room.withUnsafeMutableBytes { try reference.readv(into: [$0]) }
    return String(decoding: room[..<count], as: UTF8.self)
  }

  /// Fills the way to the other end first; what counts then is one byte more.
  private static func writing(
    _ name: String, _ make: @escaping @Sendable (Watch) throws -> (Held, Held)
  ) -> Wait {
    Wait(testDescription: name) { watch in
      let (near, far) = try make(watch)
      let number = try near.reference.descriptor
      let block = [UInt8](repeating: 1, count: 65536)
      var filled = 0
      while case let count = Glibc.write(number, block, block.count), count > 0 { filled += count }
      while Glibc.write(number, block, 1) == 1 { filled += 1 }
      let wait = { try near.reference.write([7]) == 1 ? "written" : "?" }
      return Case(
        wait: wait,
        wake: {
          var room = [UInt8](repeating: 0, count: filled)
          _ = try far.reference.readAll(into: &room)
          #expect(room.allSatisfy { $0 == 1 })
        }, close: { try near.close() }, expected: "written",
        again: {
          // Exactly one byte of ours comes out: the cut one has written nothing.
          let text = try wait()
          var room = [UInt8](repeating: 0, count: 10)
          #expect(try far.reference.read(into: &room) == 1 && room[0] == 7)
          return text
        })
    }
  }

  private func watched(_ body: @escaping (Watch) throws -> Void) throws {
    let watch = Watch()
    try inFibers { try body(watch) }
    #expect(watch.openCount == 0)
  }

  private func parked(_ one: Case) throws -> Fiber<String, any Error> {
    let fiber = try Fiber.spawn { try one.wait() }
    try untilParked(fiber)
    return fiber
  }

  @Test("Cancelled while parked: the next one gets what comes then", arguments: waits)
  func cancelled(wait: Wait) throws {
    try watched { watch in
      let one = try wait.make(watch)
      for _ in 0..<3 {
        let fiber = try parked(one)
        fiber.cancel()
        #expect(throws: IOError.cancelled(FiberCancelled(.cancel))) { try fiber.join() }
      }
      try one.wake()
      #expect(try one.again() == one.expected)
    }
  }

  @Test("The deadline passes while parked", arguments: waits)
  func deadline(wait: Wait) throws {
    try watched { watch in
      let one = try wait.make(watch)
      for _ in 0..<3 {
        let instant = FiberClock.now.advanced(by: .microseconds(200))
        let error = #expect(throws: DeadlineExceeded.self) {
          try Fiber.withDeadline(instant) { try one.wait() }
        }
        #expect(error?.deadline == instant)
      }
      try one.wake()
      #expect(try one.again() == one.expected)
    }
  }

  @Test("A deadline in the past: throws without waiting, but takes what is there", arguments: waits)
  func past(wait: Wait) throws {
    try watched { watch in
      let one = try wait.make(watch)
      let idle = try Held.socketPair(watch)
      let instant = FiberClock.now
      for _ in 0..<3 {
        let cut = { try Fiber.withDeadline(instant) { try one.wait() } }
        #expect(throws: DeadlineExceeded.self) { try cut() }
      }
      try one.wake()
      // A turn for the others is due after a few calls, and would throw: count from here.
      let reference = idle.0.reference
      _ = try? Fiber.withDeadline(instant) { try reference.text() }
      let text = try Fiber.withDeadline(instant) { try one.again() }
      #expect(text == one.expected)
    }
  }

  @Test(
    "Made ready and cancelled in the same turn, in both orders: nothing is lost", arguments: waits)
  func wokenAndCancelled(wait: Wait) throws {
    try watched { watch in
      for isFirst in [true, false] {
        let one = try wait.make(watch)
        let fiber = try parked(one)
        if isFirst { fiber.cancel() }
        try one.wake()
        if !isFirst { fiber.cancel() }
        // Either it was cancelled and took nothing, or it took it and stays cancelled.
        let result = try fiber.result()
        switch result {
        case .success(let text): #expect(text == one.expected && !isFirst)
        case .failure(let error):
          #expect(error as? IOError == .cancelled(FiberCancelled(.cancel)))
          #expect(try one.again() == one.expected)
        }
      }
    }
  }

  @Test("Seen to be ready, then cancelled before its turn: the wake counts", arguments: waits)
  func cancelledAfterEvent(wait: Wait) throws {
    try watched { watch in
      let one = try wait.make(watch)
      let fiber = try parked(one)
      try one.wake()
      while fiber.status == .parked {
        try Fiber.yield()
      }
      fiber.cancel()
      #expect(try fiber.join() == one.expected)
    }
  }

  @Test("Made ready and closed in the same turn", arguments: waits)
  func wokenAndClosed(wait: Wait) throws {
    try watched { watch in
      let one = try wait.make(watch)
      let fiber = try parked(one)
      try one.wake()
      // What makes a writer ready has given it a turn.
      let wasParked = fiber.status == .parked
      try one.close()
      switch try fiber.result() {
      case .success(let text): #expect(!wasParked && text == one.expected)
      case .failure(let error): #expect(error as? IOError == .closed)
      }
    }
  }

  @Test("Cancelled, and closed before it has its turn", arguments: waits)
  func cancelledAndClosed(wait: Wait) throws {
    try watched { watch in
      let one = try wait.make(watch)
      let fiber = try parked(one)
      fiber.cancel()
      try one.close()
      #expect(throws: IOError.cancelled(FiberCancelled(.cancel))) { try fiber.join() }
    }
  }

  @Test("Inside a shield a cancellation waits, and so does the fiber", arguments: waits)
  func shielded(wait: Wait) throws {
    try watched { watch in
      let one = try wait.make(watch)
      let fiber = try Fiber.spawn {
        let text = try Fiber.shield { try one.wait() }
        #expect(throws: FiberCancelled.self) { try Fiber.yield() }
        return text
      }
      try untilParked(fiber)
      fiber.cancel()
      for _ in 0..<100 { try Fiber.yield() }
      #expect(fiber.status == .parked)
      try one.wake()
      #expect(try fiber.join() == one.expected)
    }
  }

  @Test("Accepts that time out again and again lose no connection")
  func timedOutAccepts() throws {
    try watched { watch in
      let listener = Held(try .listen(on: .loopback(port: 0)))
      let address = try listener.reference.localAddress
      let count = 200
      let clients = try Fiber.spawn {
        for number in 0..<count {
          let client = try IOHandle.connect(to: address)
          try client.writeAll(bytes("\(number)"))
          if number % 7 == 0 { try Fiber.sleep(for: .microseconds(30)) }
        }
      }
      var got: [String] = []
      var timeouts = 0
      while got.count < count {
        do {
          let handle = try Fiber.withTimeout(.nanoseconds(Int64(got.count % 5) * 10_000)) {
            Held(try listener.reference.accept())
          }
          got.append(try handle.reference.text())
        } catch is DeadlineExceeded {
          timeouts += 1
        }
      }
      #expect(got == (0..<count).map(String.init))
      try clients.join()
    }
  }

  @Test("A write that is cut short says how much it has written, and it is there")
  func partial() throws {
    try watched { watch in
      let (near, far) = try Held.socketPair(watch)
      let data = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
      var written: [Int] = []
      let writer = try Fiber.spawn {
        do throws(IOPartialError) {
          try near.reference.writeAll(data)
        } catch {
          written.append(error.byteCount)
          throw error
        }
      }
      try untilParked(writer)
      writer.cancel()
      #expect(throws: IOPartialError.self) { try writer.join() }
      try near.close()
      var got = [UInt8](repeating: 0, count: data.count)
      let count = try far.reference.readAll(into: &got)
      #expect(written == [count] && count > 0 && got[..<count] == data[..<count])
    }
  }

  @Test("A connection attempt is given up when cancelled or too late")
  func connect() throws {
    try watched { watch in
      // A listener whose queue is full does not answer.
      let listener = Held(try .listen(on: .loopback(port: 0), backlog: 0))
      let address = try listener.reference.localAddress
      var clients: [Held] = []
      var timeouts = 0
      for _ in 0..<4 {
        do {
          try Fiber.withTimeout(.milliseconds(50)) {
            clients.append(Held(try .connect(to: address)))
          }
        } catch is DeadlineExceeded {
          timeouts += 1
        }
      }
      #expect(timeouts >= 2)
      let fiber = try Fiber.spawn { clients.append(Held(try .connect(to: address))) }
      try untilParked(fiber)
      fiber.cancel()
      #expect(throws: IOError.cancelled(FiberCancelled(.cancel))) { try fiber.join() }
      for client in clients { watch.add(client.reference) }
    }
  }
}

/// Something that closures share.
final class Box<Value> {
  var value: Value
  init(_ value: Value) { self.value = value }
}

extension Held {
  static func pipe(_ watch: Watch? = nil) throws -> (Held, Held) {
    let pair = try IOHandle.pipe()
    watch?.add(pair)
    return pair.split { (Held($0), Held($1)) }
  }
}
