/// A bounded queue between the fibers of one runtime.
///
/// Senders park while it is full, receivers while it is empty; each side is served in the order in
/// which it came. With capacity 0 it is a rendezvous: a sender goes on when a receiver has taken its
/// element.
///
///     let jobs = Channel<Job>(capacity: 16)
///     try Fiber.spawn {
///       for job in allJobs { try jobs.send(job) }
///       jobs.close()
///     }
///     try Fiber.spawn {
///       for job in jobs { job.run() }   // ends when closed and drained
///     }
///
/// Cancel safety: a ``send(from:)`` that throws has not sent, and the element is where it was; a
/// ``receive()`` that throws has not taken one. An element is delivered once or not at all.
///
/// Belongs to the thread it was made on. Between threads use ``SharedChannel``.
///
/// Corresponds to C's `async_channel_t` and `async_channel_init`.
@safe
public final class Channel<Element: ~Copyable> {
  // SAFETY: allocated in init, freed in deinit. Waiting fibers are inside a method of the channel,
  // so the channel outlives their waits. `ring` has mask + 1 places, of which `count` from `head`
  // on are initialized.
  @usableFromInline let core: UnsafeMutablePointer<ChannelCore>
  @usableFromInline let ring: UnsafeMutablePointer<Element>

  /// Makes an open, empty channel.
  ///
  /// - Parameters:
  ///   - capacity: How many elements may wait in it; 0 for a rendezvous.
  ///   - name: For reports; the place where it was made serves when there is none.
  ///   - file: Of that place.
  ///   - line: Of that place.
  /// - Complexity: Room for `capacity` elements is allocated now, and nothing later.
  @inlinable
  public init(
    capacity: Int, name: String? = nil, file: StaticString = #fileID, line: UInt32 = #line
  ) {
    unsafe core = .allocate(capacity: 1)
    unsafe core.initialize(
      to: ChannelCore(capacity: capacity, name: name, site: SpawnSite(file: file, line: line)))
    unsafe ring = .allocate(capacity: core.pointee.mask + 1)
  }

  @inlinable
  deinit {
    while unsafe core.pointee.count > 0 { _ = takeFirst() }
    unsafe ring.deallocate()
    unsafe core.deinitialize(count: 1)
    unsafe core.deallocate()
  }

  /// How many elements may wait in it.
  @inlinable public var capacity: Int { unsafe core.pointee.capacity }

  /// How many elements wait in it now.
  @inlinable public var count: Int { unsafe core.pointee.count }

  /// Whether ``close()`` was called; elements may still be in it.
  @inlinable public var isClosed: Bool { unsafe core.pointee.isClosed }

  /// The name it was given, if any.
  public var name: String? { unsafe core.pointee.name }

  /// Lets nobody send any more.
  ///
  /// Elements that are in the channel can still be received, then receivers get the end. Senders
  /// that are parked get ``ChannelSendError/closed`` and keep their elements. Closing again does
  /// nothing.
  ///
  /// - Complexity: O(1) for each fiber that waits.
  ///
  /// Corresponds to C's `async_channel_close`.
  @inlinable
  public func close() {
    checkThread("Channel.close")
    if unsafe !core.pointee.isClosed { unsafe core.pointee.close() }
  }

  // MARK: The ring

  /// Moves `element` into the ring, which has room.
  @inlinable
  @inline(__always)
  func append(_ element: consuming Element) {
    let place = unsafe (core.pointee.head &+ core.pointee.count) & core.pointee.mask
    unsafe (ring + place).initialize(to: element)
    unsafe core.pointee.count &+= 1
  }

  /// Moves the oldest element out of the ring, which has one.
  @inlinable
  @inline(__always)
  func takeFirst() -> Element {
    let head = unsafe core.pointee.head
    let element = unsafe (ring + head).move()
    unsafe core.pointee.head = unsafe (head &+ 1) & core.pointee.mask
    unsafe core.pointee.count &-= 1
    return element
  }

  @inlinable
  @inline(__always)
  func checkThread(_ function: StaticString) {
    if unsafe core.pointee.thread != Scheduler.threadID { refuseThread(function) }
  }

  @usableFromInline
  @inline(never)
  func refuseThread(_ function: StaticString) -> Never {
    misuse("\(function): the channel belongs to another thread; use SharedChannel between threads")
  }
}

/// A channel belongs to its thread; ``SharedChannel`` is for several.
@available(*, unavailable, message: "a Channel belongs to its thread; use SharedChannel")
extension Channel: @unchecked Sendable where Element: ~Copyable {}
