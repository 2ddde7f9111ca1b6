import Glibc

/// Reads requests from bytes that come in pieces of any size.
///
/// A pure value: it knows nothing of sockets, and what it says does not depend on where the input
/// was split. Strict, because what two servers on the way understand differently can be used to
/// smuggle a request past one of them (RFC 9112, 11.2): lines end with CR LF, fields are neither
/// folded nor have a space before the colon, and the length of a body is told once, in one way.
///
/// Lines are parsed where they stand. One that comes in pieces is put together first. Nothing is
/// kept of the fields but what ``Request`` holds, and nothing is allocated for them.
package struct RequestParser {
  /// What became of the bytes given.
  package enum Outcome: Equatable, Sendable {
    /// All were used; the request goes on.
    case incomplete
    /// A request is complete, with its body, which was skipped. What follows is the next one's.
    case request
    /// The request is refused, and the rest of the connection with it: nobody knows where the next
    /// one begins.
    case refused(Status)
  }

  /// What the next bytes are.
  enum State: Equatable {
    case requestLine
    case field
    case body(left: Int)
    case chunkSize
    case chunk(left: Int)
    case chunkEnd
    case trailer
    case complete
    case refused(Status)
  }

  /// The last complete request, until more is fed.
  package internal(set) var request = Request()
  let limits: RequestLimits

  var state = State.requestLine
  /// The beginning of a line whose end is yet to come.
  private var partialLine: [UInt8] = []
  private var skippedEmptyLine = false

  // What the fields of this request have said.
  var hasHost = false
  var closes = false
  var asksToKeepAlive = false
  var expectsContinue = false
  var contentLength: Int?
  var isChunked = false
  var fieldCount = 0
  /// What is left of `limits.fieldsByteCount` and `limits.bodyByteCount`.
  var fieldBytesLeft = 0
  var bodyBytesLeft = 0

  package init(limits: RequestLimits = RequestLimits()) {
    self.limits = limits
    // Room for most targets, so that they are kept without allocating.
    request.target.reserveCapacity(64)
    begin()
  }

  /// Whether part of a request has come.
  package var isInsideRequest: Bool {
    switch state {
    case .complete: false
    case .requestLine: !partialLine.isEmpty
    default: true
    }
  }

  /// Takes bytes in, up to the end of a request.
  ///
  /// - Parameter bytes: What follows the bytes used so far.
  /// - Returns: How many bytes were used, and what they led to.
  package mutating func feed(_ bytes: UnsafeRawBufferPointer) -> (used: Int, outcome: Outcome) {
    switch state {
    case .complete: begin()
    case .refused(let status): return (0, .refused(status))
    default: break
    }
    var used = 0
    while used < bytes.count {
      let rest = bytes.part(used..<bytes.count)
      switch state {
      case .body(let left):
        used += min(left, rest.count)
        state = left > rest.count ? .body(left: left - rest.count) : .complete
      case .chunk(let left):
        used += min(left, rest.count)
        state = left > rest.count ? .chunk(left: left - rest.count) : .chunkEnd
      default:
        used += feedLine(rest)
      }
      switch state {
      case .complete: return (used, .request)
      case .refused(let status): return (used, .refused(status))
      default: continue
      }
    }
    return (used, .incomplete)
  }

  /// Gets ready for the next request.
  private mutating func begin() {
    state = .requestLine
    request.modifiedSince = nil
    skippedEmptyLine = false
    hasHost = false
    closes = false
    asksToKeepAlive = false
    expectsContinue = false
    contentLength = nil
    isChunked = false
    fieldCount = 0
    fieldBytesLeft = limits.fieldsByteCount
    bodyBytesLeft = limits.bodyByteCount
  }

  /// Takes a line, or the part of it that is here.
  ///
  /// - Returns: How many bytes were used.
  @inline(__always)
  private mutating func feedLine(_ bytes: UnsafeRawBufferPointer) -> Int {
    if state == .requestLine, partialLine.isEmpty, !ByteSet.token.contains(bytes[0]),
      bytes[0] != .carriageReturn
    {
      // No need to wait for the end of the line: no request begins so.
      state = .refused(.badRequest)
      return 0
    }
    guard let end = bytes.firstLineFeed else {
      keepPart(bytes)
      return bytes.count
    }
    let used = end + 1
    if partialLine.isEmpty {
      takeLine(bytes.part(0..<used))
    } else {
      takeSplitLine(bytes.part(0..<used))
    }
    return used
  }

  /// Keeps the beginning of a line, unless it is too long already.
  @inline(never)
  private mutating func keepPart(_ bytes: UnsafeRawBufferPointer) {
    // A line feed is still to come, so as many bytes as the limit are too many.
    if partialLine.count + bytes.count >= lineLimit {
      state = .refused(tooLong)
    } else {
      partialLine += bytes
    }
  }

  @inline(never)
  private mutating func takeSplitLine(_ bytes: UnsafeRawBufferPointer) {
    guard partialLine.count + bytes.count <= lineLimit else {
      state = .refused(tooLong)
      return
    }
    // Moved out, so that the line may be read while the parser changes; then its memory goes back.
    var line: [UInt8] = []
    swap(&line, &partialLine)
    line += bytes
    line.withUnsafeBytes { takeLine($0) }
    line.removeAll(keepingCapacity: true)
    partialLine = line
  }

  /// Takes a line with its end.
  @inline(__always)
  private mutating func takeLine(_ line: UnsafeRawBufferPointer) {
    let count = line.count
    guard count <= lineLimit else {
      state = .refused(tooLong)
      return
    }
    guard count >= 2, line[count - 2] == .carriageReturn else {
      state = .refused(.badRequest)
      return
    }
    let content = line.part(0..<count - 2)
    switch state {
    case .field:
      fieldBytesLeft -= count
      if content.isEmpty { finishHead() } else { takeField(content) }
    case .requestLine:
      if content.isEmpty, !skippedEmptyLine {
        // Some old clients send one after a body (RFC 9112, 2.2).
        skippedEmptyLine = true
      } else {
        takeRequestLine(content)
      }
    case .trailer:
      fieldBytesLeft -= count
      if content.isEmpty { state = .complete } else { takeTrailer(content) }
    case .chunkSize:
      bodyBytesLeft -= count
      takeChunkSize(content)
    case .chunkEnd:
      bodyBytesLeft -= count
      state = content.isEmpty ? .chunkSize : .refused(.badRequest)
    case .body, .chunk, .complete, .refused:
      preconditionFailure("RequestParser: a line in state \(state)")
    }
  }

  /// How long the line may be at most, with its end.
  private var lineLimit: Int {
    switch state {
    case .requestLine: limits.lineByteCount
    case .field, .trailer: fieldBytesLeft
    default: min(bodyBytesLeft, 256)
    }
  }

  /// The status for a line that is too long.
  private var tooLong: Status {
    switch state {
    case .requestLine: .uriTooLong
    case .field, .trailer: .headersTooLarge
    default: bodyBytesLeft < 256 ? .contentTooLarge : .badRequest
    }
  }
}

extension UnsafeRawBufferPointer {
  /// Where the first line feed is.
  @inline(__always)
  fileprivate var firstLineFeed: Int? {
    guard let base = baseAddress, let found = memchr(base, CInt(UInt8.lineFeed), count) else {
      return nil
    }
    return UnsafeRawPointer(found) - base
  }
}
