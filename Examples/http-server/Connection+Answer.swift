/// What a request is answered with.
extension Connection {
  /// Whether the answer is a file of the folder, if there is one.
  @inline(__always)
  func wantsFile(_ request: borrowing Request) -> Bool {
    worker.configuration.root != nil && (request.method == .get || request.method == .head)
  }

  /// Appends the answer to a request that wants no file.
  mutating func answer(_ request: borrowing Request, keepsAlive: Bool) {
    switch request.method {
    case .get, .head: answerPage(request, keepsAlive)
    case .refused: respond(.methodNotAllowed, to: request, keepsAlive)
    case .unknown: respond(.notImplemented, to: request, keepsAlive)
    }
  }

  /// The page of a server without a folder.
  private mutating func answerPage(_ request: borrowing Request, _ keepsAlive: Bool) {
    guard request.target.count == 1 || RequestPath.resolve(request.target) == .file("") else {
      respond(.notFound, to: request, keepsAlive)
      return
    }
    let isHead = request.method == .head
    if keepsAlive, request.isVersion11 {
      output.append(clock.page, first: isHead ? clock.pageHeadByteCount : clock.page.count)
      return
    }
    let text = ServerClock.pageText
    var head = ResponseHead(.ok)
    head.contentType = "text/plain; charset=utf-8"
    head.contentLength = text.utf8CodeUnitCount
    append(head, to: request, keepsAlive)
    if !isHead { output.append(text) }
  }

  /// A status and its words, as an answer to a request.
  mutating func respond(_ status: Status, to request: borrowing Request, _ keepsAlive: Bool) {
    respond(ResponseHead(status), to: request, keepsAlive)
  }

  /// A head, with the words of its status as the body.
  mutating func respond(
    _ head: ResponseHead, to request: borrowing Request, _ keepsAlive: Bool
  ) {
    var head = head
    head.contentType = "text/plain; charset=utf-8"
    // "404 Not Found\n"
    head.contentLength = 3 + 1 + head.status.phrase.utf8CodeUnitCount + 1
    append(head, to: request, keepsAlive)
    if request.method != .head { appendStatus(head.status, end: "\n") }
  }

  /// A status and its words, when the request could not be read; the connection ends.
  mutating func respond(_ status: Status) {
    var request = Request()
    request.isVersion11 = true
    respond(status, to: request, false)
  }

  /// Appends a head, with its empty line.
  mutating func append(
    _ head: ResponseHead, to request: borrowing Request, _ keepsAlive: Bool
  ) {
    output.append("HTTP/1.1 ")
    appendStatus(head.status, end: "\r\n")
    output.append(clock.dateLine)
    if let type = head.contentType { appendField("Content-Type: ", type) }
    if let length = head.contentLength { appendField("Content-Length: ", String(length)) }
    if let location = head.location { appendField("Location: ", location) }
    if let seconds = head.lastModified {
      output.append("Last-Modified: ")
      output.append(HTTPDate.format(seconds))
      output.append("\r\n")
    }
    if head.status == .methodNotAllowed { output.append("Allow: GET, HEAD\r\n") }
    if !keepsAlive {
      output.append("Connection: close\r\n")
    } else if !request.isVersion11 {
      output.append("Connection: keep-alive\r\n")
    }
    output.append("\r\n")
  }

  private mutating func appendStatus(_ status: Status, end: StaticString) {
    output.append(number: status.rawValue)
    output.append(" ")
    output.append(status.phrase)
    output.append(end)
  }

  private mutating func appendField(_ name: StaticString, _ value: String) {
    output.append(name)
    output.append(value)
    output.append("\r\n")
  }
}

/// The head of an answer, but for what all have.
struct ResponseHead {
  var status: Status
  var contentType: String?
  var contentLength: Int?
  var location: String?
  /// Seconds since 1970.
  var lastModified: Int?

  init(_ status: Status) { self.status = status }
}
