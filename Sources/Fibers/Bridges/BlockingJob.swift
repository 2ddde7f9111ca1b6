/// One call for a helper thread, and the wait of the fiber that asked for it.
///
/// @unchecked: used by one side at a time: the fiber's thread until it is submitted, under the lock
/// of the queue while it is there, then the helper that took it.
final class BlockingJob: @unchecked Sendable {
  /// The next one in the queue.
  var next: BlockingJob?
  private var body: (() -> Void)?
  private var door: Door?
  private var token: UInt64 = 0

  /// The caller keeps what `body` uses in place until the job is done.
  @unsafe
  init(_ body: @escaping () -> Void) { self.body = body }

  /// Whom to wake.
  func whenDone(_ door: Door, _ token: UInt64) {
    self.door = door
    self.token = token
  }

  /// Calls the closure.
  ///
  /// Never inlined, so that no reference to the closure is left when it returns.
  @inline(never)
  func call() { body.take()?() }

  /// Wakes the fiber, which may be gone right after this.
  func wake() { door.take()?.wake(token: token) }
}
