/// Counts what is not done yet, and lets fibers wait until everything is.
///
/// For work that is not a fiber's whole life, or whose fibers nobody keeps a handle of; else
/// ``withFiberScope(_:)`` is simpler and safer. Belongs to the thread it was made on.
public final class FiberWaitGroup {
  private let place: WaitPlaceRef

  /// Makes a group with nothing to be done.
  ///
  /// - Parameters:
  ///   - name: For reports; the place where it was made serves when there is none.
  ///   - file: Of that place.
  ///   - line: Of that place.
  public init(name: String? = nil, file: StaticString = #fileID, line: UInt32 = #line) {
    place = WaitPlaceRef(name: name, site: SpawnSite(file: file, line: line))
  }

  deinit { place.destroy() }

  /// What is not done yet.
  public var count: Int { place.count }

  /// Adds work to be done.
  ///
  /// - Parameter work: How much; 0 or more.
  public func add(_ work: Int = 1) {
    place.checkThread("FiberWaitGroup.add")
    require(work >= 0, "FiberWaitGroup.add: add 0 or more, not \(work); done() takes away")
    place.count += work
  }

  /// One piece of work is done; the last one wakes all who wait.
  ///
  /// - Precondition: There is work that is not done.
  /// - Complexity: O(1), for the last one O(1) for each fiber that waits; no allocation.
  public func done() {
    place.checkThread("FiberWaitGroup.done")
    require(place.count > 0, "FiberWaitGroup.done: called more often than work was added")
    place.count -= 1
    if place.count == 0 { while place.wakeFirst() != nil {} }
  }

  /// Parks the running fiber until all work is done; returns at once when none is left.
  ///
  /// Work that is added after the last piece was done does not hold back who waited for that.
  ///
  /// - Throws: ``FiberCancelled`` when the fiber is cancelled, or its deadline passes, first.
  /// - Precondition: Called by a fiber.
  /// - Complexity: O(1), no allocation.
  @available(*, noasync, message: "it parks a fiber, not a task")
  public func wait() throws(FiberCancelled) {
    let scheduler = place.scheduler("FiberWaitGroup.wait")
    if place.count > 0 { try place.park(scheduler, as: .group) }
  }
}

/// A wait group belongs to its thread.
@available(*, unavailable, message: "a FiberWaitGroup belongs to the thread it was made on")
extension FiberWaitGroup: @unchecked Sendable {}
