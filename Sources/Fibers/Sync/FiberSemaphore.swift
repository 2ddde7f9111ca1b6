/// A number of permits that fibers take and give back: to bound how many do something at once.
///
///     let connections = FiberSemaphore(permits: 100)
///     try connections.withPermit { try download(page) }
///
/// Fibers are served in the order in which they came. Belongs to the thread it was made on.
public final class FiberSemaphore {
  private let place: WaitPlaceRef

  /// Makes a semaphore.
  ///
  /// - Parameters:
  ///   - permits: How many there are at first; 0 or more.
  ///   - name: For reports; the place where it was made serves when there is none.
  ///   - file: Of that place.
  ///   - line: Of that place.
  public init(
    permits: Int, name: String? = nil, file: StaticString = #fileID, line: UInt32 = #line
  ) {
    require(permits >= 0, "FiberSemaphore: the permits must not be negative, but are \(permits)")
    place = WaitPlaceRef(name: name, site: SpawnSite(file: file, line: line), count: permits)
  }

  deinit { place.destroy() }

  /// Permits that nobody has now.
  public var available: Int { place.count }

  /// Takes a permit; parks the running fiber until there is one.
  ///
  /// - Throws: ``FiberCancelled`` when the fiber is cancelled, or its deadline passes, first: it has
  ///   no permit then.
  /// - Precondition: Called by a fiber.
  /// - Complexity: O(1), no allocation.
  @available(*, noasync, message: "it parks a fiber, not a task")
  public func acquire() throws(FiberCancelled) {
    let scheduler = place.scheduler("FiberSemaphore.acquire")
    if place.count > 0 {
      place.count -= 1
    } else {
      // Whoever wakes us has left its permit to us.
      try place.park(scheduler, as: .semaphore)
    }
  }

  /// Takes a permit if there is one.
  ///
  /// Never parks; may be called outside of fibers.
  ///
  /// - Returns: Whether it was taken.
  public func tryAcquire() -> Bool {
    place.checkThread("FiberSemaphore.tryAcquire")
    guard place.count > 0 else { return false }
    place.count -= 1
    return true
  }

  /// Gives permits back, or adds new ones.
  ///
  /// Never parks; may be called outside of fibers, and by others than those who took them.
  ///
  /// - Parameter permits: How many; 1 or more.
  /// - Complexity: O(1) for each fiber that is woken, no allocation.
  public func release(_ permits: Int = 1) {
    place.checkThread("FiberSemaphore.release")
    require(permits > 0, "FiberSemaphore.release: give back 1 permit or more, not \(permits)")
    let (sum, overflow) = place.count.addingReportingOverflow(permits)
    require(!overflow, "FiberSemaphore.release: more permits than Int can count")
    place.count = sum
    while place.count > 0, place.wakeFirst() != nil { place.count -= 1 }
  }

  /// Runs `body` with a permit; see ``acquire()``.
  ///
  /// - Parameter body: May suspend.
  /// - Returns: What `body` returns.
  /// - Throws: What `body` throws; ``FiberCancelled`` when there was no permit in time: `body` was
  ///   not called then.
  /// - Precondition: Called by a fiber.
  @available(*, noasync, message: "it parks a fiber, not a task")
  public func withPermit<Result: ~Copyable>(_ body: () throws -> Result) throws -> Result {
    try acquire()
    defer { release() }
    return try body()
  }
}

/// A semaphore belongs to its thread.
@available(*, unavailable, message: "a FiberSemaphore belongs to the thread it was made on")
extension FiberSemaphore: @unchecked Sendable {}
