extension Channel where Element: ~Copyable {
  /// Takes the oldest element; parks the running fiber while there is none.
  ///
  /// - Returns: The element; `nil` when the channel is closed and drained.
  /// - Throws: ``FiberCancelled``: nothing was taken.
  /// - Precondition: Called by a fiber when the channel is empty.
  /// - Complexity: O(1), no allocation.
  ///
  /// Corresponds to C's `async_channel_recv`.
  @available(*, noasync, message: "it parks a fiber, not a task; use SharedChannel")
  @inlinable
  @inline(__always)
  public func receive() throws(FiberCancelled) -> Element? {
    checkThread("Channel.receive")
    if unsafe core.pointee.count > 0 && core.pointee.senders.isEmpty { return takeFirst() }
    if let element = takeAvailable() { return element }
    if unsafe core.pointee.isClosed { return nil }
    var slot: Element? = nil
    // SAFETY: the slot stays where it is until the wait is over.
    _ = try unsafe withUnsafeMutablePointer(to: &slot) { slot throws(FiberCancelled) in
      try unsafe ChannelCore.park(core, as: .receiver, slot: UnsafeMutableRawPointer(slot))
    }
    return slot
  }

  /// Takes the oldest element, if there is one.
  ///
  /// Never parks; may be called outside of fibers.
  ///
  /// - Returns: The element; `nil` when there is none now.
  /// - Throws: ``ChannelClosed`` when there never will be one.
  /// - Complexity: O(1), no allocation.
  @inlinable
  public func tryReceive() throws(ChannelClosed) -> Element? {
    checkThread("Channel.tryReceive")
    if let element = takeAvailable() { return element }
    if unsafe core.pointee.isClosed { throw ChannelClosed() }
    return nil
  }

  /// The oldest element: of the ring, else of a sender that waits.
  ///
  /// A place that gets free in the ring is filled by the sender that waits longest.
  @inlinable
  @inline(never)
  func takeAvailable() -> Element? {
    if unsafe core.pointee.count > 0 {
      let element = takeFirst()
      if var theirs = takeFromSender(), let next = theirs.take() { append(next) }
      return element
    }
    return takeFromSender() ?? nil
  }

  /// The element of the sender that waits longest, which goes on; `nil` when none waits.
  @inlinable
  @inline(__always)
  func takeFromSender() -> Element?? {
    guard let theirs = unsafe core.pointee.takeSender() else { return nil }
    // SAFETY: the slot of a sender is an `Element?` of that fiber, which has not run since.
    return unsafe theirs.assumingMemoryBound(to: Element?.self).pointee.take()
  }
}
