import Glibc

/// Standard output and standard error.
///
/// That nobody reads them is no reason to stop.
enum Console {
  static func write(_ text: String) { write(text, to: STDOUT_FILENO) }

  static func complain(_ message: String) {
    write("http-server: \(message)\n", to: STDERR_FILENO)
  }

  private static func write(_ text: String, to descriptor: CInt) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      guard count > 0 || errno == EINTR else { return }
      bytes = bytes.dropFirst(max(0, count))
    }
  }
}

/// Something that goes wrong again and again is told now and then.
struct Complaint {
  private let interval: Int
  private var untold = 0
  private var lastTold: Int?

  /// Tells at most once in so many seconds.
  init(every interval: Int) { self.interval = interval }

  mutating func tell(at second: Int, _ message: () -> String) {
    untold += 1
    if let lastTold, 0..<interval ~= second - lastTold { return }
    Console.complain(message() + (untold > 1 ? " (\(untold) times)" : ""))
    untold = 0
    lastTold = second
  }
}
