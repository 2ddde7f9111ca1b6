/// A fiber that waits at a channel: a node on its stack, in the queue of senders or receivers.
///
/// A fiber that selects has one such node for each channel. Who finds a node may serve it only while
/// its fiber is parked: to wake the fiber is what decides, so of all the nodes, cancellations and
/// deadlines that could end a wait exactly one does (``FiberLife``). A node whose fiber is not
/// parked any more is skipped; the fiber itself takes it out before its stack frame is gone.
@safe
@usableFromInline
struct ChannelWaiter {
  enum Outcome: UInt8 {
    /// Not served: the fiber was cut short, or another node of its select was.
    case none
    /// The element has been moved out of, or into, ``slot``.
    case served
    case closed
  }

  fileprivate var next: UnsafeMutablePointer<ChannelWaiter>?
  fileprivate var previous: UnsafeMutablePointer<ChannelWaiter>?
  fileprivate var isLinked = false
  let isSender: Bool
  var outcome = Outcome.none
  let fiber: FiberRef
  let scheduler: Scheduler
  let core: UnsafeMutablePointer<ChannelCore>
  /// An `Element?` of the waiting fiber: holds the element of a sender, gets that of a receiver.
  let slot: UnsafeMutableRawPointer
  /// The next node of the same select.
  var sibling: UnsafeMutablePointer<ChannelWaiter>?

  init(
    _ scheduler: Scheduler, _ core: UnsafeMutablePointer<ChannelCore>, isSender: Bool,
    slot: UnsafeMutableRawPointer
  ) {
    self.isSender = isSender
    fiber = scheduler.fiber
    self.scheduler = scheduler
    unsafe self.core = unsafe core
    unsafe self.slot = unsafe slot
  }

  /// A node of a select.
  @usableFromInline
  init(
    _ select: SelectScheduler, _ core: UnsafeMutablePointer<ChannelCore>, isSender: Bool,
    slot: UnsafeMutableRawPointer
  ) {
    unsafe self.init(select.scheduler, core, isSender: isSender, slot: slot)
  }

  /// For reports.
  var channelDescription: String { unsafe core.pointee.description }
}

/// The fibers that wait at one side of a channel, first come first served: a circle of nodes.
@safe
@usableFromInline
struct WaiterQueue {
  @usableFromInline var first: UnsafeMutablePointer<ChannelWaiter>?

  @inlinable
  var isEmpty: Bool {
    @inline(__always) get { unsafe first == nil }
  }

  @inline(__always)
  mutating func append(_ waiter: UnsafeMutablePointer<ChannelWaiter>) {
    unsafe waiter.pointee.isLinked = true
    if let first = unsafe first, let last = unsafe first.pointee.previous {
      unsafe waiter.pointee.next = first
      unsafe waiter.pointee.previous = last
      unsafe last.pointee.next = waiter
      unsafe first.pointee.previous = waiter
    } else {
      unsafe waiter.pointee.next = waiter
      unsafe waiter.pointee.previous = waiter
      unsafe first = waiter
    }
  }

  /// Takes `waiter` out, if it still is in.
  @inline(__always)
  mutating func remove(_ waiter: UnsafeMutablePointer<ChannelWaiter>) {
    guard unsafe waiter.pointee.isLinked else { return }
    unsafe waiter.pointee.isLinked = false
    if let next = unsafe waiter.pointee.next, let previous = unsafe waiter.pointee.previous,
      unsafe next != waiter
    {
      unsafe previous.pointee.next = next
      unsafe next.pointee.previous = previous
      if unsafe first == waiter { unsafe first = next }
    } else {
      unsafe first = nil
    }
  }

  /// Takes the fiber that waits longest, ends its wait with `outcome`, and queues it.
  ///
  /// - Returns: The slot of that fiber, to be filled or emptied before it has its turn; `nil` when
  ///   nobody waits.
  @inline(__always)
  mutating func wakeFirst(_ outcome: ChannelWaiter.Outcome) -> UnsafeMutableRawPointer? {
    while let waiter = unsafe first {
      unsafe remove(waiter)
      let scheduler = unsafe waiter.pointee.scheduler
      let fiber = unsafe waiter.pointee.fiber
      guard scheduler.wake(fiber) else { continue }
      unsafe waiter.pointee.outcome = outcome
      return unsafe waiter.pointee.slot
    }
    return nil
  }
}
