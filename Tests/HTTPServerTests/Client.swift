import Glibc
import TestSupport

/// A client with a plain blocking socket, that does exactly what a test tells it to.
final class Client {
  private(set) var descriptor: CInt
  private var unread: [UInt8] = []
  // Which would be killed if nobody held it.
  private let server: TestServer

  /// Connects.
  ///
  /// - Parameters:
  ///   - server: To which one.
  ///   - receiveBuffer: How much the system takes for it before it reads.
  /// - Throws: When it cannot.
  init(_ server: TestServer, receiveBuffer: CInt? = nil) throws {
    self.server = server
    descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | 0o2_000_000, 0)
    guard descriptor >= 0 else { throw TestFailure("socket: error \(errno)") }
    // Nothing that hangs does so for ever.
    var limit = timeval(tv_sec: 120, tv_usec: 0)
    let size = socklen_t(MemoryLayout<timeval>.size)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
    if var receiveBuffer {
      setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receiveBuffer, 4)
    }
    var on: CInt = 1
    setsockopt(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &on, 4)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = server.port.bigEndian
    address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
    let result = withUnsafeBytes(of: &address) {
      connect(
        descriptor, $0.baseAddress?.assumingMemoryBound(to: sockaddr.self),
        socklen_t($0.count))
    }
    guard result == 0 else { throw TestFailure("connect: error \(errno)") }
  }

  deinit { close() }

  func close() {
    if descriptor >= 0 { Glibc.close(descriptor) }
    descriptor = -1
  }

  /// Closes so that the server gets a reset.
  func reset() {
    var now = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
    close()
  }

  /// Says that nothing more will be sent.
  func endSending() { shutdown(descriptor, CInt(SHUT_WR)) }

  func send(_ text: String) throws { try send(Array(text.utf8)) }

  func send(_ bytes: [UInt8]) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
      }
      guard count > 0 else { throw TestFailure("send: error \(errno)") }
      rest = rest.dropFirst(count)
    }
  }

  /// Whether bytes, or the end, could be read now.
  var canRead: Bool {
    var look = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return !unread.isEmpty || poll(&look, 1, 0) == 1
  }

  /// Asks for a path, and reads the answer.
  func get(_ path: String) throws -> Response {
    try send("GET \(path) HTTP/1.1\r\nHost: test\r\n\r\n")
    return try readResponse()
  }

  /// Reads an answer.
  ///
  /// - Parameter hasBody: False for the answer to HEAD.
  /// - Returns: The answer.
  /// - Throws: When there is none, or half of one.
  func readResponse(hasBody: Bool = true) throws -> Response {
    var head: [UInt8] = []
    while !head.suffix(4).elementsEqual("\r\n\r\n".utf8) { head.append(try readByte()) }
    var response = try Response(String(decoding: head, as: UTF8.self))
    if hasBody, response.status != 304, let length = response.fields["content-length"] {
      try readBody(Int(length) ?? 0, into: &response.body)
    }
    return response
  }

  private func readBody(_ count: Int, into body: inout [UInt8]) throws {
    while body.count < count {
      if unread.isEmpty, try !fill() {
        throw TestFailure("the body has ended after \(body.count) bytes of \(count)")
      }
      let piece = unread.suffix(count - body.count)
      body += piece.reversed()
      unread.removeLast(piece.count)
    }
  }

  /// Reads what is there, at least a byte.
  func receive() throws -> [UInt8] {
    if unread.isEmpty, try !fill() { throw TestFailure("the server has closed the connection") }
    defer { unread = [] }
    return unread.reversed()
  }

  /// Reads to the end.
  ///
  /// - Throws: When that is not an orderly end but a reset.
  func readToEnd() throws -> [UInt8] {
    var bytes: [UInt8] = unread.reversed()
    while try fill() { bytes += unread.reversed() }
    return bytes
  }

  /// Reads to the end, whatever it is: closed or reset.
  func readToAnyEnd() -> [UInt8] {
    var bytes: [UInt8] = unread.reversed()
    while (try? fill()) == true { bytes += unread.reversed() }
    return bytes
  }

  private func readByte() throws -> UInt8 {
    if unread.isEmpty, try !fill() { throw TestFailure("the server has closed the connection") }
    return unread.removeLast()
  }

  /// Reads what is there, last byte first.
  private func fill() throws -> Bool {
    var buffer = [UInt8](repeating: 0, count: 65536)
    let count = recv(descriptor, &buffer, buffer.count, 0)
    guard count >= 0 else { throw TestFailure("recv: error \(errno)") }
    unread = buffer[..<count].reversed()
    return count > 0
  }
}

/// An answer.
struct Response {
  var status: Int
  /// Names in small letters.
  var fields: [String: String] = [:]
  var body: [UInt8] = []

  var text: String { String(decoding: body, as: UTF8.self) }

  /// Reads a head, strictly.
  init(_ head: String) throws {
    var lines = head.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      .map { String(Substring($0)) }
    guard lines.count >= 3, lines.removeLast() == "", lines.removeLast() == "\r",
      lines.allSatisfy({ $0.utf8.last == UInt8(ascii: "\r") })
    else { throw TestFailure("no head: \(head)") }
    let first = String(lines.removeFirst().utf8.dropLast()) ?? ""
    guard first.hasPrefix("HTTP/1.1 "), first.utf8.count > 13,
      let status = Int(first.dropFirst(9).prefix(3)), first.dropFirst(12).first == " "
    else { throw TestFailure("no status line: \(first)") }
    self.status = status
    for line in lines {
      let line = String(line.utf8.dropLast()) ?? ""
      guard let colon = line.firstIndex(of: ":"), line[colon...].hasPrefix(": ") else {
        throw TestFailure("no field: \(line)")
      }
      let name = line[..<colon].lowercased()
      guard fields[name] == nil else { throw TestFailure("twice: \(name)") }
      fields[name] = String(line[colon...].dropFirst(2))
    }
  }
}
