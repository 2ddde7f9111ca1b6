import CFibers
import Glibc

/// A reference to an open ``IOHandle``, with the same operations: for another fiber.
///
/// A handle has one owner and is closed once; references may be copied, and do not keep it open.
/// After the close their operations throw ``IOError/closed``.
///
/// One fiber may wait for each direction: a second reader, while the first waits, gets
/// ``IOError/busy``. Belongs to the thread of the runtime.
@safe
public struct IOReference {
  // SAFETY: the slot belongs to the loop, which is held on to; `generation` tells whether it still
  // serves the same handle.
  let loop: IOLoop
  let slot: UnsafeMutablePointer<IOSlot>
  let generation: UInt32

  /// Registers a descriptor with the runtime of the caller.
  init(_ descriptor: Int32, kind: IOSlot.Kind) throws(IOError) {
    let scheduler: Scheduler
    do throws(FiberError) {
      scheduler = try .currentOrDefault()
    } catch {
      throw .runtime(error)
    }
    loop = try scheduler.ioLoop()
    unsafe slot = loop.open(descriptor, kind)
    generation = unsafe slot.pointee.generation
  }

  /// Whether the handle is open.
  public var isOpen: Bool { unsafe slot.pointee.generation == generation }

  /// The descriptor.
  ///
  /// - Throws: ``IOError/closed``.
  public var descriptor: Int32 {
    get throws(IOError) {
      guard isOpen else { throw .closed }
      return unsafe slot.pointee.descriptor
    }
  }

  /// How many calls a fiber may make without waiting before it lets others have a turn.
  private static var promptCallLimit: Int32 { 8 }

  /// Makes the system call in `body`, and waits and repeats it as long as it would block.
  @inline(__always)
  func perform(
    _ call: IOError.SystemCall, _ direction: IODirection, _ body: (Int32) -> Int
  ) throws(IOError) -> Int {
    let scheduler = try enter()
    if unsafe slot.pointee.kind == .blocking { return try performElsewhere(call, body) }
    while true {
      let result = unsafe body(slot.pointee.descriptor)
      if result >= 0 { return result }
      try mayRepeat(call, direction, code: Int32(-result), scheduler)
    }
  }

  /// Before each operation: the right thread, an open handle, and a turn for the others if it is time.
  @inline(__always)
  func enter() throws(IOError) -> Scheduler {
    let scheduler = Fiber.fiberScheduler("IOHandle")
    // Also what belongs to another runtime of the same thread: nobody would look at its events.
    if unsafe scheduler.state.pointee.loop !== loop { refuseRuntime() }
    guard isOpen else { throw .closed }
    unsafe scheduler.state.pointee.promptCalls += 1
    if unsafe scheduler.state.pointee.promptCalls > Self.promptCallLimit { try giveWay(scheduler) }
    return scheduler
  }

  @inline(never)
  private func giveWay(_ scheduler: Scheduler) throws(IOError) {
    unsafe scheduler.state.pointee.promptCalls = 0
    // Nobody to give way to, unless an event says otherwise: without this 61 yields would pass.
    if unsafe scheduler.state.pointee.ready.isEmpty(besides: scheduler.fiber) {
      scheduler.service()
    }
    do throws(FiberCancelled) {
      try scheduler.yield()
    } catch {
      throw .cancelled(error)
    }
    guard isOpen else { throw .closed }
  }

  @inline(never)
  private func refuseRuntime() -> Never {
    if loop.thread != Scheduler.threadID {
      misuse("IOHandle: it belongs to another thread's runtime; release() it and register it there")
    }
    misuse(
      "IOHandle: it belongs to another runtime of this thread (outside of fibers, to the default"
        + " one); make it in a fiber of the runtime that uses it")
  }

  /// After a call that failed: waits if it would have blocked.
  @inline(never)
  func mayRepeat(
    _ call: IOError.SystemCall, _ direction: IODirection, code: Int32, _ scheduler: Scheduler
  ) throws(IOError) {
    switch code {
    case EINTR: return
    case EAGAIN: try wait(direction, scheduler)
    default: throw .system(call: call, code: code)
    }
  }

  /// Parks the running fiber until the descriptor may be ready.
  ///
  /// - Throws: ``IOError/closed``, ``IOError/busy``, ``IOError/cancelled(_:)``.
  func wait(_ direction: IODirection, _ scheduler: Scheduler) throws(IOError) {
    unsafe scheduler.state.pointee.promptCalls = 0
    if unsafe !slot.pointee.isRegistered {
      // It would block, and cannot be waited for: some devices are like that.
      guard try unsafe loop.register(slot) else { throw .system(call: .epollAdd, code: EPERM) }
    }
    let me = scheduler.fiber
    let isReading = direction != .write
    let other = unsafe isReading ? slot.pointee.reader : slot.pointee.writer
    if let other, scheduler.isParked(other) { throw .busy }
    if isReading { unsafe slot.pointee.reader = me } else { unsafe slot.pointee.writer = me }
    unsafe scheduler.state.pointee.descriptorWaits += 1
    defer {
      unsafe scheduler.state.pointee.descriptorWaits -= 1
      if isOpen { leave(me, isReading) }
    }
    do throws(FiberCancelled) {
      try unsafe scheduler.park(
        on: UnsafeMutableRawPointer(slot), as: isReading ? .readable : .writable)
    } catch {
      throw .cancelled(error)
    }
    guard isOpen else { throw .closed }
  }

  /// Waits no more, unless somebody else does already.
  private func leave(_ fiber: FiberRef, _ isReading: Bool) {
    if isReading {
      if unsafe slot.pointee.reader == fiber { unsafe slot.pointee.reader = nil }
    } else {
      if unsafe slot.pointee.writer == fiber { unsafe slot.pointee.writer = nil }
    }
  }

  /// Lets a helper thread make the call.
  @inline(never)
  func performElsewhere(
    _ call: IOError.SystemCall, _ body: (Int32) -> Int
  ) throws(IOError) -> Int {
    let descriptor = try descriptor
    unsafe slot.pointee.callsElsewhere += 1
    // SAFETY: the fiber waits, shielded, until the call has returned; its buffers are borrowed from
    // it for that long. The descriptor is not closed meanwhile (see `IOLoop.callEnded`).
    let result = unsafe Fiber.unsafeBlocking {
      while true {
        let result = body(descriptor)
        if result != -Int(EINTR) { return result }
      }
    }
    unsafe loop.callEnded(slot, generation)
    return try IOError.check(call, result)
  }
}

/// One of the two ways that bytes go, or both.
public enum IODirection: Sendable, Hashable {
  /// Towards this program.
  case read
  /// Away from it.
  case write
  /// Both.
  case both
}

/// A reference belongs to the thread of its runtime.
@available(*, unavailable, message: "an IOReference belongs to the thread of its runtime")
extension IOReference: @unchecked Sendable {}
