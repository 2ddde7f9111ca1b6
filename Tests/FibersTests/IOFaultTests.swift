import Fibers
import Glibc
import TestSupport
import Testing

/// Faults that were found in the I/O, each with the test that failed before it was mended.
@Suite("I/O: faults of the past")
struct IOFaultTests {
  @Test("Datagrams that wait are read one after the other, by read() too")
  func datagramsAreNotDrained() throws {
    try inFibers {
      let receiver = try IOHandle.datagram(on: .loopback(port: 0))
      let sender = try IOHandle.datagram(on: .loopback(port: 0))
      let address = try receiver.localAddress
      let reference = receiver.reference
      let reader = try Fiber.spawn {
        try (0..<3).map { _ in try reference.text() }
      }
      try untilParked(reader)
      for word in ["one", "two", "three"] { try sender.send(bytes(word), to: address) }
      #expect(try reader.join() == ["one", "two", "three"])
    }
  }

  @Test("So are packets of a socket pair that was handed over")
  func packetsAreNotDrained() throws {
    try inFibers {
      var ends: [Int32] = [-1, -1]
      #expect(socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue), 0, &ends) == 0)
      let first = try IOHandle(owning: ends[0])
      let second = try IOHandle(owning: ends[1])
      let reference = first.reference
      let reader = try Fiber.spawn { try (0..<3).map { _ in try reference.text() } }
      try untilParked(reader)
      for word in ["one", "two", "three"] { try second.writeAll(bytes(word)) }
      #expect(try reader.join() == ["one", "two", "three"])
    }
  }

  @Test("Bytes after urgent data are not forgotten")
  func urgentData() throws {
    try inFibers {
      try tcpPair { client, server in
        let reference = server.reference
        let reader = try Fiber.spawn {
          var all = ""
          while all.count < 4 { all += try reference.text() }
          return all
        }
        try untilParked(reader)
        let descriptor = try client.reference.descriptor
        #expect(send(descriptor, "ab", 2, 0) == 2)
        #expect(send(descriptor, "X", 1, Int32(MSG_OOB)) == 1)
        #expect(send(descriptor, "cd", 2, 0) == 2)
        #expect(try reader.join() == "abcd")
      }
    }
  }

  @Test("Bytes after a passed descriptor are not forgotten")
  func passedDescriptor() throws {
    try inFibers {
      let pair = try IOHandle.socketPair()
      let reference = pair.first.reference
      let reader = try Fiber.spawn {
        var all = ""
        while all.count < 4 { all += try reference.text() }
        return all
      }
      try untilParked(reader)
      let descriptor = try pair.second.reference.descriptor
      #expect(sendWithDescriptor(descriptor, "ab", passing: 0) == 2)
      #expect(send(descriptor, "cd", 2, 0) == 2)
      #expect(try reader.join() == "abcd")
    }
  }

  @Test("A read into nothing returns 0, also when all bytes were read before")
  func emptyRead() throws {
    try inFibers {
      let pair = try IOHandle.socketPair()
      let reference = pair.first.reference
      let reader = try Fiber.spawn {
        #expect(try reference.text() == "x")
        var nothing: [UInt8] = []
        return try reference.read(into: &nothing)
      }
      try untilParked(reader)
      try pair.second.writeAll(bytes("x"))
      #expect(try reader.join() == 0)
    }
  }

  @Test("A deadline that has passed does not keep a read from bytes that are there")
  func readAfterDeadline() throws {
    try inFibers {
      let pair = try IOHandle.socketPair()
      let (near, far) = (pair.first.reference, pair.second.reference)
      let reader = try Fiber.spawn {
        #expect(try near.text() == "x")
        // From here on without a turn of the event loop.
        try far.writeAll(bytes("y"))
        return try Fiber.withDeadline(FiberClock.now) { try near.text() }
      }
      try untilParked(reader)
      try far.writeAll(bytes("x"))
      #expect(try reader.join() == "y")
    }
  }

  @Test("Neither does a cancellation, which stays pending")
  func readAfterCancel() throws {
    try inFibers {
      let pair = try IOHandle.socketPair()
      let (near, far) = (pair.first.reference, pair.second.reference)
      let reader = try Fiber.spawn {
        #expect(try near.text() == "x")
        try far.writeAll(bytes("y"))
        Fiber.current?.cancel()
        #expect(try near.text() == "y")
        #expect(throws: FiberCancelled.self) { try Fiber.yield() }
      }
      try untilParked(reader)
      try far.writeAll(bytes("x"))
      try reader.join()
    }
  }

  @Test("A path or a host with a zero byte in it is not cut there")
  func zeroBytes() throws {
    try inFibers {
      #expect(ioError { try IOHandle.open("/dev/null\0.txt") }?.code == EINVAL)
      #expect(throws: NameError.self) { try SocketAddress.resolve("127.0.0.1\0.example", port: 1) }
    }
  }

  @Test("A handle used by a fiber of another runtime of the same thread traps")
  func otherRuntime() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      try synchronously {
        let first = try FiberRuntime()
        let second = try FiberRuntime()
        var reference: IOReference?
        let owner = try first.spawn {
          let pipe = try IOHandle.pipe()
          reference = pipe.first.reference
          try Fiber.park { _ in }
        }
        try first.spawn {}.join()
        try second.spawn {
          let own = try IOHandle.pipe()
          _ = try? Fiber.withTimeout(.seconds(60)) { _ = try reference?.text() }
          _ = own.first.reference
        }
        try second.run()
        owner.cancel()
      }
    }
    #expect(
      result.map { String(decoding: $0.standardErrorContent, as: UTF8.self) }?
        .contains("IOHandle: it belongs to another runtime") == true)
  }

  @Test(
    "After a stop, a runtime whose fibers wait for descriptors sleeps", arguments: [true, false])
  func sleepsAfterStop(serving: Bool) throws {
    let thread = Guarded(0)
    let isParked = Flag()
    let remote = Guarded<FiberRemote?>(nil)
    let ends = Guarded<[Int32]>([-1, -1])
    let runner = OwnThread {
      do {
        let runtime = try FiberRuntime()
        remote.withLock { $0 = runtime.remote }
        try runtime.spawn {
          let pipe = try IOHandle.pipe()
          ends.withLock {
            $0 = [try! pipe.first.reference.descriptor, try! pipe.second.reference.descriptor]
          }
          thread.withLock { $0 = currentThreadID() }
          isParked.raise()
          #expect(try pipe.first.text() == "x")
        }
        if serving { try runtime.serve() } else { try runtime.run() }
        return true
      } catch {
        return false
      }
    }
    waitUntil { isParked.isRaised }
    remote.withLock { $0 }?.stop()
    let id = thread.withLock { $0 }
    var asleep = 0
    for _ in 0..<400 {
      usleep(100)  // not to wait for anything: to look at different moments
      asleep += isAsleep(thread: id) ? 1 : 0
    }
    #expect(asleep > 200)
    #expect(write(ends.withLock { $0[1] }, "x", 1) == 1)
    #expect(runner.wait())
  }

  @Test("A closed handle whose descriptor lives on in a copy leaves nothing in the event loop")
  func duplicates() throws {
    try inFibers {
      let pair = try IOHandle.socketPair()
      let copy = try dup(pair.first.reference.descriptor)
      let (number, far) = try (pair.first.reference.descriptor, pair.second.reference)
      let reference = pair.first.reference
      let reader = try Fiber.spawn { ioError { try reference.text() } }
      try untilParked(reader)
      try pair.split { first, second in
        try first.close()
        #expect(try reader.join() == .closed)
        // The same socket at the same number again.
        let handle = try IOHandle(owning: dup2(copy, number))
        let waiting = handle.reference
        let waiter = try Fiber.spawn { try waiting.text() }
        try untilParked(waiter)
        try far.writeAll(bytes("z"))
        #expect(try waiter.join() == "z")
        _ = second.reference
        close(copy)
      }
    }
  }
}

/// Sends text with a descriptor attached, as other programs do.
private func sendWithDescriptor(_ socket: Int32, _ text: String, passing descriptor: Int32) -> Int {
  var data = Array(text.utf8)
  return data.withUnsafeMutableBytes { data in
    var part = iovec(iov_base: data.baseAddress, iov_len: data.count)
    // A cmsghdr (length, level, type) and one descriptor, padded.
    var control = [UInt64](repeating: 0, count: 3)
    return control.withUnsafeMutableBytes { control in
      control.storeBytes(of: 20, toByteOffset: 0, as: Int.self)
      control.storeBytes(of: SOL_SOCKET, toByteOffset: 8, as: Int32.self)
      control.storeBytes(of: 1, toByteOffset: 12, as: Int32.self)  // SCM_RIGHTS
      control.storeBytes(of: descriptor, toByteOffset: 16, as: Int32.self)
      return withUnsafeMutablePointer(to: &part) { part in
        var message = msghdr(
          msg_name: nil, msg_namelen: 0, msg_iov: part, msg_iovlen: 1,
          msg_control: control.baseAddress, msg_controllen: 24, msg_flags: 0)
        return sendmsg(socket, &message, 0)
      }
    }
  }
}
