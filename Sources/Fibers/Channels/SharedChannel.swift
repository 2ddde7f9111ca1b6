/// A bounded queue between fibers of any runtimes, threads and tasks.
///
/// Fibers park while it is full or empty; other threads use the operations that do not wait; tasks
/// have `async` ones. First in, first out: elements, senders that wait and receivers that wait.
///
///     let lines = SharedChannel<String>(capacity: 64)
///     // A fiber of one runtime                // A fiber of another, on another thread
///     for line in input {                      for line in lines {
///       try lines.send(line)                     print(line)
///     }                                        }
///     lines.close()                            try Fiber.checkCancellation()
///
/// With capacity 0 each element goes from the sender to the receiver directly, and the sender waits
/// for that.
///
/// Nothing is lost or delivered twice, whatever comes at once: an operation whose element was taken
/// or delivered has succeeded, and a cancellation that came meanwhile stays pending for the next
/// suspension. An operation that need not wait delivers no cancellation, but every 64th on a channel
/// lets the other fibers of its runtime have a turn first, and is a suspension by that.
///
/// A runtime whose fibers wait for a shared channel sleeps and does not end: another thread may
/// use the channel. Between fibers of one runtime `Channel` is cheaper.
///
/// Any thread may hold it. Dropping the last reference drops the elements that are left.
///
/// Corresponds to C's `async_channel_init`, `async_channel_send`, `async_channel_recv`,
/// `async_channel_close` and `async_channel_shutdown`.
public final class SharedChannel<Element: ~Copyable & Sendable>: Sendable {
  @usableFromInline let core: SharedChannelCore

  /// Makes an open channel.
  ///
  /// - Parameters:
  ///   - capacity: How many elements it holds that were sent and not received: 0 or more.
  ///   - name: For reports.
  ///   - file: Where it was made, for reports.
  ///   - line: Where it was made, for reports.
  /// - Precondition: `capacity` is not negative.
  /// - Complexity: O(1): memory for `capacity` optional elements, untouched.
  ///
  /// Corresponds to C's `async_channel_init`.
  @inlinable
  public init(
    capacity: Int, name: String? = nil, file: StaticString = #fileID, line: UInt32 = #line
  ) {
    core = SharedChannelCore(
      capacity: capacity, cellStride: MemoryLayout<Element?>.stride,
      cellAlignment: MemoryLayout<Element?>.alignment, name: name, file: file, line: line)
  }

  deinit {
    // SAFETY: nobody else knows the channel; each full cell holds an optional element.
    unsafe core.forEachElement { cell in
      _ = unsafe cell.assumingMemoryBound(to: Element?.self).deinitialize(count: 1)
    }
  }

  /// What it was named.
  public var name: String? { core.name }

  /// How many elements it holds that were sent and not received.
  public var capacity: Int { core.capacity }

  /// How many elements it holds now; 0 or more, ``capacity`` at most.
  ///
  /// Elements of senders that wait are not counted. May be old the moment it is returned.
  public var count: Int { core.count }

  /// Whether it was closed.
  ///
  /// May be old the moment it is returned, when it is `false`.
  public var isClosed: Bool { core.isClosed }

  /// Ends the channel: nothing more can be sent, and receivers get what is in it, then the end.
  ///
  /// Who waits goes on at once: receivers get `nil`; senders get ``ChannelSendError/closed`` and
  /// keep their element. Closing again does nothing. Any thread; never parks.
  ///
  /// - Complexity: O(n) for n who wait; a system call at most for each runtime that sleeps.
  ///
  /// Corresponds to C's `async_channel_close` and `async_channel_shutdown`.
  public func close() { core.close() }

  /// Moves an optional element to another place: see ``SharedChannelCore/Move``.
  @inlinable
  @inline(__always)
  static func move(_ from: UnsafeMutableRawPointer, _ to: UnsafeMutableRawPointer) {
    // SAFETY: the core passes what it was given: `from` is a place of an optional element, and
    // `to` one that holds `nil`, which needs no destruction, or nothing yet.
    let element = unsafe from.assumingMemoryBound(to: Element?.self).pointee.take()
    unsafe to.assumingMemoryBound(to: Element?.self).initialize(to: element)
  }
}
