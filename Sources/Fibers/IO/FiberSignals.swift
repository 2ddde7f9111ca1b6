import CFibers
import Glibc

/// Signals of the process, as something that a fiber waits for.
///
///     let signals = try FiberSignals([SIGINT, SIGTERM])
///     _ = try signals.next()
///     listener.close()
///
/// While it is there the signals do nothing else; then they mean again what they meant before. The
/// calling thread no longer blocks them. A signal can be taken once in a process. Belongs to the thread of the runtime it was made in.
public struct FiberSignals: ~Copyable {
  private let signals: [Int32]
  private let bell: IOHandle

  /// Takes signals over.
  ///
  /// - Parameter signals: Such as `SIGINT`; not those that cannot be caught.
  /// - Throws: ``IOError``: `EBUSY` when one of them is taken already, `EINVAL` when it cannot be
  ///   caught. None is taken then.
  public init(_ signals: [Int32]) throws(IOError) {
    let descriptor = try IOError.check(.eventfd, cfib_doorbell_open())
    cfib_set_nonblocking(descriptor)
    let bell = try IOHandle(descriptor, kind: .pollable)
    try Self.take(signals, ringing: descriptor)
    self.bell = bell
    self.signals = signals
  }

  private static func take(_ signals: [Int32], ringing bell: Int32) throws(IOError) {
    for (number, signal) in signals.enumerated() {
      let code = cfib_signal_take(signal, bell)
      if code < 0 {
        for taken in signals[..<number] { cfib_signal_release(taken) }
        throw .system(call: .sigaction, code: -code)
      }
    }
  }

  deinit {
    for signal in signals { cfib_signal_release(signal) }
  }

  /// Parks the running fiber until one of the signals comes.
  ///
  /// Signals that came before are told first. The same signal twice, before it was told, is once.
  ///
  /// - Returns: The signal.
  /// - Throws: ``IOError`` when the fiber is cancelled or its deadline passes.
  /// - Precondition: Called by a fiber.
  @available(*, noasync, message: "it parks a fiber, not a task")
  public func next() throws(IOError) -> Int32 {
    while true {
      for signal in signals where cfib_signal_count(signal) > 0 { return signal }
      var rings: UInt64 = 0
      _ = try unsafe withUnsafeMutableBytes(of: &rings) { rings throws(IOError) in
        try unsafe bell.read(into: rings)
      }
    }
  }
}

/// Belongs to the thread of the runtime.
@available(*, unavailable, message: "FiberSignals belong to the thread of their runtime")
extension FiberSignals: @unchecked Sendable {}
