/// Ends one park of one fiber.
///
/// May be used by any thread, any number of times, at any time.
///
/// Holds on to the memory of the runtime's control blocks, so an old waker finds that its park is
/// over, also after the runtime is gone.
public struct FiberWaker: Sendable {
  let door: Door
  let token: UInt64

  /// Wakes the fiber if it still waits in the park that this waker was made for.
  ///
  /// What the calling thread did before is visible to the fiber after its park.
  ///
  /// - Returns: Whether this call ended the park: true at most once for all copies of a waker.
  /// - Complexity: O(1), no allocation; at most one system call, when the runtime's thread sleeps.
  @discardableResult
  public func wake() -> Bool { door.endWait(token: token) }
}
