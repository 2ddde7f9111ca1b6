/// Bodies in chunks (RFC 9112, 7.1), which are skipped as all bodies are.
extension RequestParser {
  /// The size of a chunk, and extensions, which are ignored.
  mutating func takeChunkSize(_ line: Line) {
    var index = 0
    var size = 0
    while index < line.count, let digit = line[index].hexDigit {
      // Beyond the limit it stays there, however many digits follow.
      size = min(size * 16 + digit, limits.bodyByteCount + 1)
      index += 1
    }
    guard index > 0, isExtension(line.part(index..<line.count)) else {
      state = .refused(.badRequest)
      return
    }
    guard size <= bodyBytesLeft else {
      state = .refused(.contentTooLarge)
      return
    }
    bodyBytesLeft -= size
    if size > 0 {
      state = .chunk(left: size)
    } else {
      fieldBytesLeft = limits.fieldsByteCount
      state = .trailer
    }
  }

  /// Whether nothing follows the size but extensions, which begin with a semicolon.
  private func isExtension(_ rest: Line) -> Bool {
    rest.isEmpty || rest[0] == UInt8(ascii: ";") && rest.isFieldValue()
  }
}
