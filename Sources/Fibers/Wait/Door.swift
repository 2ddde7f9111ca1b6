import CFibers
import MiniAsync
import Synchronization

/// The part of a runtime that other threads may touch: wake a fiber, leave one to be spawned, stop.
///
/// It outlives the runtime for as long as somebody holds a token, and owns the control blocks, so
/// that a late wake finds memory, sees that its ticket is over, and does nothing.
///
/// As a wake target of MiniAsync it is what the wakers of futures point to that a fiber waits for.
@usableFromInline
final class Door: WakeTarget {
  let inbox = Inbox()
  let blocks = BlockTable()
  /// An eventfd.
  let doorbell: Int32
  private let sleeping = Atomic<Bool>(false)
  private let closed = Atomic<Bool>(false)
  private let stopping = Atomic<Bool>(false)

  init() throws(FiberError) {
    let descriptor = cfib_doorbell_open()
    guard descriptor >= 0 else { throw .noDescriptor(code: -descriptor) }
    doorbell = descriptor
  }

  deinit {
    dropRequests()
    cfib_doorbell_close(doorbell)
  }

  /// Ends the wait that `token` was made for, if it is still on.
  ///
  /// Any thread.
  ///
  /// - Returns: Whether this call ended it: true for exactly one of all calls with the same token,
  ///   and for none when the fiber was cancelled first.
  func endWait(token: UInt64) -> Bool {
    guard let fiber = blocks[UInt32(token >> WakeWord.ticketBits)] else { return false }
    let word = unsafe WakeWord(raw: fiber.pointer.pointee.wakeWord.load(ordering: .relaxed))
    guard let notified = word.notified(by: token & WakeWord.ticketMask) else { return false }
    // ORDER: release, with the acquire in Scheduler.finishExternalWait: the fiber sees what the
    // waker did before; sequentially consistent for Inbox.push. A failure: the wait is over.
    guard
      unsafe fiber.pointer.pointee.wakeWord.compareExchange(
        expected: word.raw, desired: notified.raw, ordering: .sequentiallyConsistent
      ).exchanged
    else { return false }
    if let scheduler = Scheduler.current, scheduler.owns(self) {
      scheduler.wakeNotified(fiber)
    } else {
      inbox.push(fiber)
      ring()
    }
    return true
  }

  /// Ends the wait that `token` was made for, if it is still on.
  ///
  /// Any thread.
  @usableFromInline
  func wake(token: UInt64) { _ = endWait(token: token) }

  /// Leaves a request.
  ///
  /// Any thread. A request that races with ``close()`` may be dropped, with its closures.
  ///
  /// - Returns: False when the runtime is closed.
  func leave(_ work: DoorRequest.Work) -> Bool {
    guard !closed.load(ordering: .acquiring) else { return false }
    inbox.push(DoorRequest(work))
    ring()
    // ORDER: sequentially consistent, against close(): it closes, then takes what is there; we
    // leave the request, then look. So nothing stays behind for as long as somebody holds the door.
    if closed.load(ordering: .sequentiallyConsistent) { dropRequests() }
    return true
  }

  /// Runs `action` on the runtime's thread: at once if that is the caller's, else soon.
  ///
  /// Never when the runtime is closed before.
  func perform(_ action: @escaping @Sendable () -> Void) {
    if let scheduler = Scheduler.current, scheduler.owns(self) {
      action()
    } else {
      _ = leave(.perform(action))
    }
  }

  /// Asks `serve()` to return when idle.
  func stop() {
    // ORDER: sequentially consistent, against sleep(): as for the inbox.
    stopping.store(true, ordering: .sequentiallyConsistent)
    ring()
  }

  var isStopping: Bool { stopping.load(ordering: .sequentiallyConsistent) }

  /// Forgets an earlier stop.
  func rearm() { stopping.store(false, ordering: .sequentiallyConsistent) }

  /// Refuses requests from now on, and drops those that are there.
  func close() {
    // ORDER: sequentially consistent, see leave().
    closed.store(true, ordering: .sequentiallyConsistent)
    dropRequests()
  }

  private func dropRequests() { _ = inbox.takeRequests() }

  /// Says that the owner is about to sleep: who leaves something from now on rings.
  ///
  /// - Parameter heedsStop: Whether a stop is something, too.
  /// - Returns: False when something is there already: do not sleep.
  func announceSleep(heedsStop: Bool) -> Bool {
    // ORDER: sequentially consistent: announce, then look; ring() publishes, then looks here.
    sleeping.store(true, ordering: .sequentiallyConsistent)
    return inbox.isEmptyBeforeSleep && !(heedsStop && isStopping)
  }

  /// Sleeps until the bell rings, or for so long; between ``announceSleep()`` and ``endSleep()``.
  func sleep(nanoseconds: Int64?) {
    let code = cfib_doorbell_wait(doorbell, nanoseconds ?? -1)
    require(code >= 0, "FiberRuntime: the doorbell was closed under it (errno \(-code))")
  }

  func endSleep() { sleeping.store(false, ordering: .relaxed) }

  /// Wakes the owner if it sleeps.
  ///
  /// Coalesced: one system call for all rings while it wakes up.
  private func ring() {
    guard sleeping.load(ordering: .sequentiallyConsistent) else { return }
    if sleeping.exchange(false, ordering: .sequentiallyConsistent) {
      _ = cfib_doorbell_ring(doorbell)
    }
  }
}
