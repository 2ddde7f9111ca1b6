extension Scheduler {
  /// The time now, in nanoseconds.
  func readClock() -> Int64 {
    unsafe state.pointee.hasVirtualTime ? state.pointee.now : FiberClock.nanoseconds
  }

  /// Milliseconds, nearly, in 32 bits: how long a fiber has waited is the difference of two.
  static func waitTicks(_ nanoseconds: Int64) -> UInt32 {
    UInt32(truncatingIfNeeded: nanoseconds >> 20)
  }

  /// Reads the clock, and ends the sleeps and deadlines that are over, earliest first.
  func lookAtClock() { lookAtClock(readClock()) }

  /// The same from within a run: the time since the last look was spent by fibers.
  func lookAtClockWhileRunning() {
    let now = readClock()
    measureTurns(now)
    lookAtClock(now)
  }

  private func lookAtClock(_ now: Int64) {
    unsafe state.pointee.now = now
    unsafe state.pointee.waitTick = Self.waitTicks(now)
    unsafe state.pointee.servicesSinceLook = 0
    while let index = unsafe state.pointee.timers.popExpired(now: now) {
      guard let fiber = unsafe state.pointee.door.blocks[index] else { continue }
      timerFired(fiber)
    }
  }

  /// Adapts the turns between two services to how long turns are: 100 us shall not pass between two.
  private func measureTurns(_ now: Int64) {
    let elapsed = unsafe (now - state.pointee.now) / Int64(state.pointee.servicesSinceLook)
    let turns = unsafe state.pointee.turnsPerService
    if elapsed > 200_000 {
      unsafe state.pointee.turnsPerService = Int32(max(1, Int64(turns) * 100_000 / elapsed))
    } else if elapsed < 50_000, turns < Self.mostTurnsPerService {
      unsafe state.pointee.turnsPerService = min(turns * 2, Self.mostTurnsPerService)
    }
  }

  private func timerFired(_ fiber: FiberRef) {
    let deadline = unsafe fiber.deadline?.pointee.instant
    if fiber.waitKind == .sleep, let subject = unsafe fiber.waitSubject {
      // SAFETY: `sleep` put the address of its record there, and is still parked if the phase is.
      let until = unsafe subject.assumingMemoryBound(to: SleepRecord.self).pointee.until
      if isParked(fiber), deadline.map({ until < $0 }) ?? true {
        wake(fiber)
        return
      }
    }
    // A sleep that was cut short leaves its timer armed until the fiber has its turn.
    if let deadline, unsafe deadline <= state.pointee.now { expire(fiber) }
  }

  /// Parks the running fiber until `instant`, one turn at least.
  func sleep(until instant: Int64) throws(FiberCancelled) {
    let me = fiber
    if instant <= readClock() { return try yield() }
    var record = SleepRecord(until: instant)
    let isShorter = unsafe me.deadline.map { unsafe instant < $0.pointee.instant } ?? true
    if isShorter { unsafe state.pointee.timers.arm(me.index, at: instant) }
    defer { if isShorter { armDeadline(me) } }
    try unsafe park(on: &record, as: .sleep)
  }

  /// Sets the timer of `fiber` to the deadline in force, if any.
  func armDeadline(_ fiber: FiberRef) {
    if let scope = unsafe fiber.deadline, !fiber.life.isExpired {
      unsafe state.pointee.timers.arm(fiber.index, at: scope.pointee.instant)
    } else {
      unsafe state.pointee.timers.disarm(fiber.index)
    }
  }

  /// Whether the running fiber has a deadline at `instant` or before.
  @usableFromInline
  func hasDeadline(upTo instant: Int64) -> Bool {
    guard let scope = unsafe fiber.deadline else { return false }
    return unsafe scope.pointee.instant <= instant
  }

  /// Puts the deadline at `scope` in force for the running fiber; when it has passed, that counts at
  /// once.
  @usableFromInline
  func enterDeadline(_ scope: UnsafeMutablePointer<DeadlineScope>) {
    let me = fiber
    unsafe scope.pointee.outer = me.deadline
    unsafe me.deadline = scope
    unsafe me.pointer.pointee.life.deadlineLeft()
    armDeadline(me)
    if unsafe scope.pointee.instant <= readClock() { expire(me) }
  }

  /// Puts the outer one back.
  ///
  /// If the inner one has passed, so may have the outer one: it is looked at here and now.
  ///
  /// - Returns: Whether the inner one had passed.
  @usableFromInline
  func leaveDeadline() -> Bool {
    let me = fiber
    guard let scope = unsafe me.deadline else { return false }
    let passed = me.life.isExpired
    unsafe me.deadline = unsafe scope.pointee.outer
    unsafe me.pointer.pointee.life.deadlineLeft()
    if passed, let outer = unsafe me.deadline {
      unsafe putDeadlineBack(outer)
    } else {
      armDeadline(me)
    }
    return passed
  }

  /// Keeps cancellations and the deadline in force from the running fiber.
  ///
  /// - Returns: That deadline, for ``leaveShield(_:)``.
  func enterShield() -> UnsafeMutablePointer<DeadlineScope>? {
    unsafe fiber.pointer.pointee.life.enterShield()
    return unsafe setDeadlineAside()
  }

  func leaveShield(_ scope: UnsafeMutablePointer<DeadlineScope>?) {
    unsafe fiber.pointer.pointee.life.leaveShield()
    unsafe putDeadlineBack(scope)
  }

  /// Takes the deadline in force away from the running fiber.
  ///
  /// - Returns: That deadline, for ``putDeadlineBack(_:)``.
  func setDeadlineAside() -> UnsafeMutablePointer<DeadlineScope>? {
    let me = fiber
    guard let scope = unsafe me.deadline else { return nil }
    unsafe me.deadline = nil
    unsafe me.pointer.pointee.life.deadlineLeft()
    armDeadline(me)
    return unsafe scope
  }

  /// Puts a deadline in force again, if there is one; when it has passed, that counts at once.
  func putDeadlineBack(_ scope: UnsafeMutablePointer<DeadlineScope>?) {
    let me = fiber
    guard let scope = unsafe scope else { return }
    unsafe me.deadline = scope
    if unsafe scope.pointee.instant <= readClock() {
      expire(me)
    } else {
      armDeadline(me)
    }
  }
}

/// What a sleeping fiber waits for; on its stack.
struct SleepRecord {
  let until: Int64
}

/// A deadline in force; on the stack of its fiber.
@safe
@usableFromInline
struct DeadlineScope {
  let instant: Int64
  /// The one it stands in for: later than this.
  var outer: UnsafeMutablePointer<DeadlineScope>?

  @usableFromInline
  init(instant: Int64) { self.instant = instant }
}
