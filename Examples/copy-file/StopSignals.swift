import Glibc

/// The signals that ask the program to stop, turned into something to look at between two chunks.
///
/// They are blocked, in this thread and in all that it starts, and so stay pending until someone
/// looks: no handler, no global state, and every function ends the ordinary way, with all its
/// cleaning up. `SIGKILL` alone leaves a temporary file behind.
struct StopSignals {
  private var signals = sigset_t()

  /// Blocks the signals, but for those that the parent has asked to ignore.
  init() {
    sigemptyset(&signals)
    for signal in [SIGINT, SIGTERM, SIGHUP] where !Self.isIgnored(signal) {
      sigaddset(&signals, signal)
    }
    pthread_sigmask(SIG_BLOCK, &signals, nil)
  }

  /// Throws if one of the signals has come.
  func check() throws(CopyError) {
    var pending = sigset_t()
    sigpending(&pending)
    var signals = signals
    for signal in [SIGINT, SIGTERM, SIGHUP] {
      if sigismember(&pending, signal) == 1, sigismember(&signals, signal) == 1 { throw .stopped }
    }
  }

  /// Lets a signal that has come do what it does by default: end the process.
  func deliver() {
    var signals = signals
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
  }

  private static func isIgnored(_ signal: CInt) -> Bool {
    var action = sigaction()
    sigaction(signal, nil, &action)
    return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
      == unsafeBitCast(SIG_IGN, to: Int.self)
  }
}
