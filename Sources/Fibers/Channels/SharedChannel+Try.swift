/// For any thread, in a fiber or not: what never waits.
extension SharedChannel where Element: ~Copyable {
  /// Sends an element if a receiver waits for one or there is room.
  ///
  /// Never parks or blocks. Any thread.
  ///
  /// - Parameter element: What to send.
  /// - Returns: `nil` when it was sent; otherwise `element` itself.
  /// - Throws: ``ChannelClosed`` when the channel is closed; the element is dropped.
  /// - Complexity: O(1), no allocation; at most one system call, when the receiver's runtime sleeps.
  @inlinable
  public func trySend(_ element: consuming Element) throws(ChannelClosed) -> Element? {
    var slot: Element? = element
    // SAFETY: `slot` stays where it is until the core has returned, and is used by the core alone.
    try unsafe withUnsafeMutablePointer(to: &slot) { pointer throws(ChannelClosed) in
      try unsafe core.trySend(from: pointer, Self.move)
    }
    return slot
  }

  /// Receives an element if one is there, or a sender waits with one.
  ///
  /// Never parks or blocks. Any thread.
  ///
  /// - Returns: The element; `nil` when there is none now.
  /// - Throws: ``ChannelClosed`` when the channel is closed and nothing is left in it.
  /// - Complexity: O(1), no allocation; at most one system call, when the sender's runtime sleeps.
  @inlinable
  public func tryReceive() throws(ChannelClosed) -> Element? {
    var slot: Element? = nil
    // SAFETY: as in trySend.
    try unsafe withUnsafeMutablePointer(to: &slot) { pointer throws(ChannelClosed) in
      try unsafe core.tryReceive(into: pointer, Self.move)
    }
    return slot
  }
}

extension SharedChannelCore {
  /// Sends the element in `slot`, or leaves it there.
  @usableFromInline
  func trySend(from slot: UnsafeMutableRawPointer, _ move: Move) throws(ChannelClosed) {
    try finish(unsafe send(from: Place(slot), [], move))
  }

  /// Receives an element into `slot`, or leaves `nil` there.
  @usableFromInline
  func tryReceive(into slot: UnsafeMutableRawPointer, _ move: Move) throws(ChannelClosed) {
    try finish(unsafe receive(into: Place(slot), [], move))
  }

  @inline(__always)
  private func finish(_ step: Step) throws(ChannelClosed) {
    switch step {
    case .done(let wake): wake()
    case .refused, .waits, .turnOver: break
    case .closed: throw ChannelClosed()
    }
  }
}
