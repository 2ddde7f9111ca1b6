import Fibers
import Glibc
import TestSupport
import Testing

@Suite("I/O: every operation once")
struct IOSmokeTests {
  /// Runs `body` with a watch, and expects that nothing added to it is open afterwards.
  private func watched(_ body: @escaping (Watch) throws -> Void) throws {
    let watch = Watch()
    try inFibers { try body(watch) }
    #expect(watch.openCount == 0)
  }

  @Test("A pipe: bytes in order, the end, and the write that finds nobody")
  func pipe() throws {
    try watched { watch in
      let pipe = try IOHandle.pipe()
      watch.add(pipe)
      try pipe.split { reader, writer in
        #expect(try writer.write(bytes("hello")) == 5)
        #expect(try reader.text(2) == "he")
        #expect(try reader.text() == "llo")
        try writer.close()
        #expect(try reader.text() == "")
        #expect(try reader.text() == "")
      }
    }
  }

  @Test("A socket pair: both ways, half closed")
  func socketPair() throws {
    try watched { watch in
      let pair = try IOHandle.socketPair()
      watch.add(pair)
      try pair.first.writeAll(bytes("ping"))
      #expect(try pair.second.text() == "ping")
      try pair.first.shutdown(.write)
      #expect(try pair.second.text() == "")
      try pair.second.writeAll(bytes("pong"))
      #expect(try pair.first.text() == "pong")
      #expect(ioError { try pair.first.write(bytes("x")) }?.code == EPIPE)
      try pair.second.shutdown(.both)
      #expect(try pair.first.text() == "")
    }
  }

  @Test("Arrays, parts of arrays, spans, raw pointers, and everything until full")
  func buffers() throws {
    try watched { watch in
      let pair = try IOHandle.socketPair()
      watch.add(pair)
      let (near, far) = (pair.first.reference, pair.second.reference)
      let data = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
      let writer = try Fiber.spawn {
        try near.writeAll(data)
        try near.writeAll(data[1000..<3000])
        try near.writeAll(data.span.bytes)
        try data.withUnsafeBytes { try near.writeAll($0) }
        #expect(try near.write(data.span.extracting(0..<3).bytes) == 3)
        #expect(
          try data.withUnsafeBytes { try near.write(UnsafeRawBufferPointer(rebasing: $0[..<2])) }
            == 2)
        try near.shutdown(.write)
      }
      var got = [UInt8](repeating: 0, count: data.count)
      #expect(try far.readAll(into: &got) == data.count)
      #expect(got == data)
      var part = [UInt8](repeating: 0, count: 2000)
      var span = part.mutableSpan
      var raw = span.mutableBytes
      #expect(try far.readAll(into: &raw) == 2000)
      #expect(part == Array(data[1000..<3000]))
      got = [UInt8](repeating: 0, count: data.count)
      #expect(try got.withUnsafeMutableBytes { try far.readAll(into: $0) } == data.count)
      #expect(got == data)
      got = [UInt8](repeating: 0, count: data.count)
      var count = 0
      while count < data.count {
        count += try got.withUnsafeMutableBytes {
          try far.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[count...]))
        }
      }
      #expect(got == data)
      var rest = [UInt8](repeating: 9, count: 10)
      #expect(try far.readAll(into: &rest) == 5)
      #expect(rest == [data[0], data[1], data[2], data[0], data[1], 9, 9, 9, 9, 9])
      #expect(try far.readAll(into: &rest) == 0)
      try writer.join()
    }
  }

  @Test("readv and writev, over sockets, pipes and files; none, empty and many buffers")
  func vectors() throws {
    let scratch = try ScratchDirectory()
    try watched { watch in
      func roundTrip(_ near: IOReference, _ far: IOReference, _ rewind: () -> Void) throws {
        let words = ["", "ab", "", "cdef", "g"].map { bytes($0) }
        let sources = words.map { word in
          let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: word.count, alignment: 1)
          copy.copyBytes(from: word)
          return copy
        }
        defer { for source in sources { source.deallocate() } }
        #expect(try near.writev(sources.map { UnsafeRawBufferPointer($0) }) == 7)
        rewind()
        let target = UnsafeMutableRawBufferPointer.allocate(byteCount: 8, alignment: 1)
        defer { target.deallocate() }
        let parts = [0..<3, 3..<3, 3..<8].map {
          UnsafeMutableRawBufferPointer(rebasing: target[$0])
        }
        #expect(try far.readv(into: parts) == 7)
        #expect(Array(target[..<7]) == bytes("abcdefg"))
        // As many as are allowed, a byte each.
        let many = (0..<1024).map { _ in UnsafeRawBufferPointer(rebasing: target[..<1]) }
        #expect(try near.writev(many) == 1024)
      }
      let pair = try IOHandle.socketPair()
      let pipe = try IOHandle.pipe()
      watch.add(pair)
      watch.add(pipe)
      try roundTrip(pair.first.reference, pair.second.reference) {}
      try roundTrip(pipe.second.reference, pipe.first.reference) {}
      let file = try IOHandle.open(scratch.path + "/vectors", [.readWrite, .create])
      let number = try file.reference.descriptor
      watch.add(number)
      try roundTrip(file.reference, file.reference) { lseek(number, 0, SEEK_SET) }
    }
  }

  @Test("TCP, IPv4 and IPv6: listen, connect, accept, addresses, options")
  func tcp() throws {
    try watched { watch in
      var homes = [SocketAddress.loopback(port: 0)]
      if let six = SocketAddress.ipv6("::1", port: 0), (try? IOHandle.listen(on: six)) != nil {
        homes.append(six)
      }
      for home in homes {
        let listener = try IOHandle.listen(on: home)
        let address = try listener.localAddress
        #expect((address.port ?? 0) > 0)
        let client = try IOHandle.connect(to: address)
        let server = try listener.accept()
        for reference in [listener.reference, client.reference, server.reference] {
          watch.add(reference)
        }
        #expect(try client.peerAddress == address)
        #expect(try server.localAddress == address)
        #expect(try server.peerAddress == client.localAddress)
        #expect("\(address)".hasSuffix(":\(address.port ?? 0)"))
        for isOn in [true, false] {
          try client.setNoDelay(isOn)
          #expect(
            (try client.option(level: Int32(IPPROTO_TCP), name: TCP_NODELAY) != 0) == isOn)
        }
        try client.setOption(level: SOL_SOCKET, name: SO_RCVBUF, 8192)
        #expect(try client.option(level: SOL_SOCKET, name: SO_RCVBUF) >= 8192)
        #expect(try listener.option(level: SOL_SOCKET, name: SO_REUSEADDR) == 1)
        #expect(
          ioError { try client.setOption(level: SOL_SOCKET, name: -1, 1) }?.code == ENOPROTOOPT)
        try client.writeAll(bytes("to"))
        try client.shutdown(.write)
        #expect(try server.text() == "to")
        #expect(try server.text() == "")
        try server.writeAll(bytes("and back"))
        #expect(try client.text() == "and back")
        // A port that is taken; and shared, when both say so.
        #expect(ioError { try IOHandle.listen(on: address) }?.code == EADDRINUSE)
        let shared = try IOHandle.listen(on: home, reusePort: true)
        let second = try IOHandle.listen(on: shared.localAddress, reusePort: true)
        #expect(try second.localAddress == shared.localAddress)
      }
    }
  }

  @Test("A connection to a port where nobody listens is refused; by name, too")
  func refused() throws {
    try watched { watch in
      let listener = try IOHandle.listen(on: .loopback(port: 0))
      let address = try listener.localAddress
      let port = address.port ?? 0
      let byName = try IOHandle.connect(host: "localhost", port: port)
      watch.add(byName.reference)
      let byNumber = try IOHandle.connect(host: "127.0.0.1", port: port)
      watch.add(byNumber.reference)
      let taken = try TakenPort()
      let closed = taken.address
      let error = ioError { try IOHandle.connect(to: closed) }
      #expect(error?.code == ECONNREFUSED)
      #expect(error?.description.hasPrefix("connect: ") == true)
      let other = closed.port ?? 0
      #expect(
        ioError { try IOHandle.connect(host: "127.0.0.1", port: other) }?.code == ECONNREFUSED)
      withExtendedLifetime(taken) {}
    }
  }

  @Test("Names: localhost, numbers of both kinds, and one that does not exist")
  func names() throws {
    try watched { _ in
      let addresses = try SocketAddress.resolve("localhost", port: 80)
      #expect(!addresses.isEmpty && addresses.allSatisfy { $0.port == 80 })
      #expect(try SocketAddress.resolve("127.0.0.1", port: 7) == [.loopback(port: 7)])
      #expect(
        try SocketAddress.resolve("::1", port: 7) == [SocketAddress.ipv6("::1", port: 7)])
      let error = #expect(throws: NameError.self) {
        try SocketAddress.resolve("nobody.invalid", port: 1)
      }
      #expect(error?.description.contains("nobody.invalid") == true)
      #expect(throws: NameError.self) { try IOHandle.connect(host: "", port: 1).reference }
    }
  }

  @Test("Addresses: what is none, ports, descriptions, the longest path")
  func addresses() {
    #expect(SocketAddress.ipv4("127.0.0.1", port: 65535)?.description == "127.0.0.1:65535")
    #expect(SocketAddress.ipv6("::1", port: 1)?.description == "[::1]:1")
    #expect(SocketAddress.anyAddress(port: 0).description == "0.0.0.0:0")
    for text in ["", "1.2.3", "256.1.1.1", "::1", "a.b.c.d", "1.2.3.4 ", "1.2.3.4\0"] {
      #expect(SocketAddress.ipv4(text, port: 1) == nil)
    }
    for text in ["", "1.2.3.4", ":::", "[::1]", "g::1", "::1\0x"] {
      #expect(SocketAddress.ipv6(text, port: 1) == nil)
    }
    #expect(SocketAddress.unix(path: "") == nil)
    #expect(SocketAddress.unix(path: "a\0b") == nil)
    #expect(SocketAddress.unix(path: String(repeating: "a", count: 107)) != nil)
    #expect(SocketAddress.unix(path: String(repeating: "a", count: 108)) == nil)
    #expect(SocketAddress.unix(path: "/a")?.port == nil)
    #expect(SocketAddress.unix(path: "/a")?.description == "/a")
    #expect(SocketAddress.loopback(port: 1) != .loopback(port: 2))
  }

  @Test("Addresses tell their parts, zones of IPv6 among them, which can be read back")
  func addressParts() throws {
    #expect(SocketAddress.loopback(port: 1).host == "127.0.0.1")
    #expect(SocketAddress.loopback(port: 1).path == nil)
    #expect(SocketAddress.unix(path: "/a")?.path == "/a")
    #expect(SocketAddress.unix(path: "/a")?.host == nil)
    let near = try #require(SocketAddress.ipv6("fe80::1%lo", port: 9))
    let zone = if_nametoindex("lo")
    #expect(near.host == "fe80::1%\(zone)" && near.description == "[fe80::1%\(zone)]:9")
    #expect(try SocketAddress.ipv6(#require(near.host), port: 9) == near)
    #expect(near != SocketAddress.ipv6("fe80::1", port: 9))
    #expect(SocketAddress.ipv6("fe80::1%\(zone)", port: 9) == near)
    let zones = ["", "0", "no-such-interface", "4294967295", "4294967296", "+\(zone)", "lo\0x"]
    for text in zones.map({ "fe80::1%\($0)" }) + ["%lo"] {
      #expect(SocketAddress.ipv6(text, port: 1) == nil)
    }
  }

  @Test("A connect to a Unix socket whose backlog is full waits, and can be cut short")
  func fullBacklog() throws {
    let scratch = try ScratchDirectory()
    try watched { watch in
      let address = try #require(SocketAddress.unix(path: scratch.path + "/socket"))
      let listener = try IOHandle.listen(on: address, backlog: 0)
      let first = try IOHandle.connect(to: address)
      for reference in [listener.reference, first.reference] { watch.add(reference) }
      let second = try Fiber.spawn {
        let second = try IOHandle.connect(to: address)
        try second.writeAll(bytes("second"))
      }
      try untilParked(second)
      #expect(throws: DeadlineExceeded.self) {
        try Fiber.withTimeout(.milliseconds(1)) {
          _ = try IOHandle.connect(to: address).reference
        }
      }
      try listener.accept().close()
      #expect(try listener.accept().text() == "second")
      try second.join()
    }
  }

  @Test("Unix sockets: their addresses, a path that is taken, one that is not there")
  func unix() throws {
    let scratch = try ScratchDirectory()
    try watched { watch in
      guard let address = SocketAddress.unix(path: scratch.path + "/socket") else {
        Issue.record("the scratch directory has too long a name")
        return
      }
      #expect(ioError { try IOHandle.connect(to: address) }?.code == ENOENT)
      let listener = try IOHandle.listen(on: address)
      let client = try IOHandle.connect(to: address)
      let server = try listener.accept()
      for reference in [listener.reference, client.reference, server.reference] {
        watch.add(reference)
      }
      #expect(try listener.localAddress == address)
      #expect(try client.peerAddress == address)
      #expect(try server.peerAddress.description == "a Unix socket without a name")
      try client.writeAll(bytes("x"))
      #expect(try server.text() == "x")
      #expect(ioError { try IOHandle.listen(on: address) }?.code == EADDRINUSE)
    }
  }

  @Test("Datagrams: who sent them, empty ones, cut ones, too long ones; IPv4, IPv6, Unix")
  func datagrams() throws {
    let scratch = try ScratchDirectory()
    try watched { watch in
      var homes = [(SocketAddress.loopback(port: 0), SocketAddress.loopback(port: 0))]
      if let six = SocketAddress.ipv6("::1", port: 0), (try? IOHandle.datagram(on: six)) != nil {
        homes.append((six, six))
      }
      if let first = SocketAddress.unix(path: scratch.path + "/a"),
        let second = SocketAddress.unix(path: scratch.path + "/b")
      {
        homes.append((first, second))
      }
      for (first, second) in homes {
        let receiver = try IOHandle.datagram(on: first)
        let sender = try IOHandle.datagram(on: second)
        watch.add(receiver.reference)
        watch.add(sender.reference)
        let address = try receiver.localAddress
        try sender.send(bytes("whole"), to: address)
        try sender.send([], to: address)
        try sender.send(bytes("cut here"), to: address)
        var room = [UInt8](repeating: 0, count: 5)
        let whole = try receiver.receive(into: &room)
        #expect(room == bytes("whole") && whole.byteCount == 5 && !whole.isTruncated)
        #expect(try whole.sender == sender.localAddress)
        let empty = try receiver.receive(into: &room)
        #expect(empty.byteCount == 0 && !empty.isTruncated)
        let cut = try receiver.receive(into: &room)
        #expect(room == bytes("cut h") && cut.byteCount == 5 && cut.isTruncated)
        let long = [UInt8](repeating: 0, count: 16 << 20)
        #expect(ioError { try sender.send(long, to: address) }?.code == EMSGSIZE)
        // Waiting, and the answer.
        let reference = receiver.reference
        let echo = try Fiber.spawn {
          var room = [UInt8](repeating: 0, count: 64)
          let datagram = try reference.receive(into: &room)
          try reference.send(Array(room[..<datagram.byteCount]), to: datagram.sender)
        }
        try untilParked(echo)
        try sender.send(bytes("again"), to: address)
        #expect(try sender.receive(into: &room).byteCount == 5)
        #expect(room == bytes("again"))
        try echo.join()
      }
    }
  }

  @Test("Files: made, written, appended to, read, cut; what cannot be opened")
  func files() throws {
    let scratch = try ScratchDirectory()
    try watched { watch in
      let path = scratch.path + "/file"
      #expect(ioError { try IOHandle.open(path) }?.code == ENOENT)
      let file = try IOHandle.open(path, [.write, .create, .exclusive])
      watch.add(file.reference)
      try file.writeAll(bytes("one"))
      #expect(ioError { try IOHandle.open(path, [.write, .create, .exclusive]) }?.code == EEXIST)
      #expect(ioError { try file.text() }?.code == EBADF)
      try file.close()
      let more = try IOHandle.open(path, [.write, .append])
      watch.add(more.reference)
      try more.writeAll(bytes(" two"))
      try more.close()
      let reader = try IOHandle.open(path)
      watch.add(reader.reference)
      #expect(try reader.text() == "one two")
      #expect(try reader.text() == "")
      let cut = try IOHandle.open(path, [.readWrite, .truncate])
      watch.add(cut.reference)
      #expect(try cut.text() == "")
      #expect(ioError { try IOHandle.open(scratch.path, .write) }?.code == EISDIR)
      let folder = try IOHandle.open(scratch.path)
      #expect(ioError { try folder.text() }?.code == EISDIR)
      #expect(symlink(path, path + ".link") == 0)
      #expect(ioError { try IOHandle.open(path + ".link", [.read, .noFollow]) }?.code == ELOOP)
      #expect(ioError { try reader.accept() }?.code == ENOTSOCK)
      #expect(ioError { try reader.shutdown(.write) }?.code == ENOTSOCK)
    }
  }

  @Test("Devices: those that are always ready, and a terminal")
  func devices() throws {
    try watched { watch in
      let null = try IOHandle.open("/dev/null", .readWrite)
      #expect(try null.write(bytes("gone")) == 4)
      #expect(try null.text() == "")
      let zero = try IOHandle.open("/dev/zero")
      var some = [UInt8](repeating: 1, count: 100)
      #expect(try zero.readAll(into: &some) == 100)
      #expect(some.allSatisfy { $0 == 0 })
      let full = try IOHandle.open("/dev/full", .write)
      #expect(ioError { try full.write(bytes("x")) }?.code == ENOSPC)
      let master = Glibc.open("/dev/ptmx", O_RDWR | O_NOCTTY)
      guard master >= 0 else { return }
      var number: Int32 = 0
      var unlocked: Int32 = 0
      guard ioctl(master, 0x8004_5430, &number) == 0,  // TIOCGPTN
        ioctl(master, 0x4004_5431, &unlocked) == 0  // TIOCSPTLCK
      else { return }
      let slave = try IOHandle.open("/dev/pts/\(number)", .readWrite)
      let terminal = try IOHandle(owning: master)
      let reference = slave.reference
      let line = try Fiber.spawn { try reference.text() }
      try untilParked(line)
      try terminal.writeAll(bytes("line\n"))
      #expect(try line.join() == "line\n")
    }
  }

  @Test("Signals: waited for, remembered, told once, given back")
  func signals() throws {
    try inFibers {
      let signals = try FiberSignals([SIGWINCH, SIGURG])
      #expect(
        ioError { _ = try FiberSignals([SIGCONT, SIGURG]) }?.code == EBUSY)
      // What it took before it failed was given back.
      _ = try FiberSignals([SIGCONT])
      raise(SIGURG)
      #expect(try signals.next() == SIGURG)
      raise(SIGURG)
      raise(SIGWINCH)
      raise(SIGURG)
      #expect(try signals.next() == SIGWINCH)
      #expect(try signals.next() == SIGURG)
      #expect(throws: DeadlineExceeded.self) {
        try Fiber.withTimeout(.milliseconds(1)) { _ = try signals.next() }
      }
      try Fiber.spawn { raise(SIGWINCH) }
      #expect(try signals.next() == SIGWINCH)
      #expect(ioError { _ = try FiberSignals([SIGKILL]) }?.code == EINVAL)
      #expect(ioError { _ = try FiberSignals([-1]) }?.code == EINVAL)
      #expect(ioError { _ = try FiberSignals([SIGCHLD, SIGCHLD]) }?.code == EBUSY)
    }
    // Ignored again: this does nothing.
    raise(SIGURG)
  }
}
