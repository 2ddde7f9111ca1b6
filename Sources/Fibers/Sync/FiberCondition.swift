/// Lets fibers wait until something protected by a ``FiberMutex`` has changed.
///
///     try queue.withLock { queue in
///       while queue.isEmpty { try notEmpty.wait(releasing: mutex, &queue) }
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

  /// Gives `mutex` and its value up, parks until a signal, and takes both again.
  ///
  /// Between giving up and waiting no signal is missed. Waiting for the lock at the end is not cut
  /// short: the fiber holds it also when this throws.
  ///
  /// - Parameters:
  ///   - mutex: Held by the running fiber.
  ///   - value: What `withLock` has given: moved back into the mutex while the fiber waits, and out of
  ///     it again, so that it is seen as others have left it.
  /// - Throws: ``FiberCancelled`` when the fiber is cancelled, or its deadline passes, before a
  ///   signal; a signal that came first counts, and the cancellation stays pending.
  /// - Precondition: Called by a fiber that holds `mutex`.
  /// - Complexity: O(1), no allocation.
  @available(*, noasync, message: "it parks a fiber, not a task")
  public func wait<Value: ~Copyable>(
    releasing mutex: FiberMutex<Value>, _ value: inout Value
  ) throws(FiberCancelled) {
    place.checkThread("FiberCondition.wait")
    var failure: FiberCancelled?
    value = mutex.relinquish(value) { scheduler in
      do throws(FiberCancelled) {
        try place.park(scheduler, as: .condition)
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
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
