import TestSupport
import Testing
import http_server

@Suite struct ParserTests {
  @Test(arguments: Example.good)
  func `good requests are read`(example: Example) {
    let reading = read(example.input)
    #expect(reading.requests.count == example.requests)
    #expect(reading.end == .incomplete)
  }

  @Test(arguments: Example.bad)
  func `bad requests are refused with the right status`(example: Example) throws {
    let reading = read(example.input)
    #expect(reading.end == .refused(try #require(example.refusal)))
    #expect(reading.requests == [])
    // Also as the second request of a connection.
    let second = read(Example.get + "\r\n" + example.input)
    #expect(second.requests.count == 1)
    #expect(second.end == reading.end)
  }

  @Test func `method, target and version are told`() throws {
    let request = try #require(read("HEAD /a?b HTTP/1.1\r\nHost: a\r\n\r\n").requests.first)
    #expect(request.method == .head)
    #expect(request.target == Array("/a?b".utf8))
    #expect(request.isVersion11)
    let methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "TRACE", "get", "BREW", "GETS"]
    #expect(
      methods.map { read("\($0) / HTTP/1.0\r\n\r\n").requests.first?.method } == [
        .get, .head, .refused, .refused, .refused, .refused, .refused, .unknown, .unknown, .unknown,
      ])
  }

  @Test(arguments: [
    ("1.1", "", true), ("1.0", "", false), ("1.1", "Connection: close", false),
    ("1.0", "Connection: Keep-Alive", true), ("1.0", "Connection: close, keep-alive", false),
    ("1.1", "Connection: x, CLOSE", false), ("1.1", "Connection: closer", true),
    ("1.0", "Connection: x\r\nConnection: keep-alive", true),
    ("1.1", "Expect: 100-continue\r\nContent-Length: 1", false),
    ("1.1", "Expect: 100-continue", true),
  ])
  func `whether the connection stays open`(version: String, field: String, stays: Bool) {
    let fields = field.isEmpty ? "" : field + "\r\n"
    let reading = read("GET / HTTP/\(version)\r\nHost: a\r\n\(fields)\r\n")
    #expect(reading.requests.map(\.keepsAlive) == [stays])
  }

  @Test func `nothing of a request is left for the next one`() {
    let date = "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
    let input = "GET /first HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\(date)\r\n"
    let reading = read(input + "HEAD /2 HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(reading.requests.map(\.modifiedSince) == [784_111_777, nil])
    #expect(reading.requests.map(\.keepsAlive) == [false, true])
    #expect(reading.requests.map(\.target) == [Array("/first".utf8), Array("/2".utf8)])
  }

  /// A limit, what is exactly as long, and the status for what is longer.
  struct LimitExample: Sendable {
    let name: String
    let limits: RequestLimits
    let status: Status
    /// An input with so many bytes, or fields, of what is limited to 40.
    let input: @Sendable (Int) -> String

    init(
      _ name: String, _ limit: WritableKeyPath<RequestLimits, Int>, _ status: Status,
      _ input: @escaping @Sendable (Int) -> String
    ) {
      self.name = name
      var limits = RequestLimits()
      limits[keyPath: limit] = 40
      self.limits = limits
      self.status = status
      self.input = input
    }
  }

  @Test(arguments: [
    LimitExample("request line", \.lineByteCount, .uriTooLong) {
      "GET /\(String(repeating: "a", count: $0 - 16)) HTTP/1.1\r\nHost: a\r\n\r\n"
    },
    LimitExample("one field", \.fieldsByteCount, .headersTooLarge) {
      "GET / HTTP/1.1\r\nHost: \(String(repeating: "a", count: $0 - 10))\r\n\r\n"
    },
    LimitExample("several fields", \.fieldsByteCount, .headersTooLarge) {
      "\(Example.get)X: y\r\nZ: \(String(repeating: "a", count: $0 - 22))\r\n\r\n"
    },
    LimitExample("number of fields", \.fieldCount, .headersTooLarge) {
      Example.get + String(repeating: "X:\r\n", count: $0 - 1) + "\r\n"
    },
    LimitExample("trailer", \.fieldsByteCount, .headersTooLarge) {
      "GET / HTTP/1.1\r\nHost:\r\nTransfer-Encoding:chunked\r\n\r\n0\r\n"
        + "X: \(String(repeating: "a", count: $0 - 7))\r\n\r\n"
    },
    LimitExample("body", \.bodyByteCount, .contentTooLarge) {
      "\(Example.get)Content-Length: \($0)\r\n\r\n" + String(repeating: "a", count: $0)
    },
    LimitExample("chunks", \.bodyByteCount, .contentTooLarge) {
      "\(Example.get)Transfer-Encoding: chunked\r\n\r\n5\r\n"
        + "hello\r\n\(String($0 - 10 - 4 - 2 - 3, radix: 16))\r\n"
        + String(repeating: "a", count: $0 - 10 - 4 - 2 - 3) + "\r\n0\r\n\r\n"
    },
  ])
  func `what is as long as a limit is read, and what is longer refused`(example: LimitExample) {
    #expect(read(example.input(40), limits: example.limits).requests.count == 1)
    for count in [41, 42, 60, 500] {
      let reading = read(example.input(count), limits: example.limits)
      #expect(reading == Reading(end: .refused(example.status)), "\(count)")
    }
  }

  @Test func `a line without end is refused as soon as it is too long`() {
    let limits = RequestLimits()
    let endless = Array(repeating: UInt8(ascii: "A"), count: limits.lineByteCount)
    #expect(read(Array(endless.dropLast())).end == .incomplete)
    #expect(read(endless).end == .refused(.uriTooLong))
    let field =
      Array((Example.get + "X: ").utf8)
      + Array(repeating: UInt8(ascii: "A"), count: limits.fieldsByteCount)
    #expect(read(field).end == .refused(.headersTooLarge))
  }

  @Test func `being inside a request is told`() {
    var parser = RequestParser()
    func isInside(after text: String) -> Bool {
      _ = Array(text.utf8).withUnsafeBytes { parser.feed($0) }
      return parser.isInsideRequest
    }
    #expect(!parser.isInsideRequest)
    #expect(isInside(after: "G"))
    #expect(isInside(after: "ET / HTTP/1.1\r\n"))
    #expect(isInside(after: "Host: a\r\nContent-Length: 2\r\n\r\n"))
    #expect(isInside(after: "1"))
    #expect(!isInside(after: "2"))
  }

  @Test func `the sets of characters are those of the standards`() {
    let letters = Set((0x41...0x5a).map { UInt8($0) } + (0x61...0x7a).map { UInt8($0) })
    let alphanumeric = letters.union(0x30...0x39)
    let token = alphanumeric.union("!#$%&'*+-.^_`|~".utf8)
    let target = Set(UInt8(0x21)...0x7e).subtracting("\"#<>\\^`".utf8)
    let host = alphanumeric.union("-._~!$&'()*+,;=%:[]".utf8)
    for byte in UInt8.min ... .max {
      #expect(ByteSet.token.contains(byte) == token.contains(byte))
      #expect(ByteSet.target.contains(byte) == target.contains(byte))
      #expect(ByteSet.host.contains(byte) == host.contains(byte))
    }
  }

  @Test(.enabled(if: countsAllocations && !isDebugBuild))
  func `a request is read without allocating`() {
    var parser = RequestParser()
    let fields = """
      Host: localhost:8080\r
      User-Agent: a browser with a long name\r
      Accept: text/html,application/xhtml+xml\r
      Connection: keep-alive\r
      \r\n
      """
    let inputs = ["/", "/index.html", "/"].map { Array("GET \($0) HTTP/1.1\r\n\(fields)".utf8) }
    var read = 0
    let count = allocations {
      for input in inputs {
        input.withUnsafeBytes { input in
          for _ in 0..<100 { read += parser.feed(input).outcome == .request ? 1 : 0 }
        }
      }
    }
    #expect(read == 300)
    #expect(count == 0)
  }
}
