/// The stacks of one runtime: a pool for each size asked for, the default size first.
@safe
struct StackPools: ~Copyable {
  private var pools: [UnsafeMutablePointer<StackPool>] = unsafe []
  private(set) var guards: GuardMaker
  /// At most so many stacks in use or promised; `nil`: as many as the system gives.
  private let limit: Int?
  private var given = 0

  init(byteCount: Int, guards: StackGuard, limit: Int?) {
    self.guards = GuardMaker(guards)
    self.limit = limit
    addPool(byteCount: byteCount)
  }

  deinit {
    for index in unsafe pools.indices {
      let pool = unsafe pools[index]
      unsafe pool.deinitialize(count: 1)
      unsafe pool.deallocate()
    }
  }

  /// The smallest stack that the runtime gives.
  ///
  /// Less is taken as this.
  static let leastByteCount = 16 << 10

  /// More than this no address space holds.
  static let greatestByteCount = 1 << 46

  /// Promises a stack of `byteCount` bytes (`nil`: the default size).
  ///
  /// - Returns: Which pool will serve it.
  @inline(__always)
  mutating func reserve(byteCount: Int?) throws(FiberError) -> UInt8 {
    if let limit, given >= limit { throw .stackLimitReached(limit: limit) }
    let index = if let byteCount { try pool(for: byteCount) } else { 0 }
    unsafe try pools[index].pointee.reserve(guards: &guards)
    given += 1
    return UInt8(index)
  }

  /// Makes room for `count` stacks of the default size.
  mutating func prepare(_ count: Int) throws(FiberError) {
    unsafe try pools[0].pointee.prepare(count, guards: &guards)
  }

  mutating func cancelReservation(_ pool: UInt8) {
    unsafe pools[Int(pool)].pointee.cancelReservation()
    given -= 1
  }

  @inline(__always)
  mutating func take(_ pool: UInt8) -> UInt32 { unsafe pools[Int(pool)].pointee.take() }

  /// The next fiber goes on with the stack of the one that has ended.
  @inline(__always)
  mutating func adopt(_ pool: UInt8) {
    unsafe pools[Int(pool)].pointee.adopt()
    given -= 1
  }

  @inline(__always)
  mutating func give(_ stack: StackRef) {
    unsafe pools[Int(stack.pool)].pointee.give(stack.slot)
    given -= 1
  }

  /// The usable bytes of a stack: from the lowest to the end of the slot.
  func bounds(of stack: StackRef) -> UnsafeMutableRawBufferPointer {
    let pool = unsafe pools[Int(stack.pool)]
    return unsafe UnsafeMutableRawBufferPointer(
      start: pool.pointee.low(of: stack.slot), count: pool.pointee.byteCount)
  }

  @inline(__always)
  func top(of stack: StackRef) -> UnsafeMutableRawPointer {
    unsafe pools[Int(stack.pool)].pointee.top(of: stack.slot)
  }

  #if FIBERS_SHADOW_STACK
    func shadowEnd(of stack: StackRef) -> UnsafeMutableRawPointer? {
      unsafe pools[Int(stack.pool)].pointee.shadowEnd(of: stack.slot)
    }
  #endif

  mutating func trim(keeping kept: Int) {
    for index in unsafe pools.indices { unsafe pools[index].pointee.trim(keeping: kept) }
  }

  /// The counts of all pools; `resident` is counted only when asked for.
  func statistics(countingResident: Bool) -> StackStatistics {
    var sum = StackStatistics(guardMethod: guards.method)
    for index in unsafe pools.indices {
      let pool = unsafe pools[index]
      sum.reservedByteCount += unsafe pool.pointee.reservedByteCount
      sum.inUse += unsafe pool.pointee.inUse
      sum.promised += unsafe pool.pointee.reserved
      sum.idle += unsafe pool.pointee.idle
      if countingResident {
        sum.residentByteCount =
          unsafe (sum.residentByteCount ?? 0)
          + pool.pointee.residentByteCount()
      }
    }
    return sum
  }

  private mutating func pool(for byteCount: Int) throws(FiberError) -> Int {
    // More than user space holds: no pool for it, and no overflow in the sizes of slots.
    guard byteCount <= Self.greatestByteCount else {
      throw .outOfMemory(byteCount: byteCount, code: 12)  // ENOMEM
    }
    let wanted = Self.rounded(byteCount)
    if let index = unsafe pools.firstIndex(where: { unsafe $0.pointee.byteCount == wanted }) {
      return index
    }
    require(
      unsafe pools.count < StackRef.poolLimit,
      "Fiber.spawn: more than \(StackRef.poolLimit) different stack sizes; round them")
    addPool(byteCount: wanted)
    return unsafe pools.count - 1
  }

  private mutating func addPool(byteCount: Int) {
    let pool = UnsafeMutablePointer<StackPool>.allocate(capacity: 1)
    unsafe pool.initialize(to: StackPool(byteCount: Self.rounded(byteCount)))
    unsafe pools.append(pool)
  }

  private static func rounded(_ byteCount: Int) -> Int {
    (max(byteCount, leastByteCount) + 4095) / 4096 * 4096
  }
}
