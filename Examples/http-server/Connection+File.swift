import Fibers
import Glibc

/// Files.
extension Connection {
  /// Bytes of a large file that are in memory at once.
  private static var pieceByteCount: Int { 128 << 10 }

  /// Appends the file that a request names, and writes what does not fit.
  mutating func answerFile(_ request: borrowing Request, keepsAlive: Bool) throws {
    switch RequestPath.resolve(request.target) {
    case .bad: respond(.badRequest, to: request, keepsAlive)
    case .hidden: respond(.notFound, to: request, keepsAlive)
    case .file(let path): try answerFile(path, request, keepsAlive)
    }
  }

  private mutating func answerFile(
    _ path: String, _ request: borrowing Request, _ keepsAlive: Bool
  ) throws {
    let isFolder = path.isEmpty || path.utf8.last == UInt8(ascii: "/")
    let name = isFolder ? path + "index.html" : path
    do {
      let file = try ServedFile.open(name, in: worker.configuration.root ?? "")
      try answer(file, type: ContentType.of(name), request, keepsAlive)
    } catch NoFile.status(let status) {
      respond(status, to: request, keepsAlive)
    } catch NoFile.isFolder {
      // Not one that stands where the page of a folder should.
      var head = ResponseHead(isFolder ? .notFound : .movedPermanently)
      if !isFolder { head.location = RequestPath.withSlash(request.target) }
      respond(head, to: request, keepsAlive)
    }
  }

  private mutating func answer(
    _ file: borrowing ServedFile, type: String, _ request: borrowing Request, _ keepsAlive: Bool
  ) throws {
    let isKnown = request.modifiedSince.map { file.modified <= $0 } ?? false
    var head = ResponseHead(isKnown ? .notModified : .ok)
    head.lastModified = file.modified
    if !isKnown {
      head.contentType = type
      head.contentLength = file.byteCount
    }
    append(head, to: request, keepsAlive)
    if request.method == .get, !isKnown { try send(file) }
  }

  /// Sends the bytes of a file, a piece at a time.
  private mutating func send(_ file: borrowing ServedFile) throws {
    output.reserve(min(file.byteCount, Self.pieceByteCount))
    var left = file.byteCount
    while left > 0 {
      if output.room.count == 0 { try flush() }
      let room = output.room
      let piece = UnsafeMutableRawBufferPointer(rebasing: room[..<min(left, room.count)])
      let count = try file.handle.read(into: piece)
      // Its end comes too early: so does that of the connection, which tells the client.
      guard count > 0 else { throw ShortFile() }
      output.appended(count)
      left -= count
      if left > 0 { try flush() }
    }
    if file.byteCount > OutputBuffer.standardCapacity {
      try flush()
      output.shrink()
    }
  }
}

/// A file has become shorter while it was sent.
struct ShortFile: Error {}
