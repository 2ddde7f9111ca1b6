import Fibers
import Glibc
import TestSupport
import Testing

@Suite("I/O: everybody has a turn")
struct IOFairnessTests {
  @Test(
    "A fiber whose peer always has bytes does not keep yielders, timers, channels and wakes from theirs"
  )
  func alwaysReady() throws {
    try inFibers {
      let zero = try Held.pipe()
      let (reader, writer) = (zero.0.reference, zero.1.reference)
      // Both sides prompt: the writer never waits for room, the reader never for bytes.
      let pump = try Fiber.spawn {
        let block = [UInt8](repeating: 1, count: 512)
        var room = [UInt8](repeating: 0, count: 512)
        while true {
          try writer.writeAll(block)
          _ = try reader.readAll(into: &room)
        }
      }
      var turns = 0
      let yielder = try Fiber.spawn {
        while true {
          try Fiber.yield()
          turns += 1
        }
      }
      let ticks = try Fiber.spawn { for _ in 0..<20 { try Fiber.sleep(for: .microseconds(100)) } }
      let channel = Channel<Int>(capacity: 1)
      let sender = try Fiber.spawn { for number in 0..<200 { try channel.send(number) } }
      let receiver = try Fiber.spawn { (0..<200).allSatisfy { (try? channel.receive()) == $0 } }
      let foreign = try Fiber.spawn {
        for _ in 0..<20 {
          try Fiber.park { waker in TestThread { waker.wake() }.detach() }
        }
      }
      // And a socket that hears something now and then.
      let (near, far) = try Held.socketPair()
      let listener = try Fiber.spawn {
        for number in 0..<20 {
          let text = try near.reference.text()
          #expect(text == "\(number % 10)")
        }
      }
      let talker = try Fiber.spawn {
        for number in 0..<20 {
          try far.reference.writeAll(bytes("\(number % 10)"))
          while listener.status != .parked && listener.status != .finished { try Fiber.yield() }
          for _ in 0..<200 { try Fiber.yield() }
        }
      }
      try ticks.join()
      try sender.join()
      #expect(try receiver.join())
      try foreign.join()
      try listener.join()
      try talker.join()
      #expect(turns > 20)
      #expect(pump.status != .finished)
      pump.cancel()
      yielder.cancel()
      withExtendedLifetime((near, far, zero)) {}
    }
  }

  @Test("I/O goes on while other fibers yield without end")
  func underLoad() throws {
    try inFibers {
      let yielders = try (0..<100).map { _ in try Fiber.spawn { while true { try Fiber.yield() } } }
      let (near, far) = try Held.socketPair()
      let echo = try Fiber.spawn {
        while case let text = try far.reference.text(), !text.isEmpty {
          try far.reference.writeAll(bytes(text))
        }
      }
      for _ in 0..<50 {
        try near.reference.writeAll(bytes("x"))
        #expect(try near.reference.text() == "x")
      }
      for yielder in yielders { yielder.cancel() }
      try near.close()
      try echo.join()
    }
  }

  @Test("Events that nobody waits for do not put off the next look at descriptors")
  func uselessEvents() throws {
    let count = 300
    var configuration = FiberRuntime.Configuration()
    // One look finds the flood, and no more.
    configuration.maxEvents = count
    let runtime = try FiberRuntime(configuration)
    let main = try runtime.spawn {
      var flood: [(Held, Held)] = []
      for _ in 0..<count {
        let pair = try Held.socketPair()
        // A wait in vain, so that epoll knows it.
        #expect(throws: DeadlineExceeded.self) {
          try Fiber.withTimeout(.microseconds(1)) { _ = try pair.0.reference.text() }
        }
        flood.append(pair)
      }
      let (near, far) = try Held.socketPair()
      let reader = try Fiber.spawn { try near.reference.text() }
      try untilParked(reader)
      // Three looks: epoll has told of each descriptor what it says at first, that it takes bytes.
      for _ in 0..<3 * 61 { try Fiber.yield() }
      // Alone, a fiber that yields has descriptors looked at each time.
      let other = try Fiber.spawn { while true { try Fiber.yield() } }
      for (_, end) in flood { #expect(try Glibc.write(end.reference.descriptor, "x", 1) == 1) }
      #expect(try Glibc.write(far.reference.descriptor, "y", 1) == 1)
      var turns = 0
      while reader.status != .finished {
        try Fiber.yield()
        turns += 2
      }
      other.cancel()
      #expect(try reader.join() == "y")
      // Two looks, each within 61 turns.
      #expect(turns <= 2 * 61 + 4, "\(turns) turns")
      withExtendedLifetime((near, far, flood)) {}
    }
    try runtime.run()
    try main.join()
  }

  @Test("500 busy connections are served evenly: in turns of all, not in time")
  func even() throws {
    let count = isSanitized ? 100 : 500
    let rounds = 40
    try inFibers(stackByteCount: 64 << 10) {
      let listener = Held(try .listen(on: .loopback(port: 0), backlog: 1024))
      let address = try listener.reference.localAddress
      var servers: [Held] = []
      let acceptor = try Fiber.spawn {
        for _ in 0..<count { servers.append(Held(try listener.reference.accept())) }
      }
      var clients: [Held] = []
      for _ in 0..<count { clients.append(Held(try .connect(to: address))) }
      try acceptor.join()
      // Each server fiber counts; the longest wait is how many answers others got in between.
      var answers = 0
      var worst = 0
      var waits: [Int] = []
      var served = [Int](repeating: 0, count: count)
      var ahead = 0
      for index in 0..<count {
        let server = servers[index].reference
        try Fiber.spawn {
          var room = [UInt8](repeating: 0, count: 64)
          while case let got = try server.read(into: &room), got > 0 {
            try server.writeAll(room[..<got])
          }
        }
      }
      let askers = try (0..<count).map { index in
        let client = clients[index].reference
        return try Fiber.spawn {
          var room = [UInt8](repeating: 0, count: 64)
          for _ in 0..<rounds {
            try client.writeAll([UInt8](repeating: 3, count: 64))
            let before = answers
            _ = try client.readAll(into: &room)
            answers += 1
            waits.append(answers - before)
            worst = max(worst, answers - before)
            served[index] += 1
            ahead = max(ahead, served[index] - (served.min() ?? 0))
          }
        }
      }
      for asker in askers { try asker.join() }
      for client in clients { try client.close() }
      let median = waits.sorted()[waits.count / 2]
      #expect(served.allSatisfy { $0 == rounds })
      #expect(worst < 10 * median, "the longest wait is \(worst) answers, the median \(median)")
      #expect(ahead <= 10, "one connection is \(ahead) answers ahead of another")
    }
  }

  @Test("A burst of connections does not keep those that are there waiting")
  func burst() throws {
    let count = 300
    try inFibers {
      let listener = Held(try .listen(on: .loopback(port: 0), backlog: 1024))
      let address = try listener.reference.localAddress
      // The burst: all of them wait in the queue of the listener before anybody accepts.
      let clients = try (0..<count).map { _ in Held(try .connect(to: address)) }
      let (near, far) = try Held.socketPair()
      var accepted = 0
      var answeredAfter: [Int] = []
      let echo = try Fiber.spawn {
        while case let text = try far.reference.text(), !text.isEmpty {
          try far.reference.writeAll(bytes(text))
        }
      }
      try untilParked(echo)
      let client = try Fiber.spawn {
        for _ in 0..<10 {
          try near.reference.writeAll(bytes("x"))
          _ = try near.reference.text()
          answeredAfter.append(accepted)
        }
        try near.close()
      }
      let acceptor = try Fiber.spawn {
        var servers: [Held] = []
        for _ in 0..<count {
          servers.append(Held(try listener.reference.accept()))
          accepted += 1
        }
      }
      try acceptor.join()
      try client.join()
      try echo.join()
      // Each answer needs a look at the events or two: a few turns of the acceptor, of 8 calls each.
      #expect(answeredAfter[0] < 100, "\(answeredAfter)")
      withExtendedLifetime(clients) {}
    }
  }

  @Test("Thousands of idle connections: others are still served, and all of them at the end")
  func idle() async {
    await #expect(processExitsWith: .success) {
      try synchronously {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        // Two descriptors a connection; TSan knows few fibers.
        let room = Int(min(limit.rlim_max, 1 << 20)) / 2 - 100
        let count = min(room, isSanitized ? 500 : 5000)
        precondition(isSanitized || count >= 2000 || room < 2000)
        // What the system and the test library open and close once.
        try inFibers {}
        let before = OpenDescriptors.now
        try inFibers(stackByteCount: 64 << 10) {
          let listener = Held(try .listen(on: .loopback(port: 0), backlog: 1024))
          let address = try listener.reference.localAddress
          var answered = 0
          let acceptor = try Fiber.spawn {
            for _ in 0..<count + 1 {
              try Fiber.spawn(consuming: try listener.reference.accept()) { connection in
                var room = [UInt8](repeating: 0, count: 16)
                while case let got = try connection.read(into: &room), got > 0 {
                  try connection.writeAll(room[..<got])
                  answered += 1
                }
              }
            }
          }
          var clients = try (0..<count).map { _ in Held(try .connect(to: address)) }
          let busy = try IOHandle.connect(to: address)
          try acceptor.join()
          for _ in 0..<100 {
            try busy.writeAll(bytes("x"))
            let text = try busy.text()
            precondition(text == "x")
          }
          precondition(answered == 100)
          for client in clients { try client.reference.writeAll(bytes("y")) }
          for client in clients {
            let text = try client.reference.text()
            precondition(text == "y")
          }
          if answered != 100 + count { fatalError("answered \(answered) of \(100 + count)") }
          // A close that resets: else each run takes thousands of ports away for a minute.
          for client in clients {
            var hard = linger(l_onoff: 1, l_linger: 0)
            let size = socklen_t(MemoryLayout.size(ofValue: hard))
            let descriptor = try client.reference.descriptor
            setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &hard, size)
          }
          clients = []
        }
        let after = OpenDescriptors.now
        if !after.isBack(to: before) { fatalError("\(after) instead of \(before)") }
      }
    }
  }
}

@Suite("I/O: allocations")
struct IOAllocationTests {
  @Test(
    "Reads and writes that are ready, and those that wait, allocate nothing",
    .enabled(if: countsAllocations))
  func none() throws {
    try inFibers {
      for tcp in [true, false] {
        let (near, far) =
          tcp ? try tcpPair { (Held($0), Held($1)) } : try Held.socketPair()
        let (a, b) = (near.reference, far.reference)
        let data = [UInt8](repeating: 1, count: 64)
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 8)
        defer { room.deallocate() }
        let echo = try Fiber.spawn {
          let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 8)
          defer { room.deallocate() }
          while case let got = try b.read(into: room), got > 0 {
            try b.writeAll(UnsafeRawBufferPointer(rebasing: room[..<got]))
          }
        }
        var failed = false
        func parkedRounds() {
          for _ in 0..<200 {
            do {
              try data.withUnsafeBytes { try a.writeAll($0) }
              if try a.read(into: room) != 64 { failed = true }
            } catch { failed = true }
          }
        }
        parkedRounds()
        #expect(allocations(in: parkedRounds) == 0, "of both sides, each waiting for the other")
        #expect(!failed)
        let (left, right) = try Held.socketPair()
        let (c, d) = (left.reference, right.reference)
        func readyRounds() {
          for _ in 0..<200 {
            do {
              _ = try data.withUnsafeBytes { try c.write($0) }
              if try d.read(into: room) != 64 { failed = true }
            } catch { failed = true }
          }
        }
        readyRounds()
        #expect(allocations(in: readyRounds) == 0, "ready")
        #expect(!failed)
        try near.close()
        try echo.join()
      }
    }
  }
}
