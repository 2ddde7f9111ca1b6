import CFibers

/// Stacks of one size: slabs of slots, a guard at the low end of each, reused most recent first.
///
///     slab:  | guard | stack 0 ......... colour | guard | stack 1 ....... colour | ...
///            low addresses                                        high addresses
///
/// A slab is one reservation; memory comes page by page when it is touched. Guards are made in
/// batches when slots are first needed. The top of each stack is moved down by a *colour*, a few
/// cache lines that differ between neighbours: without it the hot ends of all stacks would compete
/// for the same sets of the caches.
///
/// A fiber is promised a stack when it is spawned (``reserve()``) and given one when it first runs
/// (``take()``), so that taking never fails, and fibers that never suspend share one hot stack.
@safe
struct StackPool: ~Copyable {
  /// Slots that get their guards together.
  private static let guardBatch = 64
  /// What a slab reserves, roughly.
  private static let slabByteCount = 16 << 20
  /// The most that is reserved at once: reservations double, so that mappings stay few.
  private static let greatestReservation = 1 << 30
  private static let colours = 40
  private static let cacheLine = 64

  /// Usable bytes of a stack, colour included.
  ///
  /// A multiple of the page size.
  let byteCount: Int
  private let stride: Int
  /// A power of two, by its exponent: finding a slot must not divide.
  private let slabShift: Int
  @inline(__always) private var slotsPerSlab: Int { 1 &<< slabShift }
  private var slabs: [UnsafeMutableRawPointer] = unsafe []
  private var reservations: [UnsafeMutableRawBufferPointer] = unsafe []
  // SAFETY: has room for `freeCapacity` numbers, never less than there are slots.
  /// Free slots, the most recently used last.
  private var free: UnsafeMutablePointer<UInt32>
  private var freeCapacity: Int
  /// How many slots are free: stacks that were used and wait to be used again.
  private(set) var idle = 0
  /// Slots with a guard: numbers below this.
  private var guarded = 0
  /// Slots given out now.
  private(set) var inUse = 0
  /// Promised to fibers that have not started.
  private(set) var reserved = 0

  init(byteCount: Int) {
    self.byteCount = byteCount
    // An odd number of pages: neighbours then differ in the sets of the second-level cache too.
    let pages = (byteCount + GuardMaker.byteCount) / 4096
    stride = (pages | 1) * 4096
    let fitting = max(1, Self.slabByteCount / stride)
    slabShift = min(8, Int.bitWidth - 1 - fitting.leadingZeroBitCount)
    freeCapacity = Self.guardBatch
    unsafe free = .allocate(capacity: freeCapacity)
  }

  deinit {
    unsafe free.deallocate()
    #if FIBERS_SHADOW_STACK
      for end in shadowEnds {
        guard let low = unsafe UnsafeMutableRawPointer(bitPattern: end - UInt(shadowByteCount))
        else { continue }
        unsafe cfib_release(low, shadowByteCount)
      }
    #endif
    for index in unsafe reservations.indices {
      let reservation = unsafe reservations[index]
      // SAFETY: no stack is in use any more (the runtime was shut down).
      unsafe cfib_unpoison(reservation.baseAddress, reservation.count)
      unsafe cfib_release(reservation.baseAddress, reservation.count)
    }
  }

  /// Bytes of address space.
  ///
  /// Not memory.
  var reservedByteCount: Int { unsafe slabs.count * stride * slotsPerSlab }

  /// Promises a stack to a fiber about to be spawned.
  ///
  /// - Throws: ``FiberError`` when there is no memory, or no mapping, for one more.
  @inline(__always)
  mutating func reserve(guards: inout GuardMaker) throws(FiberError) {
    if inUse + reserved >= guarded { try grow(guards: &guards) }
    reserved += 1
  }

  /// Makes room for `count` stacks at once: address space and guards, no memory yet.
  mutating func prepare(_ count: Int, guards: inout GuardMaker) throws(FiberError) {
    while guarded < count { try grow(guards: &guards) }
  }

  /// Takes back a promise that was not used.
  mutating func cancelReservation() { reserved -= 1 }

  /// The stack that was promised.
  ///
  /// The most recently used one, still warm in the caches.
  @inline(__always)
  mutating func take() -> UInt32 {
    reserved -= 1
    inUse += 1
    if idle > 0 {
      idle -= 1
      let slot = unsafe free[idle]
      // ASan remembers frames that never returned (the last switch of a fiber): forget them.
      if sanitized { unsafe cfib_unpoison(low(of: slot), byteCount) }
      return slot
    }
    // Slots below `guarded` that are neither free nor in use have never been used: the next one.
    defer { fresh += 1 }
    return fresh
  }

  /// Takes over a stack whose fiber has ended: the promise of the next fiber is served by it.
  @inline(__always)
  mutating func adopt() { reserved -= 1 }

  /// Gives back a stack.
  ///
  /// Nothing may take one before the caller has left it.
  @inline(__always)
  mutating func give(_ slot: UInt32) {
    inUse -= 1
    unsafe free[idle] = slot
    idle += 1
  }

  /// The lowest usable byte of a slot.
  @inline(__always)
  func low(of slot: UInt32) -> UnsafeMutableRawPointer {
    // Slots exist, so nothing of this overflows.
    let inSlab = Int(slot) & (slotsPerSlab &- 1)
    return unsafe slabs[Int(slot) &>> slabShift] + ((inSlab &+ 1) &* stride &- byteCount)
  }

  /// Where the stack of a slot begins: its high end, less the colour.
  ///
  /// A multiple of 16.
  @inline(__always)
  func top(of slot: UInt32) -> UnsafeMutableRawPointer {
    let colour = slot &* 7 % UInt32(Self.colours)
    return unsafe low(of: slot) + (byteCount &- Int(colour) &* Self.cacheLine)
  }

  /// Gives the memory of idle stacks back to the system, but for the `kept` most recently used.
  mutating func trim(keeping kept: Int) {
    for index in 0..<max(0, idle - kept) {
      let slot = unsafe free[index]
      // SAFETY: the slot is free; its guard lies below `low` and stays.
      unsafe cfib_unpoison(low(of: slot), byteCount)
      unsafe cfib_discard(low(of: slot), byteCount)
    }
  }

  /// Bytes in memory, counted page by page: slow.
  func residentByteCount() -> Int {
    var pages = 0
    for index in unsafe slabs.indices {
      pages += max(0, unsafe cfib_resident_pages(slabs[index], stride * slotsPerSlab))
    }
    return pages * 4096
  }

  /// Slots never used: the lowest.
  private var fresh: UInt32 = 0
  private let sanitized = cfib_sanitizer() != 0

  @inline(never)
  private mutating func grow(guards: inout GuardMaker) throws(FiberError) {
    let slab = guarded / slotsPerSlab
    if unsafe slab == slabs.count { try reserveSlabs() }
    let first = guarded % slotsPerSlab
    let count = min(Self.guardBatch, slotsPerSlab - first)
    // SAFETY: the slots from `guarded` on belong to the slab just reserved and are not in use.
    unsafe try guards.protect(
      first: slabs[slab] + first * stride + (stride - byteCount - GuardMaker.byteCount),
      stride: stride, count: count)
    #if FIBERS_SHADOW_STACK
      while shadowEnds.count < guarded + count {
        let address = cfib_shadow_stack_map(shadowByteCount)
        guard address > 0 else { throw .shadowStackRefused(code: Int32(-address)) }
        shadowEnds.append(UInt(address + shadowByteCount))
      }
    #endif
    guarded += count
    if guarded > freeCapacity { makeRoomForFree() }
  }

  /// So that giving a stack back needs no check.
  private mutating func makeRoomForFree() {
    freeCapacity = max(2 * freeCapacity, guarded)
    let larger = UnsafeMutablePointer<UInt32>.allocate(capacity: freeCapacity)
    unsafe larger.moveInitialize(from: free, count: idle)
    unsafe free.deallocate()
    unsafe free = larger
  }

  #if FIBERS_SHADOW_STACK
    /// The high ends of the slots' shadow stacks; their restore tokens lie right below.
    private var shadowEnds: [UInt] = []
    /// Half of the stack: a frame has a return address and a saved frame pointer at least.
    private var shadowByteCount: Int { (byteCount / 2 + 4095) / 4096 * 4096 }

    func shadowEnd(of slot: UInt32) -> UnsafeMutableRawPointer? {
      unsafe UnsafeMutableRawPointer(bitPattern: shadowEnds[Int(slot)])
    }
  #endif

  /// Reserves as many slabs as there are, within reason; one when memory is tight.
  private mutating func reserveSlabs() throws(FiberError) {
    let slabByteCount = stride * slotsPerSlab
    var count = unsafe max(1, min(slabs.count, Self.greatestReservation / slabByteCount))
    while true {
      let address = cfib_reserve(count * slabByteCount)
      if address > 0, let memory = unsafe UnsafeMutableRawPointer(bitPattern: address) {
        unsafe reservations.append(
          UnsafeMutableRawBufferPointer(start: memory, count: count * slabByteCount))
        for index in 0..<count { unsafe slabs.append(memory + index * slabByteCount) }
        return
      }
      guard count > 1 else { throw .outOfMemory(byteCount: slabByteCount, code: Int32(-address)) }
      count = 1
    }
  }
}
