extension Channel where Element: ~Copyable {
  /// Adds an element at the back; parks the running fiber while the channel is full.
  ///
  /// - Parameter element: The element. When this throws it is gone; ``send(from:)`` keeps it.
  /// - Throws: ``ChannelSendError``: nothing was sent.
  /// - Precondition: Called by a fiber when the channel is full.
  /// - Complexity: O(1), no allocation.
  ///
  /// Corresponds to C's `async_channel_send`.
  @available(*, noasync, message: "it parks a fiber, not a task; use SharedChannel")
  @inlinable
  @inline(__always)
  public func send(_ element: consuming Element) throws(ChannelSendError) {
    checkThread("Channel.send")
    if unsafe core.pointee.receivers.isEmpty && core.pointee.count < core.pointee.limit {
      append(element)
      return
    }
    var slot: Element? = consume element
    try sendWaiting(&slot)
  }

  /// Adds the element in `slot` at the back, and takes it from there only if it is delivered.
  ///
  /// Parks the running fiber while the channel is full.
  ///
  /// - Parameter slot: Holds an element; `nil` afterwards, or unchanged when this throws.
  /// - Throws: ``ChannelSendError``: nothing was sent.
  /// - Precondition: `slot` holds an element. Called by a fiber when the channel is full.
  @available(*, noasync, message: "it parks a fiber, not a task; use SharedChannel")
  @inlinable
  public func send(from slot: inout Element?) throws(ChannelSendError) {
    checkThread("Channel.send")
    require(slot != nil, "Channel.send(from:): there is no element in the slot")
    try sendWaiting(&slot)
  }

  /// Adds an element at the back, unless the channel is full.
  ///
  /// Never parks; may be called outside of fibers.
  ///
  /// - Parameter element: The element.
  /// - Returns: `nil` when it was added (or handed to a receiver); otherwise the element itself.
  /// - Throws: ``ChannelClosed``; then the element is gone.
  /// - Complexity: O(1), no allocation.
  @inlinable
  public func trySend(_ element: consuming Element) throws(ChannelClosed) -> Element? {
    checkThread("Channel.trySend")
    var slot: Element? = consume element
    guard unsafe !core.pointee.isClosed else { throw ChannelClosed() }
    _ = deliver(&slot)
    return slot
  }

  /// Hands the element in `slot` to a receiver that waits, else puts it into the ring.
  ///
  /// - Returns: False when there was no room.
  @inlinable
  @inline(never)
  func deliver(_ slot: inout Element?) -> Bool {
    if let theirs = unsafe core.pointee.takeReceiver() {
      // SAFETY: the slot of a receiver is an `Element?` of that fiber, which has not run since.
      unsafe theirs.assumingMemoryBound(to: Element?.self).pointee = slot.take()
      return true
    }
    guard unsafe core.pointee.count < core.pointee.limit, let element = slot.take() else {
      return false
    }
    append(element)
    return true
  }

  @inlinable
  @inline(__always)
  func sendWaiting(_ slot: inout Element?) throws(ChannelSendError) {
    if unsafe core.pointee.isClosed { throw .closed }
    if deliver(&slot) { return }
    do throws(FiberCancelled) {
      // SAFETY: the slot stays where it is until this returns, and the wait is over by then.
      let wasServed = try unsafe withUnsafeMutablePointer(to: &slot) {
        slot throws(FiberCancelled) in
        try unsafe ChannelCore.park(core, as: .sender, slot: UnsafeMutableRawPointer(slot))
      }
      if wasServed { return }
    } catch {
      throw .cancelled(error)
    }
    throw .closed
  }
}
