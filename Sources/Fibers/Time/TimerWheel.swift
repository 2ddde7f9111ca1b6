/// The timers of a fiber runtime: at most one a fiber, exact to the nanosecond.
///
/// Most timers are time limits that never pass, so arming and disarming is what must be cheap:
///
/// ```swift
/// var timers = TimerWheel(now: clock.now)
/// timers.arm(fiber.index, at: clock.now + 5_000_000_000)
/// timers.disarm(fiber.index)                      // the usual end of a time limit
/// while let index = timers.popExpired(now: clock.now) { wake(index) }
/// let sleepUntil = timers.nextWake
/// ```
///
/// A hierarchical timing wheel (Varghese and Lauck, "Hashed and Hierarchical Timing Wheels",
/// SOSP 1987, scheme 7) with ticks of about a millisecond. Changed: time does not tick, it jumps
/// from one slot that has timers to the next; and a slot whose tick is reached is not fired but
/// goes into a heap, which puts its timers in their exact order.
///
/// For one thread. Steady state allocates nothing: memory grows with the largest number of ids
/// and with the most timers due within one tick, and is freed at the end.
package struct TimerWheel: ~Copyable {
  // The rule of the type: timers with a tick up to `elapsed` are in `near`, later ones are in
  // `slots` where `WheelSlots.place` of their tick and `elapsed` says. So the first of the heap,
  // if it has one, is the first of all.
  private var elapsed: UInt64
  private var sequence: UInt64 = 0
  private var nodes = TimerNodes()
  private var near = NearHeap()
  private let slots = WheelSlots()

  /// How many timers are armed.
  package private(set) var count = 0

  /// Makes a wheel without timers.
  ///
  /// - Parameter now: The time, in nanoseconds of a monotonic clock.
  package init(now: Int64) {
    elapsed = Self.tick(of: now)
  }

  /// Whether no timer is armed.
  @inline(__always)
  package var isEmpty: Bool { count == 0 }

  /// Whether the timer of `id` is armed.
  @inline(__always)
  package func isArmed(_ id: UInt32) -> Bool {
    // SAFETY: the node is read at once.
    guard let node = unsafe nodes.find(id) else { return false }
    return unsafe node.pointee.isArmed
  }

  /// Arms the timer of `id`; an earlier arming of it is forgotten, and its turn among equals too.
  ///
  /// - Parameters:
  ///   - id: The index of the fiber's control block, below 2^24.
  ///   - deadline: When it is due, in nanoseconds of the wheel's clock; in the past is at once.
  /// - Complexity: O(1); O(log k) for a deadline within the current tick, with k of those.
  package mutating func arm(_ id: UInt32, at deadline: Int64) {
    // SAFETY: nodes never move, and `make` has made the one of `id`.
    let node = unsafe nodes.find(id) ?? nodes.make(id)
    let tick = Self.tick(of: deadline)
    let wasAt = unsafe node.pointee.place
    let arming = sequence
    sequence &+= 1
    unsafe node.pointee.deadline = deadline
    unsafe node.pointee.sequence = arming

    if tick > elapsed {
      let place = WheelSlots.place(of: tick, from: elapsed)
      if place == wasAt { return }
      remove(id, from: wasAt)
      slots.link(id, at: place, nodes)
    } else {
      remove(id, from: wasAt)
      near.insert(NearTimer(deadline: deadline, sequence: arming, id: id), nodes)
    }
    count &+= wasAt == TimerNode.unarmed ? 1 : 0
  }

  /// Disarms the timer of `id`; nothing when it is not armed.
  ///
  /// - Complexity: O(1); O(log k) for a deadline within the current tick, with k of those.
  package mutating func disarm(_ id: UInt32) {
    // SAFETY: nodes never move.
    guard let node = unsafe nodes.find(id) else { return }
    let wasAt = unsafe node.pointee.place
    if wasAt == TimerNode.unarmed { return }
    remove(id, from: wasAt)
    unsafe node.pointee.place = TimerNode.unarmed
    count &-= 1
  }

  /// Takes the timer out of where it is; its node is told by the caller.
  @inline(__always)
  private mutating func remove(_ id: UInt32, from place: UInt32) {
    if place < TimerNode.nearBase {
      slots.unlink(id, nodes)
    } else if place != TimerNode.unarmed {
      near.remove(at: Int(place &- TimerNode.nearBase), nodes)
    }
  }

  /// Disarms the earliest timer that is due: that of the earliest deadline, of equal ones that
  /// armed first.
  ///
  /// Time may stand still, jump, or be earlier than the last time.
  ///
  /// - Parameter now: The time, in nanoseconds of the wheel's clock.
  /// - Returns: Its id, or `nil` when none has a deadline up to `now`.
  /// - Complexity: O(log k) with k timers in the current tick; besides, each timer is moved at most
  ///   once a level in its life. Time without timers costs O(levels), however long it is.
  package mutating func popExpired(now: Int64) -> UInt32? {
    if near.isEmpty {
      // All that lies in slots is of a later tick: most looks end here.
      let tick = Self.tick(of: now)
      guard tick > elapsed else { return nil }
      advance(to: tick)
    }
    guard let first = near.first, first.deadline <= now else { return nil }
    near.remove(at: 0, nodes)
    // SAFETY: timers of the heap have nodes.
    unsafe nodes[first.id].pointee.place = TimerNode.unarmed
    count &-= 1
    return first.id
  }

  /// When to look again with ``popExpired(now:)``, or `nil` when no timer is armed.
  ///
  /// Never later than the earliest deadline. It is that deadline when it lies in the current tick
  /// or has its slot to itself; else it is the beginning of that slot, and the look there finds
  /// nothing due but comes a level closer: at most one such look a level.
  ///
  /// After ``popExpired(now:)`` has returned `nil` it is later than that `now`.
  ///
  /// - Complexity: O(levels).
  package var nextWake: Int64? {
    if let first = near.first { return first.deadline }
    guard !isEmpty, let place = slots.first else { return nil }
    // SAFETY: timers of lists have nodes.
    let head = unsafe nodes[slots.head(of: place)].pointee
    if head.next == TimerNode.none { return head.deadline }
    return Self.begin(of: WheelSlots.begin(of: place, from: elapsed))
  }
}

extension TimerWheel {
  /// About a millisecond: 2^20 nanoseconds.
  private static let tickBits: UInt64 = 20

  /// The tick of a time: 44 bits, in the order of time also where that is negative.
  @inline(__always)
  private static func tick(of time: Int64) -> UInt64 {
    UInt64(bitPattern: time ^ .min) &>> tickBits
  }

  /// The first nanosecond of a tick.
  private static func begin(of tick: UInt64) -> Int64 {
    Int64(bitPattern: tick &<< tickBits) ^ .min
  }

  /// Goes on, with an empty heap, to the first tick that has timers, at most to `tick`.
  ///
  /// Not further, although more may be due: the heap stays as small as what one tick has.
  private mutating func advance(to tick: UInt64) {
    while let place = slots.first {
      let begin = WheelSlots.begin(of: place, from: elapsed)
      if begin > tick { break }
      // Nothing lies before the slot, and all in it is of this tick or of a lower level from here.
      elapsed = begin
      spread(place)
      if !near.isEmpty { return }
    }
    // No slot with timers begins up to `tick`, so none changes its place.
    elapsed = tick
  }

  /// Moves the timers of a slot, which begins at `elapsed`, to where they are now.
  private mutating func spread(_ place: UInt32) {
    var id = slots.removeAll(at: place)
    while id != TimerNode.none {
      // SAFETY: timers of lists have nodes.
      let node = unsafe nodes[id].pointee
      let tick = Self.tick(of: node.deadline)
      if tick > elapsed {
        slots.link(id, at: WheelSlots.place(of: tick, from: elapsed), nodes)
      } else {
        near.insert(NearTimer(deadline: node.deadline, sequence: node.sequence, id: id), nodes)
      }
      id = node.next
    }
  }
}
