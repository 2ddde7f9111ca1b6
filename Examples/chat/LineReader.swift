import Fibers

/// Takes a stream apart into lines.
struct LineReader {
  static let longestLine = 512

  private var bytes: [UInt8] = []
  private var chunk = [UInt8](repeating: 0, count: 1024)

  /// The next line, without its end; `nil` at the end of the stream, or when a line is too long.
  mutating func next(from source: IOReference) throws(IOError) -> String? {
    while true {
      if let end = bytes.firstIndex(of: UInt8(ascii: "\n")) {
        let line = bytes[..<end].filter { $0 >= 0x20 }
        bytes.removeSubrange(...end)
        return String(decoding: line, as: UTF8.self)
      }
      if bytes.count > Self.longestLine { return nil }
      let count = try source.read(into: &chunk)
      if count == 0 { return nil }
      bytes += chunk[..<count]
    }
  }
}
