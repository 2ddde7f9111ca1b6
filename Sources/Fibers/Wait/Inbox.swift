import Synchronization

/// What other threads leave for a runtime: fibers to wake, and requests.
///
/// Two stacks that any thread pushes to and the owner takes as a whole (R. K. Treiber, "Systems
/// programming: coping with parallelism", 1986; taking all at once, it knows no ABA problem).
/// A fiber is in the inbox at most once, however many wakes it gets: its link word says so.
struct Inbox: ~Copyable {
  /// A block by its index, shifted: 0 means "not in there", 1 ends the list.
  typealias Link = UInt32
  private static var end: Link { 1 }
  private static func link(to index: UInt32) -> Link { index + 2 }

  private let wakes = Atomic<Link>(Inbox.end)
  private let requests = Atomic<UInt>(0)

  /// Whether there is nothing to do.
  ///
  /// May be old the moment it is returned.
  var looksEmpty: Bool {
    wakes.load(ordering: .relaxed) == Self.end && requests.load(ordering: .relaxed) == 0
  }

  /// The same, ordered after the caller's announcement that it will sleep.
  var isEmptyBeforeSleep: Bool {
    // ORDER: sequentially consistent, against the exchange in push and Door.ring: either the
    // pusher sees that we sleep, or we see what it pushed.
    wakes.load(ordering: .sequentiallyConsistent) == Self.end
      && requests.load(ordering: .sequentiallyConsistent) == 0
  }

  /// Leaves `fiber`, whose wake word was just set.
  ///
  /// Any thread.
  func push(_ fiber: FiberRef) {
    let link = Self.link(to: fiber.index)
    // ORDER: sequentially consistent, as are Door.wake's exchange of the wake word before it, the
    // exchange in takeWakes, and the load in wakeNotified after that. Who fails here only reads:
    // either it sees that the fiber was taken out, or who takes it out sees the wake word.
    guard
      unsafe fiber.pointer.pointee.inboxLink.compareExchange(
        expected: 0, desired: Self.end, ordering: .sequentiallyConsistent
      ).exchanged
    else { return }
    var head = wakes.load(ordering: .relaxed)
    while true {
      unsafe fiber.pointer.pointee.inboxLink.store(head, ordering: .relaxed)
      // ORDER: sequentially consistent, see isEmptyBeforeSleep; it also releases the link.
      let result = wakes.weakCompareExchange(
        expected: head, desired: link, ordering: .sequentiallyConsistent)
      if result.exchanged { return }
      head = result.original
    }
  }

  /// Takes all fibers that were left, oldest first.
  ///
  /// For the owner.
  func takeWakes(in blocks: borrowing BlockTable, _ body: (FiberRef) -> Void) {
    guard wakes.load(ordering: .relaxed) != Self.end else { return }
    // ORDER: acquire, with the push: the links are written.
    var link = wakes.exchange(Self.end, ordering: .acquiring)
    var oldest = Self.end
    // The list is newest first: turn it round.
    while link != Self.end, let fiber = blocks[link - 2] {
      let older = unsafe fiber.pointer.pointee.inboxLink.load(ordering: .relaxed)
      unsafe fiber.pointer.pointee.inboxLink.store(oldest, ordering: .relaxed)
      oldest = link
      link = older
    }
    while oldest != Self.end, let fiber = blocks[oldest - 2] {
      // ORDER: sequentially consistent, with the compare-exchange in push.
      oldest = unsafe fiber.pointer.pointee.inboxLink.exchange(
        0, ordering: .sequentiallyConsistent)
      body(fiber)
    }
  }

  /// Leaves a request.
  ///
  /// Any thread.
  func push(_ request: DoorRequest) {
    let link = unsafe UInt(bitPattern: Unmanaged.passRetained(request).toOpaque())
    var head = requests.load(ordering: .relaxed)
    while true {
      request.link = head
      // ORDER: sequentially consistent, see isEmptyBeforeSleep; it also releases the request.
      let result = requests.weakCompareExchange(
        expected: head, desired: link, ordering: .sequentiallyConsistent)
      if result.exchanged { return }
      head = result.original
    }
  }

  /// Takes all requests, oldest first.
  ///
  /// For the owner, and for anyone once the door is closed: each request is taken by one.
  func takeRequests() -> [DoorRequest] {
    // ORDER: sequentially consistent, against Door.leave; the exchange also acquires the requests.
    guard requests.load(ordering: .sequentiallyConsistent) != 0 else { return [] }
    var link = requests.exchange(0, ordering: .sequentiallyConsistent)
    var taken: [DoorRequest] = []
    while let pointer = unsafe UnsafeRawPointer(bitPattern: link) {
      // SAFETY: each push retained its request once, and each is taken once.
      let request = unsafe Unmanaged<DoorRequest>.fromOpaque(pointer).takeRetainedValue()
      link = request.link
      taken.append(request)
    }
    taken.reverse()
    return taken
  }
}
