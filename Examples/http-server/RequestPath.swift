/// Which file a request target names.
///
/// The path that comes out has no way up: components that are `.` or `..`, spelled out or encoded,
/// are refused (clients resolve them before they ask), and so are encoded slashes, backslashes, NUL
/// and other control characters. Links are the file system's matter: see `FileAnswer`.
package enum RequestPath: Equatable {
  /// A path relative to the folder, without a slash at its beginning; empty for the folder itself.
  case file(String)
  /// The target is none that a file can have.
  case bad
  /// A name that begins with a dot: not shown to anyone, but `.well-known`.
  case hidden

  /// The path of a target.
  ///
  /// - Parameter target: `/path?query`, or `http://host/path?query`.
  /// - Returns: The path, or why there is none.
  package static func resolve(_ target: [UInt8]) -> RequestPath {
    target.withUnsafeBytes { target in
      guard let start = target.first == slash ? 0 : afterAuthority(target) else { return .bad }
      let end = target.firstIndex(of: UInt8(ascii: "?")) ?? target.count
      guard let path = decode(target.part(min(start, end)..<end)) else { return .bad }
      return resolve(decoded: path)
    }
  }

  /// Where to send a client that has asked for a folder without the slash at its end.
  ///
  /// - Parameter target: As for ``resolve(_:)``.
  /// - Returns: The path as the client wrote it, with a slash, and the query. It begins with one
  ///   slash: two would lead to another server.
  package static func withSlash(_ target: [UInt8]) -> String {
    target.withUnsafeBytes { target in
      let start = target.first == slash ? 0 : afterAuthority(target) ?? target.count
      let end = max(start, target.firstIndex(of: UInt8(ascii: "?")) ?? target.count)
      let path = target[start..<end].drop { $0 == slash }
      return "/" + String(decoding: path, as: UTF8.self) + "/"
        + String(decoding: target[end...], as: UTF8.self)
    }
  }

  /// Where the path begins in `http://host/path`; `nil` if this is none.
  static func afterAuthority(_ target: UnsafeRawBufferPointer) -> Int? {
    let schemes: [StaticString] = ["http://", "https://"]
    for scheme in schemes {
      let count = scheme.utf8CodeUnitCount
      guard target.count > count, target.part(0..<count).equalsIgnoringCase(scheme) else {
        continue
      }
      var end = count
      while end < target.count, ByteSet.host.contains(target[end]) { end += 1 }
      let isEnd = end == target.count || target[end] == slash || target[end] == UInt8(ascii: "?")
      return end > count && isEnd ? end : nil
    }
    return nil
  }

  /// Replaces `%41` by `A`; `nil` if an escape is incomplete or stands for what no name may hold.
  private static func decode(_ path: UnsafeRawBufferPointer) -> [UInt8]? {
    var decoded: [UInt8] = []
    decoded.reserveCapacity(path.count)
    var index = 0
    while index < path.count {
      var byte = path[index]
      index += 1
      if byte == UInt8(ascii: "%") {
        guard index + 2 <= path.count, let high = path[index].hexDigit,
          let low = path[index + 1].hexDigit
        else { return nil }
        byte = UInt8(high << 4 | low)
        index += 2
        guard byte != slash else { return nil }
      }
      guard byte >= 0x20, byte != 0x7f, byte != UInt8(ascii: "\\") else { return nil }
      decoded.append(byte)
    }
    return decoded
  }

  /// Takes the components apart and puts them together again, each of them once looked at.
  private static func resolve(decoded: [UInt8]) -> RequestPath {
    guard let text = String(validating: decoded, as: UTF8.self) else { return .bad }
    var path = ""
    for component in text.utf8.split(separator: slash) {
      guard !component.elementsEqual(".".utf8), !component.elementsEqual("..".utf8) else {
        return .bad
      }
      let name = String(Substring(component))
      if name.utf8.first == UInt8(ascii: "."), name != ".well-known" { return .hidden }
      path += path.isEmpty ? name : "/" + name
    }
    // A slash at the end says that a folder is meant; a file has none there.
    if !path.isEmpty, text.utf8.last == slash { path += "/" }
    return .file(path)
  }

  private static let slash = UInt8(ascii: "/")
}
