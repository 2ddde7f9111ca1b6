import Glibc
import TestSupport
import Testing

/// Clients that are slow, rude or many must not keep the server from serving others.
@Suite(.serialized) struct HardClientTests {
  private func isServing(_ server: TestServer) throws -> Bool {
    try Client(server).get("/").status == 200
  }

  @Test func `a request that comes byte by byte`() throws {
    let server = try TestServer()
    let slow = try Client(server)
    let other = try Client(server)
    for byte in "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab".utf8 {
      #expect(!slow.canRead)
      try slow.send([byte])
      // Each byte is on its own: the other is served between.
      #expect(try other.get("/").status == 200)
    }
    #expect(try slow.readResponse().status == 200)
  }

  @Test func `a client that never reads, and then does`() throws {
    let directory = try ScratchDirectory()
    let bytes = variedBytes(8_000_000)
    try directory.write("index.html", [])
    try directory.write("big", bytes)
    let server = try TestServer(directory.path)
    let lazy = try (0..<4).map { _ in try Client(server, receiveBuffer: 131_072) }
    for client in lazy { try client.send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n") }
    for client in lazy { waitUntil { client.canRead } }
    for _ in 0..<50 { #expect(try isServing(server)) }
    #expect(try lazy[2].readResponse().body == bytes)
  }

  @Test func `a client that never reads and never stops asking`() throws {
    let server = try TestServer()
    let lazy = try Client(server, receiveBuffer: 4096)
    let requests = Array(
      String(repeating: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", count: 1000).utf8)
    // Until nothing more is taken: the answers fill all buffers, and then the requests do.
    let flags = fcntl(lazy.descriptor, F_GETFL)
    _ = fcntl(lazy.descriptor, F_SETFL, flags | O_NONBLOCK)
    var sent = 0
    while true {
      let count = Glibc.send(
        lazy.descriptor, requests, requests.count, CInt(MSG_NOSIGNAL))
      if count > 0 {
        sent += count
        continue
      }
      // The server may still be reading; when it has served another one in full, it has not.
      #expect(try isServing(server))
      var look = pollfd(fd: lazy.descriptor, events: Int16(POLLOUT), revents: 0)
      if poll(&look, 1, 0) == 0 { break }
    }
    #expect(sent > 0)
    for _ in 0..<20 { #expect(try isServing(server)) }
  }

  @Test func `a client that has said all gets its answers`() throws {
    let server = try TestServer()
    let client = try Client(server)
    try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\nGET /unf")
    client.endSending()
    #expect(try client.readResponse().status == 200)
    #expect(try client.readResponse().status == 404)
    #expect(try client.readToEnd() == [])
  }

  @Test func `resets at any point`() throws {
    let directory = try ScratchDirectory()
    try directory.write("index.html", variedBytes(500_000))
    let server = try TestServer(directory.path)
    for count in 0..<60 {
      let client = try Client(server)
      try client.send(String("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n".prefix(count)))
      client.reset()
    }
    let reading = try Client(server)
    try reading.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    waitUntil { reading.canRead }
    reading.reset()
    #expect(try isServing(server))
    let result = try server.stop()
    #expect(result.end == .exit(0))
    #expect(result.errors == "")
  }

  @Test(arguments: [3, 1_000_003] as [UInt64])
  func `garbage`(seed: UInt64) throws {
    var random = Seed(seed)
    let server = try TestServer()
    for _ in 0..<50 * stressFactor {
      let client = try Client(server)
      let bytes = (0..<Int.random(in: 1...3000, using: &random)).map { _ in
        UInt8.random(in: .min ... .max, using: &random)
      }
      // The server may have closed already.
      try? client.send(bytes)
      client.endSending()
      let answer = String(decoding: client.readToAnyEnd(), as: UTF8.self)
      #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 4"), "\(random)")
    }
    #expect(try isServing(server))
  }

  @Test func `half a request is waited for, but not for ever`() throws {
    let server = try TestServer("--request-timeout", "1")
    for part in ["G", "GET / HTTP/1.1\r\nHost: a", "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HT"] {
      let client = try Client(server)
      try client.send(part)
      if part.contains("\r\n\r\n") { #expect(try client.readResponse().status == 200) }
      let response = try client.readResponse()
      #expect(response.status == 408)
      #expect(response.fields["connection"] == "close")
      #expect(try client.readToEnd() == [])
    }
    #expect(try isServing(server))
  }

  @Test func `many half requests in a row have a time each`() throws {
    // The end of each batch is the beginning of the next one.
    let server = try TestServer("--request-timeout", "3600")
    let client = try Client(server)
    let request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    try client.send("GET")
    for _ in 0..<500 {
      try client.send(String(request.dropFirst(3)) + request + "GET")
      #expect(try client.readResponse().status == 200)
      #expect(try client.readResponse().status == 200)
    }
  }

  @Test func `an idle connection ends without a word`() throws {
    let server = try TestServer("--idle-timeout", "1")
    let silent = try Client(server)
    let used = try Client(server)
    #expect(try used.get("/").status == 200)
    #expect(try silent.readToEnd() == [])
    #expect(try used.readToEnd() == [])
  }

  @Test func `who does not take an answer loses the connection`() throws {
    let directory = try ScratchDirectory()
    try directory.write("index.html", variedBytes(20_000_000))
    let server = try TestServer(directory.path, "--request-timeout", "1", "--connections", "1")
    let lazy = try Client(server, receiveBuffer: 131_072)
    try lazy.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    waitUntil { lazy.canRead }
    // There is room for one connection: this one is served when the other has lost it.
    #expect(try Client(server).get("/none").status == 404)
    #expect(lazy.readToAnyEnd().count < 20_000_000)
  }

  @Test func `who takes an answer slowly gets all of it`() throws {
    let directory = try ScratchDirectory()
    let bytes = variedBytes(12_000_000)
    try directory.write("index.html", bytes)
    let server = try TestServer(directory.path, "--request-timeout", "1", "--idle-timeout", "1")
    let slow = try Client(server, receiveBuffer: 262_144)
    // In two pieces, so that the limit for a request is in force when it is complete.
    try slow.send("GET / HTTP/1.1\r\nHost: a\r\n")
    try slow.send("\r\n")
    // All limits pass meanwhile: that is the purpose of this wait, and nothing waits for its end.
    let begin = ContinuousClock.now
    var response: [UInt8] = []
    while ContinuousClock.now - begin < .seconds(4) {
      response += try slow.receive()
      poll(nil, 0, 50)
    }
    #expect(response.count < bytes.count)
    while response.count < bytes.count { response += try slow.receive() }
    slow.endSending()
    response += try slow.readToEnd()
    #expect(response.suffix(bytes.count).elementsEqual(bytes))
  }

  @Test func `connections beyond the limit wait their turn`() throws {
    let server = try TestServer("--connections", "2")
    let first = try Client(server)
    let second = try Client(server)
    let third = try Client(server)
    try third.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    for _ in 0..<50 {
      #expect(try first.get("/").status == 200)
      #expect(try second.get("/").status == 200)
    }
    #expect(!third.canRead)
    first.close()
    #expect(try third.readResponse().status == 200)
    #expect(try second.get("/").status == 200)
  }

  @Test func `without descriptors it lives, tells, and goes on`() throws {
    let server = try TestServer("--connections", "1000", descriptors: 40)
    var clients = try (0..<60).map { _ in try Client(server) }
    let first = clients[0]
    #expect(try first.get("/").status == 200)
    let last = clients[59]
    try last.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    for _ in 0..<50 { #expect(try first.get("/").status == 200) }
    #expect(!last.canRead)
    clients.removeSubrange(1..<59)
    #expect(try last.readResponse().status == 200)
    #expect(try isServing(server))
    let result = try server.stop()
    #expect(result.end == .exit(0))
    let told = result.errors.split(separator: "\n")
    #expect(told.contains { $0.contains("cannot accept a connection") })
    #expect(told.count < 10)
  }

  @Test func `thousands of idle connections`() throws {
    let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    var limit = rlimit()
    getrlimit(resource, &limit)
    limit.rlim_cur = limit.rlim_max
    setrlimit(resource, &limit)
    // TSan knows a few thousand fibers; a limit on descriptors allows fewer for us and the server.
    let possible = Int(clamping: limit.rlim_max) * 3 / 4
    let count = min(sanitizerLimitsFibers ? 1000 : 10_000, possible)
    let server = try TestServer()
    var idle: [Client] = []
    for _ in 0..<count { idle.append(try Client(server)) }
    for _ in 0..<20 { #expect(try isServing(server)) }
    for client in idle { try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n") }
    for client in idle { #expect(try client.readResponse().status == 200) }
    #expect(try server.stop().end == .exit(0))
  }
}
