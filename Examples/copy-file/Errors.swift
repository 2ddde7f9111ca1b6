import Glibc

/// The command line makes no sense.
package struct UsageError: Error, Equatable {
  /// What is wrong with it.
  package let message: String

  init(_ message: String) { self.message = message }
}

/// Why a copy was not made.
enum CopyError: Error {
  /// It could not be done, for this reason.
  case failed(String)
  /// A signal asked the program to stop.
  case stopped

  /// A system call has failed, with this error number.
  static func system(_ what: String, _ number: CInt = errno) -> CopyError {
    .failed("\(what): \(String(cString: strerror(number)))")
  }

  var message: String {
    switch self {
    case .failed(let message): message
    case .stopped: "stopped by a signal; nothing was left behind"
    }
  }
}
