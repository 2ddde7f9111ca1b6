/// A channel was closed: nothing can be sent any more, or nothing is left to receive.
public struct ChannelClosed: Error, Hashable, Sendable, CustomStringConvertible {
  /// Nothing to say beyond the type.
  public init() {}

  /// In words.
  public var description: String { "the channel is closed" }
}

/// Why nothing was sent.
public enum ChannelSendError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The channel is closed, or was closed while the fiber waited.
  case closed
  /// The fiber was cancelled, or its deadline passed, while it waited.
  case cancelled(FiberCancelled)

  /// In words.
  public var description: String {
    switch self {
    case .closed: "the channel is closed"
    case .cancelled(let cause): "nothing was sent: \(cause)"
    }
  }
}

extension ChannelSendError: FiberInterruption {
  /// What cut the wait short; `nil` when the channel is closed.
  public var interruption: FiberCancelled? {
    if case .cancelled(let cause) = self { cause } else { nil }
  }
}
