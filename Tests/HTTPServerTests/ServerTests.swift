import Glibc
import TestSupport
import Testing

/// What clients ask and what they get.
@Suite(.serialized) struct ServerTests {
  @Test func `the built-in page, on a connection that stays open`() throws {
    let server = try TestServer()
    let client = try Client(server)
    for _ in 0..<3 {
      let response = try client.get("/")
      #expect(response.status == 200)
      #expect(response.text == "Hello, world\n")
      #expect(response.fields["content-type"] == "text/plain; charset=utf-8")
      #expect(response.fields["connection"] == nil)
      #expect(response.fields["date"]?.utf8.count == 29)
    }
    #expect(try client.get("/?query").text == "Hello, world\n")
    #expect(try client.get("http://host/").text == "Hello, world\n")
    #expect(try client.get("/other").status == 404)
    #expect(try client.get("/").status == 200)
  }

  @Test func `a stop signal ends it, and says nothing`() throws {
    for signal in [SIGINT, SIGTERM] {
      let server = try TestServer("--threads", "3")
      #expect(try Client(server).get("/").status == 200)
      server.send(signal)
      let result = try server.finish()
      #expect(result.end == .exit(0))
      #expect(result.errors == "")
    }
  }

  @Test func `HEAD has the head of GET and no body`() throws {
    let directory = try ScratchDirectory()
    try directory.write("a.txt", Array("some text".utf8))
    for (server, path) in [(try TestServer(), "/"), (try TestServer(directory.path), "/a.txt")] {
      let client = try Client(server)
      for target in [path, "/none"] {
        try client.send("HEAD \(target) HTTP/1.1\r\nHost: a\r\n\r\n")
        var head = try client.readResponse(hasBody: false)
        var full = try client.get(target)
        #expect(full.body.count == Int(full.fields["content-length"] ?? ""))
        head.fields["date"] = nil
        full.fields["date"] = nil
        #expect(head.status == full.status)
        #expect(head.fields == full.fields)
      }
    }
  }

  @Test func `pipelined requests are answered in their order`() throws {
    let directory = try ScratchDirectory()
    for number in 0..<20 { try directory.write("\(number)", Array("file \(number)".utf8)) }
    try directory.write("big", variedBytes(300_000))
    let client = try Client(try TestServer(directory.path))
    let names = (0..<200).map { $0 % 50 == 49 ? "big" : "\($0 % 20)" }
    try client.send(names.map { "GET /\($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined())
    for name in names {
      let body = try client.readResponse().body
      #expect(body == (name == "big" ? variedBytes(300_000) : Array("file \(name)".utf8)))
    }
    #expect(!client.canRead)
  }

  @Test func `thousands of pipelined requests in one piece`() throws {
    let client = try Client(try TestServer())
    let request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    // Less than the systems buffer in both directions: nobody reads meanwhile.
    for _ in 0..<10 {
      try client.send(String(repeating: request, count: 1000))
      for _ in 0..<1000 { #expect(try client.readResponse().body.count == 13) }
    }
  }

  @Test(arguments: [
    ("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "close"),
    ("GET / HTTP/1.0\r\n\r\n", "close"),
    ("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "keep-alive"),
  ])
  func `connections end when the client wants it`(request: String, connection: String) throws {
    let client = try Client(try TestServer())
    try client.send(request + "GET /2 HTTP/1.0\r\n\r\n")
    let response = try client.readResponse()
    #expect(response.text == "Hello, world\n")
    #expect(response.fields["connection"] == connection)
    if connection == "keep-alive" { #expect(try client.readResponse().status == 404) }
    #expect(try client.readToEnd() == [])
  }

  @Test(
    arguments: [
      ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", 405, true),
      (
        "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", 405,
        true
      ),
      ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 405, true),
      ("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 405, true),
      ("BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501, true),
      ("GET /none HTTP/1.1\r\nHost: a\r\n\r\n", 404, true),
      ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 200, true),
      (
        "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n", 405,
        false
      ),
      ("GET / HTTP/1.1\r\n\r\n", 400, false),
      ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400, false),
      ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400, false),
      ("GET / HTTP/1.1\nHost: a\n\n", 400, false),
      ("\u{16}\u{3}\u{1}", 400, false),
      (
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        400,
        false
      ),
      ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\n", 413, false),
      ("GET / HTTP/1.1\r\nHost: a\r\nExpect: more\r\n\r\n", 417, false),
      ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501, false),
      ("GET / HTTP/2.0\r\n\r\n", 505, false),
      ("GET /\(String(repeating: "a", count: 9000)) HTTP/1.1\r\nHost: a\r\n\r\n", 414, false),
      (
        "GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "a", count: 20000))\r\n\r\n", 431,
        false
      ),
      ("GET / HTTP/1.1\r\n\(String(repeating: "X: a\r\n", count: 200))\r\n", 431, false),
    ] as [(RequestText, Int, Bool)])
  func `statuses, and whether the connection goes on`(
    request: RequestText, status: Int, goesOn: Bool
  ) throws {
    let client = try Client(try TestServer())
    try client.send(request.text)
    // What follows a refused request must not be taken for one, nor keep the answer from coming.
    try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    let response = try client.readResponse()
    #expect(response.status == status)
    #expect(status == 200 || response.text.hasPrefix("\(status) "))
    #expect(response.fields["allow"] == (status == 405 ? "GET, HEAD" : nil))
    #expect(response.fields["connection"] == (goesOn ? nil : "close"))
    if goesOn { #expect(try client.readResponse().status == 200) } else { client.endSending() }
    if !goesOn { #expect(try client.readToEnd() == []) }
  }

  @Test func `each thread serves its share`() throws {
    let server = try TestServer("--threads", "4")
    let clients = try (0..<64).map { _ in try Client(server) }
    for _ in 0..<3 {
      for client in clients { try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n") }
      for client in clients { #expect(try client.readResponse().status == 200) }
    }
    #expect(try server.stop().end == .exit(0))
    for client in clients { #expect(try client.readToEnd() == []) }
  }

  @Test func `curl gets what it wants`() throws {
    guard access("/usr/bin/curl", X_OK) == 0 else { return }
    let directory = try ScratchDirectory()
    let bytes = variedBytes(1_000_000)
    try directory.write("a b.bin", bytes)
    let server = try TestServer(directory.path)
    let address = "http://127.0.0.1:\(server.port)/a%20b.bin"
    let result = try runProcess(
      "/usr/bin/curl",
      [
        "-sS", "-o", directory["1"], "-o", directory["2"], "-w",
        "%{http_code} %{content_type} %{num_connects}\n", address, address,
      ])
    #expect(result.errors == "")
    // The second one on the same connection.
    #expect(
      result.output
        == "200 application/octet-stream 1\n200 application/octet-stream 0\n")
    #expect(directory.read("1") == bytes)
    #expect(directory.read("2") == bytes)
    let old = try runProcess("/usr/bin/curl", ["-sS", "--http1.0", "-I", address])
    #expect(old.output.hasPrefix("HTTP/1.1 200 OK\r\n"))
    let post = try runProcess(
      "/usr/bin/curl",
      ["-sS", "-H", "Expect: 100-continue", "--data-binary", "@\(directory["1"])", address])
    #expect(post.output == "405 Method Not Allowed\n")
  }
}

/// Bytes none of whose pages equals another.
func variedBytes(_ count: Int) -> [UInt8] {
  var random = Seed(UInt64(count))
  var bytes = [UInt8](repeating: 0, count: count)
  bytes.withUnsafeMutableBytes { bytes in
    for offset in stride(from: 0, to: count - 7, by: 8) {
      bytes.storeBytes(of: random.next(), toByteOffset: offset, as: UInt64.self)
    }
    for offset in (count & ~7)..<count { bytes[offset] = UInt8(truncatingIfNeeded: offset) }
  }
  return bytes
}

/// A request whose beginning alone is printed, in one line.
struct RequestText: ExpressibleByStringInterpolation, CustomTestStringConvertible {
  let text: String

  init(stringLiteral text: String) { self.text = text }

  var testDescription: String { text.prefix(60).debugDescription }
}
