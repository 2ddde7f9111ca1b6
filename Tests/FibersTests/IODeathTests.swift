import Fibers
import Glibc
import TestSupport
import Testing

private func said(_ result: ExitTest.Result?, _ words: String) -> Bool {
  guard let result else { return false }
  return String(decoding: result.standardErrorContent, as: UTF8.self).contains(words)
}

@Suite("I/O: misuse traps with a message, and what needs a process of its own")
struct IODeathTests {
  @Test("Reading outside of a fiber")
  func outside() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      try synchronously {
        let pipe = try IOHandle.pipe()
        _ = try pipe.first.text()
      }
    }
    #expect(said(result, "IOHandle: called outside of a fiber"))
  }

  @Test("Opening a file outside of a fiber")
  func openOutside() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      try synchronously { _ = try IOHandle.open("/dev/null") }
    }
    #expect(said(result, "Fiber.blocking: called outside of a fiber"))
  }

  @Test("Reading by a fiber of another thread")
  func otherThread() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      try synchronously {
        let pair = try Held.socketPair()
        nonisolated(unsafe) let smuggled = pair.0.reference
        onOwnThread {
          _ = try? Fiber.spawn { _ = try smuggled.text() }
          try? Fiber.run()
        }
      }
    }
    #expect(said(result, "IOHandle: it belongs to another thread's runtime"))
  }

  @Test("Closing on another thread")
  func closeElsewhere() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      try synchronously {
        let pair = try Held.socketPair()
        nonisolated(unsafe) let smuggled = pair.0
        onOwnThread { try? smuggled.close() }
      }
    }
    #expect(said(result, "IOHandle: closed on another thread"))
  }

  @Test("More buffers than the system takes in one call")
  func manyBuffers() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      try synchronously {
        try inFibers {
          let (near, _) = try Held.socketPair()
          let empty = UnsafeRawBufferPointer(start: nil, count: 0)
          _ = try near.reference.writev([UnsafeRawBufferPointer](repeating: empty, count: 1025))
        }
      }
    }
    #expect(said(result, "IOHandle: at most 1,024 buffers in one call, not 1025"))
  }

  @Test("Out of descriptors, an accept says so, and the listener serves on when there are some")
  func exhausted() async {
    await #expect(processExitsWith: .success) {
      try synchronously {
        try inFibers {
          let listener = Held(try .listen(on: .loopback(port: 0)))
          let address = try listener.reference.localAddress
          let client = try IOHandle.connect(to: address)
          let acceptor = try Fiber.spawn { Held(try listener.reference.accept()) }
          let first = try acceptor.join()
          let waiting = try IOHandle.connect(to: address)
          var limit = rlimit()
          getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
          let former = limit.rlim_cur
          limit.rlim_cur = 3
          setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
          for _ in 0..<20 {
            precondition(ioError { try listener.reference.accept() }?.code == EMFILE)
          }
          precondition(ioError { try IOHandle.pipe() }?.code == EMFILE)
          precondition(ioError { try IOHandle.socketPair() }?.code == EMFILE)
          precondition(ioError { try IOHandle.connect(to: address) }?.code == EMFILE)
          precondition(ioError { try IOHandle.open("/dev/null") }?.code == EMFILE)
          // Those that are there are served.
          try client.writeAll(bytes("x"))
          let text = try first.reference.text()
          precondition(text == "x")
          limit.rlim_cur = former
          setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
          try waiting.writeAll(bytes("y"))
          let second = try listener.reference.accept()
          let late = try second.text()
          precondition(late == "y")
        }
      }
    }
  }

  @Test("A runtime that gets no epoll descriptor says so, and gets one later")
  func noLoop() async {
    await #expect(processExitsWith: .success) {
      try synchronously {
        var ends: [Int32] = [-1, -1]
        precondition(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        try inFibers {
          var limit = rlimit()
          getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
          let former = limit.rlim_cur
          limit.rlim_cur = 3
          setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
          let error = ioError { try IOHandle(owning: ends[0]) }
          precondition(error?.code == EMFILE, "\(String(describing: error))")
          limit.rlim_cur = former
          setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
          let near = try IOHandle(owning: ends[0])
          let far = try IOHandle(owning: ends[1])
          try far.writeAll(bytes("x"))
          let text = try near.text()
          precondition(text == "x")
        }
      }
    }
  }

  @Test("A storm of signals interrupts calls and waits, and nothing else")
  func storm() async {
    await #expect(processExitsWith: .success) {
      try synchronously {
        let isOver = Flag()
        let thread = Guarded<pthread_t>(pthread_self())
        var sent = 0
        // Without SA_RESTART, so that every call sees it.
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { _ in }
        sigaction(SIGUSR1, &action, nil)
        let storm = OwnThread { () -> Int in
          var count = 0
          while !isOver.isRaised {
            pthread_kill(thread.withLock { $0 }, SIGUSR1)
            count += 1
            if count % 16 == 0 { usleep(1) }
          }
          return count
        }
        try inFibers {
          for round in 0..<20 {
            let listener = Held(try .listen(on: .loopback(port: 0)))
            let address = try listener.reference.localAddress
            let data = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ round) }
            let server = try Fiber.spawn {
              let connection = try listener.reference.accept()
              var got = [UInt8](repeating: 0, count: data.count)
              let count = try connection.readAll(into: &got)
              precondition(count == data.count && got == data)
              try connection.writeAll(got)
            }
            let client = try IOHandle.connect(to: address)
            try client.writeAll(data)
            var back = [UInt8](repeating: 0, count: data.count)
            let count = try client.readAll(into: &back)
            precondition(count == data.count && back == data)
            try server.join()
            let file = try IOHandle.open("/proc/self/stat")
            let text = try file.text()
            precondition(!text.isEmpty)
            try Fiber.sleep(for: .microseconds(200))
          }
        }
        isOver.raise()
        sent = storm.wait()
        precondition(sent > 20)
      }
    }
  }

  @Test("Signals taken and given back under fire ring no bell but their own")
  func bells() async {
    await #expect(processExitsWith: .success) {
      try synchronously {
        let isOver = Flag()
        let storms = (0..<2).map { _ in
          OwnThread { while !isOver.isRaised { kill(getpid(), SIGURG) } }
        }
        try inFibers {
          for _ in 0..<300 {
            do {
              let signals = try FiberSignals([SIGURG])
              let signal = try signals.next()
              precondition(signal == SIGURG)
            }
            // Very likely with the number that the bell had.
            let pipe = try IOHandle.pipe()
            for _ in 0..<3 { try Fiber.yield() }
            let near = pipe.first.reference
            let cut = { try Fiber.withTimeout(.microseconds(20)) { try near.text() } }
            do {
              let text = try cut()
              preconditionFailure("bytes of nobody: \(text)")
            } catch is DeadlineExceeded {}
          }
        }
        isOver.raise()
        for storm in storms { storm.wait() }
      }
    }
  }
}
