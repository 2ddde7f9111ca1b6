/// Lets fibers wait until something protected by a ``FiberMutex`` has changed.
///
///     try queue.withLock { queue in
///       while queue.isEmpty { try notEmpty.wait(releasing: mutex) }
///       return queue.removeFirst()
///     }
///
/// Belongs to the thread it was made on.
public final class FiberCondition {
  private let place: WaitPlaceRef

  /// Makes a condition.
  ///
  /// - Parameters:
  ///   - name: For reports; the place where it was made serves when there is none.
  ///   - file: Of that place.
  ///   - line: Of that place.
  public init(name: String? = nil, file: StaticString = #fileID, line: UInt32 = #line) {
    place = WaitPlaceRef(name: name, site: SpawnSite(file: file, line: line))
  }

  deinit { place.destroy() }

  /// Gives `mutex` up, parks until a signal, and takes `mutex` again.
  ///
  /// Between giving up and waiting no signal is missed. Waiting for the lock at the end is not cut
  /// short: the fiber holds it also when this throws.
  ///
  /// - Parameter mutex: Held by the running fiber.
  /// - Throws: ``FiberCancelled`` when the fiber is cancelled, or its deadline passes, before a
  ///   signal; a signal that came first counts, and the cancellation stays pending.
  /// - Precondition: Called by a fiber that holds `mutex`.
  /// - Complexity: O(1), no allocation.
  @available(*, noasync, message: "it parks a fiber, not a task")
  public func wait<Value: ~Copyable>(
    releasing mutex: FiberMutex<Value>
  ) throws(FiberCancelled) {
    place.checkThread("FiberCondition.wait")
    try mutex.relinquish { scheduler throws(FiberCancelled) in
      try place.park(scheduler, as: .condition)
    }
  }

  /// Wakes the fiber that waits longest, if any.
  ///
  /// - Complexity: O(1), no allocation.
  public func signal() {
    place.checkThread("FiberCondition.signal")
    place.wakeFirst()
  }

  /// Wakes all fibers that wait.
  ///
  /// - Complexity: O(1) for each of them, no allocation.
  public func broadcast() {
    place.checkThread("FiberCondition.broadcast")
    while place.wakeFirst() != nil {}
  }
}

/// A condition belongs to its thread.
@available(*, unavailable, message: "a FiberCondition belongs to the thread it was made on")
extension FiberCondition: @unchecked Sendable {}
