/// For fibers: what may park.
extension SharedChannel where Element: ~Copyable {
  /// Sends an element.
  ///
  /// Parks the calling fiber while the channel is full. On failure the element is dropped;
  /// ``send(from:)`` keeps it.
  ///
  /// - Parameter element: What to send.
  /// - Throws: ``ChannelSendError/closed`` when the channel is closed, before or while it waits;
  ///   ``ChannelSendError/cancelled(_:)`` when the fiber is cancelled while it waits.
  /// - Precondition: Called by a fiber.
  /// - Complexity: O(1), no allocation once as many have waited at once before.
  ///
  /// Corresponds to C's `async_channel_send`.
  @available(*, noasync, message: "it parks a fiber, not a task; use 'try await send'")
  @inlinable
  public func send(_ element: consuming Element) throws(ChannelSendError) {
    var slot: Element? = element
    try send(from: &slot)
  }

  /// Sends the element in `slot` and leaves `nil` there, or fails and leaves it as it was.
  ///
  /// Parks the calling fiber while the channel is full.
  ///
  /// - Parameter slot: Holds the element; must not be used by others until this returns.
  /// - Throws: As ``send(_:)``.
  /// - Precondition: Called by a fiber; `slot` is not `nil`.
  /// - Complexity: O(1), no allocation once as many have waited at once before.
  @available(*, noasync, message: "it parks a fiber, not a task; use 'try await send'")
  @inlinable
  public func send(from slot: inout Element?) throws(ChannelSendError) {
    requireElement(slot != nil)
    // SAFETY: `slot` stays where it is until the core has returned, and is used by the core alone.
    try unsafe withUnsafeMutablePointer(to: &slot) { pointer throws(ChannelSendError) in
      try unsafe core.send(from: pointer, Self.move)
    }
  }

  /// Receives the next element.
  ///
  /// Parks the calling fiber while the channel is empty.
  ///
  /// - Returns: The element; `nil` when the channel is closed and nothing is left in it.
  /// - Throws: ``FiberCancelled`` when the fiber is cancelled while it waits; nothing was received.
  /// - Precondition: Called by a fiber.
  /// - Complexity: O(1), no allocation once as many have waited at once before.
  ///
  /// Corresponds to C's `async_channel_recv`.
  @available(*, noasync, message: "it parks a fiber, not a task; use 'try await receive'")
  @inlinable
  public func receive() throws(FiberCancelled) -> Element? {
    var slot: Element? = nil
    // SAFETY: as in send.
    try unsafe withUnsafeMutablePointer(to: &slot) { pointer throws(FiberCancelled) in
      _ = try unsafe core.receive(into: pointer, Self.move)
    }
    return slot
  }

  @usableFromInline
  func requireElement(_ isThere: Bool) {
    require(isThere, "SharedChannel.send: the slot is empty; put an element there first")
  }
}

/// A `for` loop in a fiber receives until the channel is closed and drained, or the fiber cancelled.
///
///     for line in lines { print(line) }
///     try Fiber.checkCancellation()  // which of the two?
///
/// Several loops over one channel share its elements.
extension SharedChannel: Sequence where Element: Copyable {
  /// Receives the elements of a channel.
  public struct Iterator: IteratorProtocol {
    @usableFromInline let channel: SharedChannel

    @inlinable
    init(_ channel: SharedChannel) { self.channel = channel }

    /// Receives the next element; parks the calling fiber while there is none.
    ///
    /// - Returns: The element; `nil` when the channel is closed and drained, or when the fiber is
    ///   cancelled: the cancellation then stays pending for the next suspension.
    /// - Precondition: Called by a fiber.
    @inlinable
    public mutating func next() -> Element? { channel.receiveUnlessCancelled() }
  }

  /// An iterator that receives; any number may be at work.
  ///
  /// - Returns: The iterator.
  @inlinable
  public func makeIterator() -> Iterator { Iterator(self) }

  @inlinable
  func receiveUnlessCancelled() -> Element? {
    do throws(FiberCancelled) {
      return try receive()
    } catch {
      Fiber.deliverLater(error)
      return nil
    }
  }
}
