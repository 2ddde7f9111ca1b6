/// A request, as far as this server looks at it.
package struct Request: Equatable, Sendable {
  /// What is to be done.
  package enum Method: Sendable {
    case get
    case head
    /// One that HTTP defines and this server does not do.
    case refused
    /// One that nobody defines.
    case unknown
  }

  package internal(set) var method = Method.unknown
  /// The target, as it was sent: `/path?query`, `http://host/path`, `*` or `host:port`.
  package internal(set) var target: [UInt8] = []
  /// Whether the version is 1.1 or a later 1.x, else 1.0.
  package internal(set) var isVersion11 = false
  /// Whether the connection may stay open after the answer.
  package internal(set) var keepsAlive = false
  /// Seconds since 1970: the client has what has not changed since then.
  package internal(set) var modifiedSince: Int?
}

/// What a client may send.
package struct RequestLimits: Sendable {
  /// Bytes of the request line, with its end.
  package var lineByteCount = 8 << 10
  /// Bytes of all header fields, or trailer fields, with the ends of their lines.
  package var fieldsByteCount = 16 << 10
  /// The number of header and trailer fields.
  package var fieldCount = 100
  /// Bytes of a body, which is skipped; of a chunked one with the sizes and ends of chunks.
  package var bodyByteCount = 1 << 20

  package init() {}
}
