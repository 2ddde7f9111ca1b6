/// The channel is closed: nothing can be sent any more, or nothing is left to receive.
public struct ChannelClosed: Error, Hashable, Sendable, CustomStringConvertible {
  /// Nothing to say beyond the type.
  public init() {}

  /// What it means, for people.
  public var description: String { "the channel is closed" }
}

/// Why an element was not sent.
public enum ChannelSendError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The channel was closed before a receiver or a free place had taken the element.
  case closed
  /// The sender was cancelled while it waited for a receiver or a free place.
  case cancelled(FiberCancelled)

  /// What it means, for people.
  public var description: String {
    switch self {
    case .closed: "not sent: the channel is closed"
    case .cancelled: "not sent: the sender was cancelled while it waited"
    }
  }
}
