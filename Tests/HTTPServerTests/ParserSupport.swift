import http_server

/// What a parser made of an input.
struct Reading: Equatable {
  /// The complete requests, in order.
  var requests: [Request] = []
  /// What came after the last of them.
  var end = RequestParser.Outcome.incomplete
}

/// Feeds `input` to a parser, cut at the places given.
func read(
  _ input: [UInt8], cutAt cuts: [Int] = [], limits: RequestLimits = RequestLimits()
) -> Reading {
  var parser = RequestParser(limits: limits)
  var reading = Reading()
  var start = 0
  for end in cuts + [input.count] where end >= start {
    let piece = Array(input[start..<end])
    start = end
    var used = 0
    while used < piece.count || piece.isEmpty {
      let step = piece[used...].withUnsafeBytes { parser.feed($0) }
      precondition(0...(piece.count - used) ~= step.used, "used bytes that are not there")
      used += step.used
      switch step.outcome {
      case .request: reading.requests.append(parser.request)
      case .incomplete:
        precondition(used == piece.count, "stopped before the end of the bytes")
      case .refused:
        reading.end = step.outcome
        // It stays so, whatever comes.
        precondition([1, 2, 3].withUnsafeBytes { parser.feed($0) } == (0, step.outcome))
        return reading
      }
      if piece.isEmpty { break }
    }
  }
  reading.end = .incomplete
  return reading
}

func read(_ input: String, limits: RequestLimits = RequestLimits()) -> Reading {
  read(Array(input.utf8), limits: limits)
}

/// What must be said of an input: how many requests, and the refusal after them, if any.
struct Example: Sendable, CustomStringConvertible {
  var input: String
  var requests: Int
  var refusal: Status?

  init(_ input: String, _ requests: Int) {
    self.input = input
    self.requests = requests
  }

  init(_ input: String, _ refusal: Status) {
    self.init(input, 0)
    self.refusal = refusal
  }

  var description: String { String(reflecting: input.prefix(80)) }

  static let get = "GET / HTTP/1.1\r\nHost: a\r\n"

  static let good = [
    Example("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 1),
    Example("GET / HTTP/1.0\r\n\r\n", 1),
    Example("GET / HTTP/1.7\r\nHost: a\r\n\r\n", 1),
    Example("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 1),
    Example("GET / HTTP/1.1\r\nhOST:a:8080\r\n\r\n", 1),
    Example("GET / HTTP/1.1\r\nHost:\t a \t\r\n\r\n", 1),
    Example("GET / HTTP/1.1\r\nHost:\r\n\r\n", 1),
    Example("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 1),
    Example("\(get)X-Empty:\r\nX-Tab: a\tb\r\nX-Latin: caf\u{e9}\r\n!#$%&'*+-.^_`|~: 1\r\n\r\n", 1),
    Example("GET /a%20b?c={d}|e&f HTTP/1.1\r\nHost: a\r\n\r\n", 1),
    Example("GET http://example.org/a HTTP/1.1\r\nHost: example.org\r\n\r\n", 1),
    Example("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 1),
    Example("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 1),
    Example("BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n", 1),
    Example("\(get)Content-Length: 0\r\n\r\n", 1),
    Example("\(get)Content-Length: 5\r\n\r\nhello\(get)\r\n", 2),
    Example("\(get)Content-Length: 005\r\n\r\nhello\(get)\r\n", 2),
    Example("\(get)Content-Length: 6\r\n\r\nhello", 0),
    Example("\(get)Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n\(get)\r\n", 2),
    Example(
      "\(get)Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n00A;x=\"y\"\r\n0123456789\r\n0\r\n\r\n",
      1),
    Example(
      "\(get)Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: y\r\nZ: 1\r\n\r\n\(get)\r\n", 2),
    Example("\(get)Transfer-Encoding: chunked\r\n\r\n2\r\n\r\n\r\n0\r\n\r\n", 1),
    // The answer comes before the body, which is not waited for.
    Example("\(get)Expect: 100-Continue\r\nContent-Length: 5\r\n\r\n", 1),
    Example("\(get)Connection: , close ,, x\r\n\r\n", 1),
    Example("\(get)\r\n\(get)\r\n\(get)\r\n", 3),
    Example("\(get)\r\nGET /unfinished", 1),
    Example("", 0),
    Example("\r\n", 0),
  ]

  static let bad = [
    // The request line.
    Example("GET /\r\n\r\n", .badRequest),
    Example("GET / HTTP/1.1\nHost: a\n\n", .badRequest),
    Example("GET  / HTTP/1.1\r\n", .badRequest),
    Example("GET /  HTTP/1.1\r\n", .badRequest),
    Example("GET / HTTP/1.1 \r\n", .badRequest),
    Example(" GET / HTTP/1.1\r\n", .badRequest),
    Example("GET\t/ HTTP/1.1\r\n", .badRequest),
    Example("GET a HTTP/1.1\r\n", .badRequest),
    Example("GET * HTTP/1.1\r\n", .badRequest),
    Example("GET a:80 HTTP/1.1\r\n", .badRequest),
    Example("CONNECT / HTTP/1.1\r\n", .badRequest),
    Example("GET ftp://a/ HTTP/1.1\r\n", .badRequest),
    Example("GET http:// HTTP/1.1\r\n", .badRequest),
    Example("GET http:///a HTTP/1.1\r\n", .badRequest),
    Example("GET http://a@b/ HTTP/1.1\r\n", .badRequest),
    Example("GET /a b HTTP/1.1\r\n", .badRequest),
    Example("GET /#a HTTP/1.1\r\n", .badRequest),
    Example("GET /\\a HTTP/1.1\r\n", .badRequest),
    Example("GET /\u{e9} HTTP/1.1\r\n", .badRequest),
    Example("GET /\0 HTTP/1.1\r\n", .badRequest),
    Example("G@T / HTTP/1.1\r\n", .badRequest),
    Example("GET / http/1.1\r\n", .badRequest),
    Example("GET / HTTP/11\r\n", .badRequest),
    Example("GET / HTTP/1.10\r\n", .badRequest),
    Example("GET / HTTP/a.1\r\n", .badRequest),
    Example("GET / HTTP/2.0\r\n", .versionNotSupported),
    Example("GET / HTTP/0.9\r\n", .versionNotSupported),
    Example("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .versionNotSupported),
    Example("\r\n\r\nGET / HTTP/1.1\r\n", .badRequest),
    Example("\u{16}\u{3}\u{1}\u{2}", .badRequest),
    Example("\0", .badRequest),
    Example("\n", .badRequest),
    Example("{}", .badRequest),
    // Fields.
    Example("GET / HTTP/1.1\r\n\r\n", .badRequest),
    Example("GET / HTTP/1.1\r\nX: a\r\n\r\n", .badRequest),
    Example("\(get)Host: a\r\n", .badRequest),
    Example("GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n", .badRequest),
    Example("GET / HTTP/1.1\r\nHost: a b\r\n", .badRequest),
    Example("GET / HTTP/1.1\r\nHost: a/b\r\n", .badRequest),
    Example("GET / HTTP/1.1\r\nHost : a\r\n", .badRequest),
    Example("GET / HTTP/1.1\r\n Host: a\r\n", .badRequest),
    Example("\(get)X: a\r\n b\r\n", .badRequest),
    Example("\(get)X: a\r\n\tb\r\n", .badRequest),
    Example("\(get)X\r\n", .badRequest),
    Example("\(get): a\r\n", .badRequest),
    Example("\(get)X Y: a\r\n", .badRequest),
    Example("\(get)X\u{e9}: a\r\n", .badRequest),
    Example("\(get)X: a\nY: b\r\n", .badRequest),
    Example("\(get)X: a\rb\r\n", .badRequest),
    Example("\(get)X: 0123456789\0\r\n", .badRequest),
    Example("\(get)X: 0123\u{7f}456789\r\n", .badRequest),
    Example("\(get)\r\r\n", .badRequest),
    Example("\(get)Expect: a miracle\r\n", .expectationFailed),
    // Lengths, and what could be smuggled with them.
    Example("\(get)Content-Length: 5\r\nContent-Length: 5\r\n", .badRequest),
    Example("\(get)Content-Length: 5\r\nContent-Length: 6\r\n", .badRequest),
    Example("\(get)Content-Length: 5, 5\r\n", .badRequest),
    Example("\(get)Content-Length: -5\r\n", .badRequest),
    Example("\(get)Content-Length: +5\r\n", .badRequest),
    Example("\(get)Content-Length: 0x5\r\n", .badRequest),
    Example("\(get)Content-Length:\r\n", .badRequest),
    Example("\(get)Content-Length: 5 5\r\n", .badRequest),
    Example("\(get)Content-Length : 5\r\n", .badRequest),
    Example("\(get)Content-Length: 1048577\r\n\r\n", .contentTooLarge),
    Example("\(get)Content-Length: 18446744073709551617\r\n\r\n", .contentTooLarge),
    Example("\(get)Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", .badRequest),
    Example("\(get)Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", .badRequest),
    Example("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", .badRequest),
    Example("\(get)Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", .badRequest),
    Example("\(get)Transfer-Encoding: gzip, chunked\r\n", .notImplemented),
    Example("\(get)Transfer-Encoding: chunked, identity\r\n", .notImplemented),
    Example("\(get)Transfer-Encoding: xchunked\r\n", .notImplemented),
    Example("\(get)Transfer-Encoding:\r\n", .notImplemented),
    // Chunks.
    Example("\(get)Transfer-Encoding: chunked\r\n\r\n\r\n", .badRequest),
    Example("\(get)Transfer-Encoding: chunked\r\n\r\ng\r\n", .badRequest),
    Example("\(get)Transfer-Encoding: chunked\r\n\r\n-1\r\n", .badRequest),
    Example("\(get)Transfer-Encoding: chunked\r\n\r\n0x1\r\n", .badRequest),
    Example("\(get)Transfer-Encoding: chunked\r\n\r\n1 \r\n", .badRequest),
    Example("\(get)Transfer-Encoding: chunked\r\n\r\n1\na\r\n", .badRequest),
    Example("\(get)Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", .badRequest),
    Example("\(get)Transfer-Encoding: chunked\r\n\r\n1\r\na\n", .badRequest),
    Example("\(get)Transfer-Encoding: chunked\r\n\r\n1;\0\r\n", .badRequest),
    Example("\(get)Transfer-Encoding: chunked\r\n\r\n100001\r\n", .contentTooLarge),
    Example("\(get)Transfer-Encoding: chunked\r\n\r\nffffffffffffffffffff1\r\n", .contentTooLarge),
    Example("\(get)Transfer-Encoding: chunked\r\n\r\n0\r\nX\r\n", .badRequest),
    Example("\(get)Transfer-Encoding: chunked\r\n\r\n0\r\n X: a\r\n", .badRequest),
  ]
}
