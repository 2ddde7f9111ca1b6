import Glibc

/// Standard output for progress and results, standard error for errors.
///
/// That nobody reads what is written is no reason not to copy, so failing writes are ignored.
package enum Console {
  /// Opens what the parent has closed of the three standard files.
  ///
  /// Else the copy could become standard output, and the progress be written into it.
  package static func prepare() {
    while true {
      let descriptor = open("/dev/null", O_RDWR)
      guard 0...STDERR_FILENO ~= descriptor else {
        close(descriptor)
        return
      }
    }
  }

  /// Writes to standard output.
  package static func write(_ text: String) { write(text, to: STDOUT_FILENO) }

  /// Writes a line to standard error.
  package static func writeError(_ message: String) { write(message + "\n", to: STDERR_FILENO) }

  /// The columns of the terminal that standard output is; `nil` if it is none.
  static var terminalWidth: Int? {
    guard isatty(STDOUT_FILENO) == 1 else { return nil }
    var size = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }

  private static func write(_ text: String, to descriptor: CInt) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      guard count > 0 else { return }
      bytes = bytes.dropFirst(count)
    }
  }
}
