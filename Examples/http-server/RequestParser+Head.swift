/// The request line and the header fields.
extension RequestParser {
  /// `METHOD target HTTP/1.1`, with one space each.
  mutating func takeRequestLine(_ line: Line) {
    guard let methodEnd = line.firstIndex(of: .space), methodEnd > 0,
      let targetEnd = line.lastIndex(of: .space), targetEnd > methodEnd + 1
    else {
      state = .refused(.badRequest)
      return
    }
    let method = line.part(0..<methodEnd)
    let target = line.part(methodEnd + 1..<targetEnd)
    let version = line.part(targetEnd + 1..<line.count)
    guard method.allSatisfy(ByteSet.token.contains), target.allSatisfy(ByteSet.target.contains),
      let (major, minor) = Self.version(version)
    else {
      state = .refused(.badRequest)
      return
    }
    guard major == 1 else {
      state = .refused(.versionNotSupported)
      return
    }
    request.isVersion11 = minor >= 1
    request.method = Self.method(method)
    guard isTarget(target, for: method) else {
      state = .refused(.badRequest)
      return
    }
    // A client often asks for the same again.
    if !target.elementsEqual(request.target) {
      request.target.removeAll(keepingCapacity: true)
      request.target.append(contentsOf: target)
    }
    state = .field
  }

  /// The numbers of `HTTP/1.1`; `nil` if it is none.
  @inline(__always)
  private static func version(_ text: Line) -> (major: Int, minor: Int)? {
    guard text.count == 8 else { return nil }
    // All but the digits are compared at once.
    let word = UInt64(bigEndian: text.loadUnaligned(as: UInt64.self))
    // "HTTP/?.?"
    guard word & 0xffff_ffff_ff00_ff00 == 0x4854_5450_2f00_2e00, let major = text[5].digit,
      let minor = text[7].digit
    else { return nil }
    return (major, minor)
  }

  @inline(__always)
  private static func method(_ name: Line) -> Request.Method {
    let isGet =
      name.count == 3 && name[0] == UInt8(ascii: "G") && name[1] == UInt8(ascii: "E")
      && name[2] == UInt8(ascii: "T")
    return isGet ? .get : rareMethod(name)
  }

  @inline(never)
  private static func rareMethod(_ name: Line) -> Request.Method {
    if name.equals("HEAD") { return .head }
    let defined: [StaticString] = [
      "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE",
    ]
    return defined.contains { name.equals($0) } ? .refused : .unknown
  }

  /// Whether the form of the target is one that goes with the method (RFC 9112, 3.2).
  @inline(__always)
  private func isTarget(_ target: Line, for method: Line) -> Bool {
    if target[0] == UInt8(ascii: "/") { return request.method == .get || !method.equals("CONNECT") }
    return isRareTarget(target, for: method)
  }

  @inline(never)
  private func isRareTarget(_ target: Line, for method: Line) -> Bool {
    if method.equals("CONNECT") { return target.contains(UInt8(ascii: ":")) }
    if target.equals("*") { return method.equals("OPTIONS") }
    return RequestPath.afterAuthority(target) != nil
  }

  /// `name: value`.
  mutating func takeField(_ line: Line) {
    guard let (name, value) = split(line) else {
      state = .refused(.badRequest)
      return
    }
    fieldCount += 1
    guard fieldCount <= limits.fieldCount else {
      state = .refused(.headersTooLarge)
      return
    }
    if let status = note(name, value) { state = .refused(status) }
  }

  /// The name and the value of a field; `nil` if it is none.
  @inline(__always)
  private func split(_ line: Line) -> (name: Line, value: Line)? {
    var colon = 0
    while colon < line.count, ByteSet.token.contains(line[colon]) { colon += 1 }
    guard colon > 0, colon < line.count, line[colon] == UInt8(ascii: ":") else { return nil }
    let value = line.part(colon + 1..<line.count).trimmed()
    return value.isFieldValue() ? (line.part(0..<colon), value) : nil
  }

  /// A field of a chunked body's trailer: checked like the others, and ignored.
  mutating func takeTrailer(_ line: Line) {
    guard split(line) != nil else {
      state = .refused(.badRequest)
      return
    }
    fieldCount += 1
    if fieldCount > limits.fieldCount { state = .refused(.headersTooLarge) }
  }

  /// Notes a field that matters.
  ///
  /// - Returns: Why the request is to be refused, if it is.
  @inline(__always)
  private mutating func note(_ name: Line, _ value: Line) -> Status? {
    switch name.count {
    case 4 where name.equalsIgnoringCase("host"): noteHost(value)
    case 6 where name.equalsIgnoringCase("expect"): noteExpect(value)
    case 10 where name.equalsIgnoringCase("connection"): noteConnection(value)
    case 14 where name.equalsIgnoringCase("content-length"): noteContentLength(value)
    case 17 where name.equalsIgnoringCase("transfer-encoding"): noteTransferEncoding(value)
    case 17 where name.equalsIgnoringCase("if-modified-since"): noteModifiedSince(value)
    default: nil
    }
  }

  @inline(__always)
  private mutating func noteHost(_ value: Line) -> Status? {
    guard !hasHost, value.allSatisfy(ByteSet.host.contains) else { return .badRequest }
    hasHost = true
    return nil
  }

  private mutating func noteExpect(_ value: Line) -> Status? {
    guard value.equalsIgnoringCase("100-continue") else { return .expectationFailed }
    expectsContinue = true
    return nil
  }

  private mutating func noteConnection(_ value: Line) -> Status? {
    var rest = value
    while !rest.isEmpty {
      let comma = rest.firstIndex(of: UInt8(ascii: ",")) ?? rest.count
      let option = rest.part(0..<comma).trimmed()
      if option.equalsIgnoringCase("close") { closes = true }
      if option.equalsIgnoringCase("keep-alive") { asksToKeepAlive = true }
      rest = rest.part(min(comma + 1, rest.count)..<rest.count)
    }
    return nil
  }

  private mutating func noteContentLength(_ value: Line) -> Status? {
    guard contentLength == nil, !value.isEmpty else { return .badRequest }
    var length = 0
    for byte in value {
      guard let digit = byte.digit else { return .badRequest }
      // Beyond the limit it stays there, however many digits follow.
      length = min(length * 10 + digit, limits.bodyByteCount + 1)
    }
    contentLength = length
    return nil
  }

  private mutating func noteTransferEncoding(_ value: Line) -> Status? {
    guard !isChunked else { return .badRequest }
    guard value.equalsIgnoringCase("chunked") else { return .notImplemented }
    isChunked = true
    return nil
  }

  private mutating func noteModifiedSince(_ value: Line) -> Status? {
    // A date that is none, or in one of the two obsolete forms, is ignored (RFC 9110, 13.1.3).
    request.modifiedSince = HTTPDate.parse(value)
    return nil
  }

  /// The empty line has come: what the fields say together, and what follows.
  @inline(__always)
  mutating func finishHead() {
    guard hasHost || !request.isVersion11 else {
      state = .refused(.badRequest)
      return
    }
    request.keepsAlive = !closes && (request.isVersion11 || asksToKeepAlive)
    if isChunked || contentLength != nil || expectsContinue {
      finishHeadWithBody()
    } else {
      state = .complete
    }
  }

  @inline(never)
  private mutating func finishHeadWithBody() {
    if isChunked, contentLength != nil || !request.isVersion11 {
      state = .refused(.badRequest)
      return
    }
    let length = contentLength ?? 0
    guard length <= limits.bodyByteCount else {
      state = .refused(.contentTooLarge)
      return
    }
    if expectsContinue, request.isVersion11, isChunked || length > 0 {
      // Nobody here wants the body: the answer comes at once, and the connection ends with it.
      request.keepsAlive = false
      state = .complete
    } else if isChunked {
      state = .chunkSize
    } else {
      state = length > 0 ? .body(left: length) : .complete
    }
  }
}
