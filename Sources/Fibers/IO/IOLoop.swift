import CFibers
import Glibc

/// The descriptors of a runtime, and epoll.
///
/// Edge-triggered, one registration for both directions, made when a fiber first has to wait. A wait
/// begins only after a system call has said that it would block, and events are looked at only
/// between the turns of fibers: so an event that comes before the wait cannot be lost, and nothing
/// needs to be remembered but what saves calls (``IOSlot/isDrained``).
///
/// Belongs to the thread of the runtime. Handles hold on to it, so it may outlive the runtime.
@safe
final class IOLoop {
  private static let doorbellCookie = UInt64.max

  let epoll: Int32
  let thread: UInt
  private var slots = IOSlotTable()
  // SAFETY: allocated in init, freed in deinit; used in poll() alone.
  private let events: UnsafeMutablePointer<epoll_event>
  private let maxEvents: Int

  /// - Throws: ``IOError`` when the system has no descriptor left.
  init(doorbell: Int32, maxEvents: Int) throws(IOError) {
    epoll = try IOError.check(.epollCreate, cfib_epoll_create())
    thread = Scheduler.threadID
    unsafe events = .allocate(capacity: maxEvents)
    self.maxEvents = maxEvents
    do throws(IOError) {
      try IOError.check(.epollAdd, cfib_epoll_add(epoll, doorbell, Self.doorbellCookie))
    } catch {
      cfib_close(epoll)
      unsafe events.deallocate()
      throw error
    }
  }

  deinit {
    cfib_close(epoll)
    unsafe events.deallocate()
  }

  /// A slot for `descriptor`.
  func open(_ descriptor: Int32, _ kind: IOSlot.Kind) -> UnsafeMutablePointer<IOSlot> {
    let slot = unsafe slots.take()
    unsafe slot.pointee.descriptor = descriptor
    unsafe slot.pointee.kind = kind
    unsafe slot.pointee.isRegistered = false
    unsafe slot.pointee.isDrained = false
    unsafe slot.pointee.asksFirst = false
    unsafe slot.pointee.closesLater = false
    return unsafe slot
  }

  /// Lets go of a slot: whoever waits is woken, and what still refers to it finds it closed.
  func close(_ slot: UnsafeMutablePointer<IOSlot>) {
    unsafe slot.pointee.generation &+= 1
    unsafe wake(&slot.pointee.reader)
    unsafe wake(&slot.pointee.writer)
    if unsafe slot.pointee.callsElsewhere == 0 { unsafe slots.give(slot) }
  }

  /// After a call that a helper thread has made: the last one does what the close has left to do.
  func callEnded(_ slot: UnsafeMutablePointer<IOSlot>, _ generation: UInt32) {
    unsafe slot.pointee.callsElsewhere -= 1
    guard unsafe slot.pointee.generation != generation, unsafe slot.pointee.callsElsewhere == 0
    else { return }
    if unsafe slot.pointee.closesLater { unsafe cfib_close(slot.pointee.descriptor) }
    unsafe slots.give(slot)
  }

  /// Tells epoll about `slot`, before its first wait.
  ///
  /// - Returns: False when the descriptor cannot be polled.
  func register(_ slot: UnsafeMutablePointer<IOSlot>) throws(IOError) -> Bool {
    let cookie = unsafe UInt64(slot.pointee.generation) << 32 | UInt64(slot.pointee.index)
    let code = unsafe cfib_epoll_add(epoll, slot.pointee.descriptor, cookie)
    if code == -EPERM { return false }
    try IOError.check(.epollAdd, code)
    unsafe slot.pointee.isRegistered = true
    return true
  }

  /// Wakes the fibers whose descriptors have become ready.
  ///
  /// - Parameters:
  ///   - nanoseconds: How long to wait for the first event: 0 not at all, -1 for ever.
  ///   - scheduler: The runtime's.
  /// - Returns: How many fibers. (Events that nobody waits for are not counted.)
  func poll(nanoseconds: Int64, _ scheduler: Scheduler) -> Int {
    let count = unsafe cfib_epoll_wait(epoll, events, Int32(clamping: maxEvents), nanoseconds)
    guard count > 0 else {
      require(
        count == 0 || count == -EINTR,
        "FiberRuntime: the epoll descriptor was closed under it (errno \(-count))")
      return 0
    }
    var woken = 0
    for number in 0..<Int(count) {
      let cookie = unsafe cfib_event_cookie(events + number)
      guard cookie != Self.doorbellCookie,
        let slot = unsafe slots[UInt32(truncatingIfNeeded: cookie)],
        unsafe slot.pointee.generation == UInt32(cookie >> 32)
      else { continue }
      woken += unsafe note(events[number].events, at: slot, scheduler)
    }
    return woken
  }

  /// - Returns: How many fibers were woken.
  @inline(__always)
  private func note(
    _ bits: UInt32, at slot: UnsafeMutablePointer<IOSlot>, _ scheduler: Scheduler
  ) -> Int {
    var woken = 0
    let ends = EPOLLRDHUP.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue
    if bits & (ends | EPOLLPRI.rawValue) != 0 { unsafe slot.pointee.asksFirst = true }
    if bits & (EPOLLIN.rawValue | ends) != 0 {
      unsafe slot.pointee.isDrained = false
      if let fiber = unsafe slot.pointee.reader.take(), scheduler.wakeSoon(fiber) { woken += 1 }
    }
    if bits & (EPOLLOUT.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0,
      let fiber = unsafe slot.pointee.writer.take(), scheduler.wakeSoon(fiber)
    {
      woken += 1
    }
    return woken
  }

  private func wake(_ waiting: inout FiberRef?) {
    guard let fiber = waiting.take(), let scheduler = fiber.object?.scheduler else { return }
    scheduler.wake(fiber)
  }
}

extension Scheduler {
  /// Wakes one of many fibers that have slept for long: the memory of each is fetched while the
  /// others have their turns.
  ///
  /// - Returns: Whether it still waited.
  @inline(__always)
  fileprivate func wakeSoon(_ fiber: FiberRef) -> Bool {
    unsafe cfib_prefetch(fiber.pointer)
    unsafe cfib_prefetch_stack(&fiber.pointer.pointee.context)
    return wake(fiber)
  }

  /// The loop of the runtime, made now if there is none.
  func ioLoop() throws(IOError) -> IOLoop {
    if let loop = unsafe state.pointee.loop { return loop }
    let loop = unsafe try IOLoop(
      doorbell: state.pointee.door.doorbell, maxEvents: state.pointee.maxEvents)
    unsafe state.pointee.loop = loop
    return loop
  }
}
