/// For Swift tasks: what may suspend them.
///
/// A task that waits keeps no thread of the pool. Cancelling it ends the wait, unless the element
/// was taken or delivered first: then the operation succeeds.
extension SharedChannel where Element: ~Copyable {
  /// Sends an element.
  ///
  /// Suspends the calling task while the channel is full. On failure the element is dropped.
  ///
  /// - Parameter element: What to send.
  /// - Throws: ``ChannelSendError/closed`` when the channel is closed, before or while it waits;
  ///   `CancellationError` when the task is cancelled while it waits.
  /// - Complexity: O(1).
  ///
  /// Corresponds to C's `async_channel_send`.
  public func send(_ element: consuming Element) async throws {
    let slot = Self.makeSlot(element)
    defer { Self.freeSlot(slot) }
    switch await core.finish(unsafe core.send(from: slot, .mayWait, Self.move)) {
    case .served: return
    case .closed: throw ChannelSendError.closed
    case .waiting: throw CancellationError()
    }
  }

  /// Receives the next element.
  ///
  /// Suspends the calling task while the channel is empty.
  ///
  /// - Returns: The element; `nil` when the channel is closed and nothing is left in it.
  /// - Throws: `CancellationError` when the task is cancelled while it waits; nothing was received.
  /// - Complexity: O(1).
  ///
  /// Corresponds to C's `async_channel_recv`.
  public func receive() async throws(CancellationError) -> Element? {
    let slot = Self.makeSlot(nil)
    defer { Self.freeSlot(slot) }
    let fate = await core.finish(unsafe core.receive(into: slot, .mayWait, Self.move))
    guard fate != .waiting else { throw CancellationError() }
    return unsafe slot.address.assumingMemoryBound(to: Element?.self).pointee.take()
  }

  // A task keeps its element here: its own frame may not be pointed into over a suspension.

  private static func makeSlot(_ element: consuming Element?) -> SharedChannelCore.Place {
    let pointer = UnsafeMutablePointer<Element?>.allocate(capacity: 1)
    unsafe pointer.initialize(to: element)
    return unsafe SharedChannelCore.Place(pointer)
  }

  private static func freeSlot(_ slot: SharedChannelCore.Place) {
    // SAFETY: made by makeSlot; the operation is over, so the channel does not use it any more.
    let pointer = unsafe slot.address.assumingMemoryBound(to: Element?.self)
    unsafe pointer.deinitialize(count: 1)
    unsafe pointer.deallocate()
  }
}
