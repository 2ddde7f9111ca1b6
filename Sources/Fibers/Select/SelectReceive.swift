/// Receiving from a channel, as an alternative of a select.
///
/// May be used again and again: make it before the loop.
public struct SelectReceive<Element: ~Copyable>: SelectCase, ~Copyable {
  @usableFromInline let channel: Channel<Element>
  @usableFromInline var slot: Element?

  /// An alternative that receives from `channel`.
  @inlinable
  public init(from channel: Channel<Element>) {
    self.channel = channel
    slot = nil
  }

  /// What the select that chose this one has received; `nil` when the channel is closed and drained,
  /// or the element was taken already.
  @inlinable
  public mutating func take() -> Element? { slot.take() }

  /// Does it now, if that needs no waiting.
  @inlinable
  public mutating func _attempt() -> Bool {
    channel.checkThread("Fiber.select")
    require(slot == nil, "Fiber.select: take() what the select before has received")
    slot = channel.takeAvailable()
    return slot != nil || channel.isClosed
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
        core, .receiver, slot: UnsafeMutableRawPointer(slot), scheduler, body)
    }
  }
}

/// Belongs to the thread of its channel.
@available(*, unavailable, message: "a SelectReceive belongs to the thread of its channel")
extension SelectReceive: @unchecked Sendable where Element: ~Copyable {}
