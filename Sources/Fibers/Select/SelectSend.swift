/// Sending to a channel, as an alternative of a select.
///
/// Holds the element until a select has chosen this one; what was not sent can be taken back.
public struct SelectSend<Element: ~Copyable>: SelectCase, ~Copyable {
  @usableFromInline let channel: Channel<Element>
  @usableFromInline var slot: Element?

  /// An alternative that sends `element` to `channel`.
  @inlinable
  public init(_ element: consuming Element, to channel: Channel<Element>) {
    self.channel = channel
    slot = consume element
  }

  /// Whether the element has been sent, or taken back.
  ///
  /// False for a chosen alternative: the channel is closed.
  @inlinable public var isSent: Bool { slot == nil }

  /// Takes the element back; `nil` when it was sent.
  @inlinable
  public mutating func take() -> Element? { slot.take() }

  /// Puts another element in, to be sent by the next select.
  ///
  /// - Precondition: The one before was sent, or taken back.
  @inlinable
  public mutating func put(_ element: consuming Element) {
    require(slot == nil, "SelectSend.put: the element before was not sent; take() it first")
    slot = consume element
  }

  /// Does it now, if that needs no waiting.
  @inlinable
  public mutating func _attempt() -> Bool {
    channel.checkThread("Fiber.select")
    require(slot != nil, "Fiber.select: this SelectSend has no element; put() one first")
    return channel.isClosed || channel.deliver(&slot)
  }

  /// Calls `body` with a place where others can do it for this fiber meanwhile.
  @inlinable
  @inline(__always)
  public mutating func _withPlace(
    _ scheduler: SelectScheduler, _ body: (SelectPlace) throws(FiberCancelled) -> Void
  ) throws(FiberCancelled) {
    let core = unsafe channel.core
    // SAFETY: the slot stays where it is until `body` has returned and the node is out.
    try unsafe withUnsafeMutablePointer(to: &slot) { slot throws(FiberCancelled) in
      try unsafe ChannelCore.withPlace(
        core, .sender, slot: UnsafeMutableRawPointer(slot), scheduler, body)
    }
  }
}

/// Belongs to the thread of its channel.
@available(*, unavailable, message: "a SelectSend belongs to the thread of its channel")
extension SelectSend: @unchecked Sendable where Element: ~Copyable {}
