import Fibers
import Glibc
import TestSupport
import Testing

@Suite("I/O: errors, closing, ownership")
struct IOErrorTests {
  private func watched(_ body: @escaping (Watch) throws -> Void) throws {
    let watch = Watch()
    try inFibers { try body(watch) }
    #expect(watch.openCount == 0)
  }

  @Test("EPIPE is an error for pipes and sockets, of one part and of many, and no signal")
  func brokenPipe() throws {
    try watched { watch in
      let data = bytes("x")
      let pipe = try IOHandle.pipe()
      watch.add(pipe)
      try pipe.split { reader, writer in
        try reader.close()
        #expect(ioError { try writer.write(data) }?.code == EPIPE)
        data.withUnsafeBytes { data in
          #expect(ioError { try writer.writev([data, data]) }?.code == EPIPE)
        }
        let error = #expect(throws: IOPartialError.self) { try writer.writeAll(data) }
        #expect(error?.byteCount == 0 && error?.error.code == EPIPE)
      }
      let pair = try IOHandle.socketPair()
      watch.add(pair)
      try pair.split { first, second in
        try second.close()
        #expect(ioError { try first.write(data) }?.code == EPIPE)
        data.withUnsafeBytes { data in
          #expect(ioError { try first.writev([data, data]) }?.code == EPIPE)
        }
        #expect(try first.text() == "")
      }
    }
  }

  @Test("A SIGPIPE that was pending before is left pending, and the mask as it was")
  func pendingSignal() throws {
    try watched { watch in
      var pipeSignal = sigset_t()
      var former = sigset_t()
      sigemptyset(&pipeSignal)
      sigaddset(&pipeSignal, SIGPIPE)
      pthread_sigmask(SIG_BLOCK, &pipeSignal, &former)
      pthread_kill(pthread_self(), SIGPIPE)
      let pipe = try IOHandle.pipe()
      watch.add(pipe)
      try pipe.split { reader, writer in
        try reader.close()
        #expect(ioError { try writer.write(bytes("x")) }?.code == EPIPE)
      }
      var pending = sigset_t()
      sigpending(&pending)
      #expect(sigismember(&pending, SIGPIPE) == 1)
      var now = sigset_t()
      pthread_sigmask(SIG_BLOCK, nil, &now)
      #expect(sigismember(&now, SIGPIPE) == 1)
      var zero = timespec()
      #expect(sigtimedwait(&pipeSignal, nil, &zero) == SIGPIPE)
      pthread_sigmask(SIG_SETMASK, &former, nil)
    }
  }

  @Test("A reset ends a read that waits, once; then comes the end")
  func reset() throws {
    try watched { watch in
      try tcpPair(watch) { client, server in
        let reference = server.reference
        let reader = try Fiber.spawn { ioError { try reference.text() } }
        try untilParked(reader)
        var linger = linger(l_onoff: 1, l_linger: 0)
        #expect(
          try setsockopt(
            client.reference.descriptor, SOL_SOCKET, SO_LINGER, &linger,
            socklen_t(MemoryLayout.size(ofValue: linger))) == 0)
        try client.close()
        #expect(try reader.join()?.code == ECONNRESET)
        #expect(try server.text() == "")
        #expect(ioError { try server.write(bytes("x")) }?.code == EPIPE)
      }
    }
  }

  @Test("Bytes, then the end, then the end again; each before and after the event is seen")
  func endOfStream() throws {
    try watched { watch in
      for turns in 0..<4 {
        for pair in [try Held.socketPair(watch), try tcpPair(watch) { (Held($0), Held($1)) }] {
          let (writer, reader) = pair
          let (near, far) = (reader.reference, writer.reference)
          // Registers it.
          #expect(throws: DeadlineExceeded.self) {
            try Fiber.withTimeout(.nanoseconds(1)) { _ = try near.text() }
          }
          try far.writeAll(bytes("ab"))
          for _ in 0..<turns * 100 { try Fiber.yield() }
          #expect(try near.text(2) == "ab")
          try far.writeAll(bytes("c"))
          try writer.close()
          for _ in 0..<turns * 100 { try Fiber.yield() }
          #expect(try near.text() == "c")
          for _ in 0..<3 { #expect(try near.text() == "") }
        }
      }
    }
  }

  /// The operations that a fiber can be parked in, each on a handle of its own that is given away.
  private static let waits = ["read", "write", "accept", "receive", "readv", "writev", "pipe"]

  /// A handle on which `wait` would park, and what does.
  private func makeWait(
    _ wait: String, _ watch: Watch, peers: inout [Held]
  ) throws -> (handle: Held, begin: (IOReference) throws -> Void) {
    switch wait {
    case "accept":
      return (Held(try .listen(on: .loopback(port: 0))), { _ = try $0.accept() })
    case "receive":
      return (
        Held(try .datagram(on: .loopback(port: 0))),
        {
          var room = [UInt8](repeating: 0, count: 9)
          _ = try $0.receive(into: &room)
        }
      )
    default:
      let pair = wait == "pipe" ? try IOHandle.pipe() : try IOHandle.socketPair()
      watch.add(pair)
      return pair.split { first, second in
        peers.append(Held(second))
        let handle = Held(first)
        switch wait {
        case "read", "pipe": return (handle, { _ = try $0.text() })
        case "readv":
          return (
            handle,
            { reference in
              var room = [UInt8](repeating: 0, count: 9)
              _ = try room.withUnsafeMutableBytes { try reference.readv(into: [$0]) }
            }
          )
        case "writev":
          return (
            handle,
            { reference in
              let much = [UInt8](repeating: 0, count: 100_000)
              try much.withUnsafeBytes { much in while true { _ = try reference.writev([much]) } }
            }
          )
        default:
          return (handle, { while true { try $0.writeAll([UInt8](repeating: 0, count: 100_000)) } })
        }
      }
    }
  }

  @Test(
    "A close wakes who is parked on it, whatever for; later calls find it closed", arguments: waits)
  func closeWhileParked(wait: String) throws {
    try watched { watch in
      var peers: [Held] = []
      let (held, begin) = try makeWait(wait, watch, peers: &peers)
      let reference = held.reference
      watch.add(reference)
      let waiter = try Fiber.spawn { ioError { try begin(reference) } }
      try untilParked(waiter)
      #expect(reference.isOpen)
      try held.close()
      #expect(!reference.isOpen)
      // The slot is used again before the woken fiber has its turn.
      let next = try IOHandle.pipe()
      #expect(try waiter.join() == .closed)
      #expect(ioError { try begin(reference) } == .closed)
      #expect(ioError { try reference.descriptor } == .closed)
      #expect(ioError { try reference.localAddress } == .closed)
      #expect(ioError { try reference.shutdown(.both) } == .closed)
      try next.second.writeAll(bytes("x"))
      #expect(try next.first.text() == "x")
      withExtendedLifetime(peers) {}
    }
  }

  @Test(
    "The new owner of a slot waits undisturbed while the former one is still on its way out",
    arguments: waits)
  func slotReuse(wait: String) throws {
    try watched { watch in
      var peers: [Held] = []
      let (held, begin) = try makeWait(wait, watch, peers: &peers)
      let reference = held.reference
      watch.add(reference)
      let waiter = try Fiber.spawn { ioError { try begin(reference) } }
      try untilParked(waiter)
      // In one turn: the waiter is woken, its slot is free, and taken again.
      try held.close()
      let pipe = try IOHandle.pipe()
      let (near, far) = (pipe.first.reference, pipe.second.reference)
      let spawned = try Fiber.spawn { try near.text() }
      try untilParked(spawned)
      #expect(try waiter.join() == .closed)
      try far.writeAll(bytes("mine"))
      #expect(try spawned.join() == "mine")
      withExtendedLifetime(peers) {}
    }
  }

  @Test("A second reader is refused while the first waits; a writer is not; then it may")
  func busy() throws {
    try watched { watch in
      let pair = try IOHandle.socketPair()
      watch.add(pair)
      let (near, far) = (pair.first.reference, pair.second.reference)
      let reader = try Fiber.spawn { try near.text() }
      try untilParked(reader)
      for _ in 0..<3 { #expect(ioError { try near.text() } == .busy) }
      let writer = try Fiber.spawn { try near.writeAll([UInt8](repeating: 7, count: 1_000_000)) }
      try untilParked(writer)
      #expect(ioError { try near.writeAll([UInt8](repeating: 7, count: 1_000_000)) } == .busy)
      #expect(reader.status == .parked && writer.status == .parked)
      var all = [UInt8](repeating: 0, count: 1_000_000)
      #expect(try far.readAll(into: &all) == 1_000_000)
      try writer.join()
      try far.writeAll(bytes("x"))
      #expect(try reader.join() == "x")
      // One that was cancelled waits no more, before its turn already.
      let second = try Fiber.spawn { try near.text() }
      try untilParked(second)
      second.cancel()
      let third = try Fiber.spawn { try near.text() }
      try far.writeAll(bytes("y"))
      #expect(try third.join() == "y")
      #expect(throws: IOError.cancelled(FiberCancelled())) { try second.join() }
      let listener = try IOHandle.listen(on: .loopback(port: 0))
      let reference = listener.reference
      let acceptor = try Fiber.spawn { try reference.accept().reference }
      try untilParked(acceptor)
      #expect(ioError { try listener.accept() } == .busy)
      acceptor.cancel()
    }
  }

  @Test("Bad descriptors are refused, and stay the caller's")
  func badDescriptors() throws {
    try watched { watch in
      #expect(ioError { try IOHandle(owning: -1) }?.code == EBADF)
      #expect(ioError { try IOHandle(borrowing: 1_000_000) }?.code == EBADF)
      // Registered twice: the second one is refused when it wants to wait; the first waits on.
      let pair = try IOHandle.socketPair()
      watch.add(pair)
      let (near, far) = (pair.first.reference, pair.second.reference)
      let twin = try IOHandle(borrowing: near.descriptor)
      let reader = try Fiber.spawn { try near.text() }
      try untilParked(reader)
      #expect(ioError { try twin.text() }?.code == EEXIST)
      #expect(ioError { try twin.text() }?.code == EEXIST)
      try far.writeAll(bytes("x"))
      #expect(try reader.join() == "x")
    }
  }

  @Test("A borrowed descriptor stays open, gets its flags back, and may be borrowed again")
  func borrowed() throws {
    try watched { watch in
      var ends: [Int32] = [-1, -1]
      #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
      let far = try IOHandle(owning: ends[1])
      for round in 0..<3 {
        let handle = try IOHandle(borrowing: ends[0])
        #expect(fcntl(ends[0], F_GETFL) & O_NONBLOCK != 0)
        let reference = handle.reference
        let reader = try Fiber.spawn { try reference.text() }
        try untilParked(reader)
        try far.writeAll(bytes("\(round)"))
        #expect(try reader.join() == "\(round)")
        switch round {
        case 0: try handle.close()
        case 1: #expect(handle.release() == ends[0])
        default: drop(handle)
        }
        #expect(ioError { try reference.text() } == .closed)
        #expect(fcntl(ends[0], F_GETFL) & O_NONBLOCK == 0)
      }
      #expect(fcntl(ends[0], F_GETFL) & O_NONBLOCK == 0)
      #expect(fcntl(ends[0], F_GETFD) >= 0)
      watch.add(ends[0])
      close(ends[0])
    }
  }

  @Test("A released descriptor is open, wakes who waits, and can be registered again")
  func release() throws {
    try watched { watch in
      let pair = try IOHandle.socketPair()
      watch.add(pair)
      try pair.split { first, second in
        let reference = first.reference
        let reader = try Fiber.spawn { ioError { try reference.text() } }
        try untilParked(reader)
        let number = first.release()
        #expect(try reader.join() == .closed)
        #expect(fcntl(number, F_GETFD) >= 0)
        let again = try IOHandle(owning: number)
        let near = again.reference
        let second2 = try Fiber.spawn { try near.text() }
        try untilParked(second2)
        try second.writeAll(bytes("again"))
        #expect(try second2.join() == "again")
      }
    }
  }

  @Test(
    "A handle is closed once: dropped, closed, given to a fiber that never began, and by a throw")
  func closedOnce() throws {
    try watched { watch in
      func make() throws { watch.add(try IOHandle.pipe()) }
      func fail() throws {
        let pipe = try IOHandle.pipe()
        watch.add(pipe)
        throw TestError()
      }
      try make()
      #expect(throws: TestError.self) { try fail() }
      #expect(watch.openCount == 0)
      let pipe = try IOHandle.pipe()
      watch.add(pipe)
      try pipe.split { first, second in
        let number = try first.reference.descriptor
        try first.close()
        // The same number at once again: a second close would hit it.
        let other = fcntl(0, F_DUPFD_CLOEXEC, number)
        drop(second)
        #expect(watch.openCount == 0)
        #expect(fcntl(other, F_GETFD) >= 0)
        close(other)
      }
      let given = try IOHandle.pipe()
      watch.add(given)
      let fiber = try given.split { first, second in
        try Fiber.spawn(consuming: first) { first in _ = try first.text() }
      }
      fiber.cancel()
      _ = try? fiber.join()
      #expect(watch.openCount == 0)
    }
  }

  @Test("Events of a former owner of a descriptor and a slot do no harm")
  func staleEvents() throws {
    try watched { watch in
      let listener = try IOHandle.listen(on: .loopback(port: 0))
      let address = try listener.localAddress
      for round in 0..<200 {
        let client = try IOHandle.connect(to: address)
        let server = try listener.accept()
        watch.add(client.reference)
        watch.add(server.reference)
        let reference = server.reference
        let reader = try Fiber.spawn { try? reference.text() }
        try untilParked(reader)
        // An event for a descriptor that is closed before anybody looks at it.
        try client.writeAll(bytes("x"))
        try server.close()
        let next = try IOHandle.socketPair()
        let near = next.first.reference
        let waiter = try Fiber.spawn { try near.text() }
        try untilParked(waiter)
        for _ in 0..<70 { try Fiber.yield() }
        #expect(waiter.status == .parked)
        try next.second.writeAll(bytes("\(round)"))
        #expect(try waiter.join() == "\(round)")
        #expect(try reader.join() == nil)
      }
    }
  }

  @Test("A file closed while a helper thread is in a call with it is closed after the call")
  func closeDuringCall() throws {
    let scratch = try ScratchDirectory()
    try watched { watch in
      let path = scratch["file"]
      // So much that a helper thread does not end its calls in one slice of time.
      let data = [UInt8](repeating: 1, count: 8 << 20)
      var rounds = 0
      for _ in 0..<10 {
        let held = Held(try IOHandle.open(path, [.readWrite, .create]))
        let reference = held.reference
        watch.add(reference)
        let number = try reference.descriptor
        let writers = try (0..<3).map { _ in
          try Fiber.spawn { try reference.write(data) }
        }
        for _ in 0..<3 { try Fiber.yield() }
        let isInCall = writers.contains { $0.status == .parked }
        rounds += isInCall ? 1 : 0
        try held.close()
        #expect(ioError { try reference.write([1]) } == .closed)
        // The number must not be somebody else's while calls are made with it.
        let other = try IOHandle.pipe()
        if isInCall { #expect(try other.first.reference.descriptor != number) }
        for writer in writers { #expect(try writer.join() == data.count) }
      }
      #expect(rounds > 0)
      #expect(watch.openCount == 0)
    }
  }

  @Test("Fibers parked on descriptors end with the runtime, and their handles are closed")
  func shutdown() throws {
    let watch = Watch()
    do {
      let runtime = try FiberRuntime()
      var ends = 0
      for _ in 0..<50 {
        try runtime.spawn {
          let pair = try IOHandle.socketPair()
          watch.add(pair)
          defer { ends += 1 }
          let near = pair.first.reference
          try Fiber.spawn { _ = try near.text() }
          _ = try pair.second.text()
        }
      }
      try runtime.spawn { for _ in 0..<10 { try Fiber.yield() } }.join()
      #expect(watch.openCount == 100)
      runtime.shutdown()
      #expect(ends == 50)
    }
    #expect(watch.openCount == 0)
  }

  @Test("A handle may outlive its runtime, and is closed then")
  func outlives() throws {
    let watch = Watch()
    var held: Held?
    do {
      let runtime = try FiberRuntime()
      try runtime.spawn {
        let pipe = try IOHandle.pipe()
        watch.add(pipe)
        let near = pipe.first.reference
        try Fiber.spawn { _ = try? near.text() }
        try Fiber.yield()
        held = pipe.split { first, second in Held(first) }
      }
      .detach()
      try runtime.spawn { try Fiber.yield() }.join()
      runtime.shutdown()
    }
    #expect(watch.openCount == 1)
    #expect(held?.reference.isOpen == true)
    #expect(ioError { try held?.reference.localAddress }?.code == ENOTSOCK)
    try held?.close()
    #expect(watch.openCount == 0)
  }

  @Test("The thread itself may make handles and close them, while fibers of its runtime wait")
  func root() throws {
    try onOwnThread { () -> Result<Void, any Error> in
      Result {
        let (held, peer) = try IOHandle.socketPair().split { (Held($0), Held($1)) }
        defer { withExtendedLifetime(peer) {} }
        let reference = held.reference
        let waiter = try Fiber.spawn { ioError { try reference.text() } }
        try Fiber.spawn { try untilParked(waiter) }.join()
        #expect(try reference.localAddress.port == nil)
        try held.close()
        try Fiber.run()
        #expect(try waiter.join() == .closed)
      }
    }.get()
  }
}

/// A handle in a class, so that closures and fibers may share it.
final class Held {
  private var handle: IOHandle?
  let reference: IOReference

  init(_ handle: consuming IOHandle) {
    reference = handle.reference
    self.handle = consume handle
  }

  static func socketPair(_ watch: Watch? = nil) throws -> (Held, Held) {
    let pair = try IOHandle.socketPair()
    watch?.add(pair)
    return pair.split { (Held($0), Held($1)) }
  }

  func close() throws(IOError) {
    if let handle = handle.take() { try handle.close() }
  }
}

/// Lets a handle go.
private func drop(_ handle: consuming IOHandle) {}
