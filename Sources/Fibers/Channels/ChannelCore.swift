/// The state of a ``Channel`` apart from its elements: counts and queues.
///
/// Invariants: fibers wait as receivers only while the ring is empty, as senders only while it is
/// full; after ``close()`` nobody waits. (Nodes of fibers that wait no more do not count.)
@safe
@usableFromInline
struct ChannelCore: ~Copyable {
  /// Where in the ring the oldest element is.
  @usableFromInline var head = 0
  /// Elements in the ring.
  @usableFromInline var count = 0
  /// As many elements may be in the ring: the capacity, 0 when the channel is closed.
  @usableFromInline var limit: Int
  /// The places of the ring are a power of two; this is one less.
  @usableFromInline let mask: Int
  @usableFromInline var receivers = WaiterQueue()
  @usableFromInline var senders = WaiterQueue()
  @usableFromInline var isClosed = false
  @usableFromInline let capacity: Int
  @usableFromInline let thread: UInt
  let name: String?
  let site: SpawnSite

  @usableFromInline
  init(capacity: Int, name: String?, site: SpawnSite) {
    require(capacity >= 0, "Channel: the capacity must not be negative; 0 makes a rendezvous")
    require(
      capacity <= 1 << 48, "Channel: a capacity of \(capacity) is more than memory can hold")
    self.capacity = capacity
    limit = capacity
    var places = 1
    while places < capacity { places *= 2 }
    mask = places - 1
    thread = Scheduler.threadID
    self.name = name
    self.site = site
  }

  /// For reports.
  var description: String {
    let label = name.map { "channel '\($0)' (\(site))" } ?? "channel \(site)"
    return "\(label), \(count) of \(capacity) in it"
  }

  /// Wakes the receiver that waits longest.
  ///
  /// - Returns: Its slot, an empty `Element?`, to be filled at once; `nil` when none waits.
  @inlinable
  @inline(__always)
  mutating func takeReceiver() -> UnsafeMutableRawPointer? {
    receivers.isEmpty ? nil : unsafe wakeReceiver()
  }

  /// Wakes the sender that waits longest.
  ///
  /// - Returns: Its slot, an `Element?` to be emptied at once; `nil` when none waits.
  @inlinable
  @inline(__always)
  mutating func takeSender() -> UnsafeMutableRawPointer? {
    senders.isEmpty ? nil : unsafe wakeSender()
  }

  @usableFromInline
  @inline(never)
  mutating func wakeReceiver() -> UnsafeMutableRawPointer? { unsafe receivers.wakeFirst(.served) }

  @usableFromInline
  @inline(never)
  mutating func wakeSender() -> UnsafeMutableRawPointer? { unsafe senders.wakeFirst(.served) }

  /// Lets nobody send any more; wakes all who wait.
  @usableFromInline
  mutating func close() {
    isClosed = true
    limit = 0
    while unsafe receivers.wakeFirst(.closed) != nil {}
    while unsafe senders.wakeFirst(.closed) != nil {}
  }

  @usableFromInline
  enum Side: UInt8 {
    case sender
    case receiver
  }

  /// Parks the running fiber as a sender or receiver of the channel at `core`.
  ///
  /// - Returns: Whether it was served; false when the channel was closed.
  @usableFromInline
  @inline(never)
  static func park(
    _ core: UnsafeMutablePointer<ChannelCore>, as side: Side, slot: UnsafeMutableRawPointer
  ) throws(FiberCancelled) -> Bool {
    let scheduler = Fiber.fiberScheduler(side == .sender ? "Channel.send" : "Channel.receive")
    var waiter = unsafe ChannelWaiter(scheduler, core, isSender: side == .sender, slot: slot)
    // SAFETY: the node is on this stack and leaves the queue before this returns.
    return try unsafe withUnsafeMutablePointer(to: &waiter) { node throws(FiberCancelled) in
      unsafe enqueue(node)
      defer { unsafe dequeue(node) }
      try unsafe scheduler.park(
        on: UnsafeMutableRawPointer(node), as: side == .sender ? .send : .receive)
      return unsafe node.pointee.outcome == .served
    }
  }

  /// Puts a node into the queue of its side.
  @usableFromInline
  static func enqueue(_ node: UnsafeMutablePointer<ChannelWaiter>) {
    let core = unsafe node.pointee.core
    if unsafe node.pointee.isSender {
      unsafe core.pointee.senders.append(node)
    } else {
      unsafe core.pointee.receivers.append(node)
    }
  }

  /// Takes a node out of the queue of its side, if it still is in.
  @usableFromInline
  static func dequeue(_ node: UnsafeMutablePointer<ChannelWaiter>) {
    let core = unsafe node.pointee.core
    if unsafe node.pointee.isSender {
      unsafe core.pointee.senders.remove(node)
    } else {
      unsafe core.pointee.receivers.remove(node)
    }
  }
}
