/// The slots of a wheel: eight levels of 64 lists of timers, and a bit for each that has any.
///
/// A slot of level 0 is one tick, a slot of the next level is all 64 slots of this one. Where a
/// tick is follows from the wheel's own tick alone: its level is that of the highest of their
/// digits (of six bits) that differs, its slot is its own digit there. So all levels lie ahead of
/// the wheel's tick, and each level before the next: the first bit is the earliest slot.
@safe
struct WheelSlots: ~Copyable {
  static let levels = 8
  private static let slotBits: UInt64 = 6
  private static let slotsPerLevel = 64

  // SAFETY: both are allocated whole in init, freed in deinit, and never handed out.
  private let occupied: UnsafeMutablePointer<UInt64>
  private let heads: UnsafeMutablePointer<UInt32>

  init() {
    assert(Self.levels * Self.slotsPerLevel == TimerNode.nearBase, "places overlap")
    unsafe occupied = .allocate(capacity: Self.levels)
    unsafe occupied.initialize(repeating: 0, count: Self.levels)
    unsafe heads = .allocate(capacity: Self.levels * Self.slotsPerLevel)
    unsafe heads.initialize(repeating: TimerNode.none, count: Self.levels * Self.slotsPerLevel)
  }

  deinit {
    unsafe occupied.deallocate()
    unsafe heads.deallocate()
  }

  /// The slot for `tick`, which is after the wheel's tick.
  @inline(__always)
  static func place(of tick: UInt64, from elapsed: UInt64) -> UInt32 {
    assert(tick > elapsed && tick >> 44 == 0)
    let highestBit = 63 &- UInt64((tick ^ elapsed).leadingZeroBitCount)
    let level = highestBit / slotBits
    let digit = tick &>> (level &* slotBits) & 63
    return UInt32(truncatingIfNeeded: level &* 64 | digit)
  }

  /// The first tick of the slot at `place`, seen from the wheel's tick.
  static func begin(of place: UInt32, from elapsed: UInt64) -> UInt64 {
    let shift = UInt64(place / 64) &* slotBits
    let above = shift &+ slotBits
    return (elapsed &>> above) &<< above | UInt64(place % 64) &<< shift
  }

  /// The place of the earliest slot that has timers.
  @inline(__always)
  var first: UInt32? {
    for level in 0..<Self.levels {
      // SAFETY: `level` is below `levels`.
      let bits = unsafe occupied[level]
      if bits != 0 { return UInt32(truncatingIfNeeded: level &* 64 &+ bits.trailingZeroBitCount) }
    }
    return nil
  }

  /// A timer of the slot at `place`.
  @inline(__always)
  func head(of place: UInt32) -> UInt32 {
    // SAFETY: places of slots are below `levels` times `slotsPerLevel`.
    unsafe heads[Int(place)]
  }

  /// Takes all timers out of the slot at `place`.
  ///
  /// - Returns: The first of them; the nodes still link the others.
  func removeAll(at place: UInt32) -> UInt32 {
    let head = head(of: place)
    // SAFETY: as in `head`.
    unsafe heads[Int(place)] = TimerNode.none
    unsafe occupied[Int(place / 64)] &= ~(1 &<< UInt64(place % 64))
    return head
  }

  /// Puts a timer into the slot at `place`.
  @inline(__always)
  func link(_ id: UInt32, at place: UInt32, _ nodes: borrowing TimerNodes) {
    // SAFETY: as in `head`; timers of lists have nodes.
    let node = unsafe nodes[id]
    let next = head(of: place)
    unsafe node.pointee.previous = TimerNode.none
    unsafe node.pointee.next = next
    unsafe node.pointee.place = place
    unsafe heads[Int(place)] = id
    if next == TimerNode.none {
      unsafe occupied[Int(place / 64)] |= 1 &<< UInt64(place % 64)
    } else {
      unsafe nodes[next].pointee.previous = id
    }
  }

  /// Takes a timer out of its slot, which tells its node nothing.
  @inline(__always)
  func unlink(_ id: UInt32, _ nodes: borrowing TimerNodes) {
    // SAFETY: as in `link`.
    let node = unsafe nodes[id].pointee
    if node.next != TimerNode.none { unsafe nodes[node.next].pointee.previous = node.previous }
    if node.previous != TimerNode.none {
      unsafe nodes[node.previous].pointee.next = node.next
    } else {
      unsafe heads[Int(node.place)] = node.next
      if node.next == TimerNode.none {
        unsafe occupied[Int(node.place / 64)] &= ~(1 &<< UInt64(node.place % 64))
      }
    }
  }
}
