/// Mutual exclusion between the fibers of one runtime, also over suspensions.
///
/// Fibers of one runtime run one at a time, so what does not suspend needs no lock. This one is for
/// what does: reading an account, waiting for the network, writing it back.
///
///     let account = FiberMutex(Account())
///     try account.withLock { account in
///       account.balance = try fetchBalance()   // parks; nobody else gets in
///     }
///
/// Fibers are served in the order in which they came: the lock is handed from one to the next, so
/// that nobody barges in and nobody starves. Belongs to the thread it was made on. (A `Mutex` of the
/// standard library must not be held over a suspension: the second fiber that wants it traps.)
@safe
public final class FiberMutex<Value: ~Copyable> {
  // SAFETY: allocated in init, freed in deinit. It holds the value while nobody holds the lock; the
  // holder has the value on its stack, so that no access to it spans a wait for a condition.
  @usableFromInline let value: UnsafeMutablePointer<Value>
  @usableFromInline let place: WaitPlaceRef

  /// Protects `value`.
  ///
  /// - Parameters:
  ///   - value: What is protected.
  ///   - name: For reports; the place where it was made serves when there is none.
  ///   - file: Of that place.
  ///   - line: Of that place.
  public init(
    _ value: consuming Value, name: String? = nil, file: StaticString = #fileID,
    line: UInt32 = #line
  ) {
    place = WaitPlaceRef(name: name, site: SpawnSite(file: file, line: line))
    unsafe self.value = .allocate(capacity: 1)
    unsafe self.value.initialize(to: value)
  }

  deinit {
    place.destroy()
    unsafe value.deinitialize(count: 1)
    unsafe value.deallocate()
  }

  /// Runs `body` with the value while no other fiber can.
  ///
  /// Parks the running fiber until the lock is its own.
  ///
  /// - Parameter body: May suspend.
  /// - Returns: What `body` returns.
  /// - Throws: What `body` throws; ``FiberCancelled`` when the fiber is cancelled, or its deadline
  ///   passes, before it has the lock: `body` was not called then.
  /// - Precondition: Called by a fiber that does not hold the lock.
  /// - Complexity: O(1), no allocation.
  @available(*, noasync, message: "it parks a fiber, not a task")
  @inlinable
  public func withLock<Result: ~Copyable>(
    _ body: (inout Value) throws -> Result
  ) throws -> Result {
    try place.lock()
    return try withValue(body)
  }

  /// Runs `body` with the value, unless a fiber holds the lock.
  ///
  /// - Parameter body: May suspend.
  /// - Returns: What `body` returns; `nil` when it was not called.
  /// - Throws: What `body` throws.
  /// - Precondition: Called by a fiber.
  /// - Complexity: O(1), no allocation.
  @inlinable
  public func withLockIfAvailable<Result: ~Copyable, Failure: Error>(
    _ body: (inout Value) throws(Failure) -> Result
  ) throws(Failure) -> Result? {
    guard place.lockIfAvailable() else { return nil }
    return try withValue(body)
  }

  /// Calls `body` with the value for the holder of the lock, and gives both back.
  @inlinable
  @inline(__always)
  func withValue<Result: ~Copyable, Failure: Error>(
    _ body: (inout Value) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    var own = unsafe value.move()
    do throws(Failure) {
      let result = try body(&own)
      unlock(putting: own)
      return result
    } catch {
      unlock(putting: own)
      throw error
    }
  }

  /// Whether a fiber holds the lock.
  public var isLocked: Bool { place.count != 0 }

  /// Gives the value back, and hands the lock to the fiber that waits longest.
  @inlinable
  @inline(__always)
  func unlock(putting own: consuming Value) {
    unsafe value.initialize(to: own)
    place.unlock()
  }

  /// Gives lock and value up while `wait` waits, and takes them again, whatever happens.
  ///
  /// - Returns: The value as it is then.
  func relinquish(_ own: consuming Value, _ wait: (Scheduler) -> Void) -> Value {
    let scheduler = place.scheduler("FiberCondition.wait")
    require(
      place.holder == scheduler.fiber,
      "FiberCondition.wait: the fiber does not hold the mutex; call it inside withLock")
    unlock(putting: own)
    wait(scheduler)
    let outer = unsafe scheduler.enterShield()
    do throws(FiberCancelled) {
      try place.lock()
    } catch {
      misuse("FiberCondition.wait: a wait inside a shield was cut short")
    }
    unsafe scheduler.leaveShield(outer)
    return unsafe value.move()
  }
}

/// A mutex belongs to its thread.
@available(*, unavailable, message: "a FiberMutex belongs to the thread it was made on")
extension FiberMutex: @unchecked Sendable where Value: ~Copyable {}

/// The lock without its value: compiled once for all types.
extension WaitPlaceRef {
  /// Parks the running fiber until it holds the lock.
  @usableFromInline
  func lock() throws(FiberCancelled) {
    let scheduler = scheduler("FiberMutex.withLock")
    guard count == 0 else {
      require(
        holder != scheduler.fiber,
        "FiberMutex.withLock: the fiber holds this lock already; it would wait for itself")
      // Whoever wakes us has made us the holder.
      return try park(scheduler, as: .mutex)
    }
    take(scheduler.fiber)
  }

  /// Takes the lock for the running fiber, unless one holds it.
  @usableFromInline
  func lockIfAvailable() -> Bool {
    let scheduler = scheduler("FiberMutex.withLockIfAvailable")
    guard count == 0 else { return false }
    take(scheduler.fiber)
    return true
  }

  @inline(__always)
  private func take(_ fiber: FiberRef) {
    count = 1
    holder = fiber
  }

  /// Hands the lock to the fiber that waits longest.
  @usableFromInline
  func unlock() {
    holder = wakeFirst()
    if holder == nil { count = 0 }
  }
}
