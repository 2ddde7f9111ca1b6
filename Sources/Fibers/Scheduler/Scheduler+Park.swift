import CFibers

extension Scheduler {
  /// Lets the other ready fibers have their turn, then goes on.
  ///
  /// - Throws: ``FiberCancelled`` when a cancellation is delivered, before or after the turn.
  @inline(__always)
  func yield() throws(FiberCancelled) {
    let me = fiber
    if unsafe me.pointer.pointee.life.yield() == .cancelled { throw FiberCancelled() }
    if let next = nextReady() {
      makeReady(me)
      transfer(from: me, to: next)
    }
    if unsafe me.pointer.pointee.life.resumeFromYield() == .cancelled { throw FiberCancelled() }
  }

  /// Parks the running fiber in `list` until it is woken.
  ///
  /// - Throws: ``FiberCancelled``; then the fiber is in no list.
  @inline(never)
  func park(in list: UnsafeMutablePointer<WaitList>, as kind: WaitKind) throws(FiberCancelled) {
    let me = fiber
    if unsafe me.pointer.pointee.life.park() == .cancelled { throw FiberCancelled() }
    unsafe WaitList.append(me, to: list)
    try suspend(me, as: kind)
  }

  /// Leaves the stack of `me`, which has just parked, until it is woken.
  @inline(__always)
  private func suspend(_ me: FiberRef, as kind: WaitKind) throws(FiberCancelled) {
    me.waitKind = kind
    if unsafe me != state.pointee.root {
      transfer(from: me, to: unsafe nextReady() ?? state.pointee.root)
    } else {
      runUntilRootIsWoken()
    }
    me.waitKind = .none
    if unsafe me.pointer.pointee.life.resumeFromPark() == .cancelled { throw FiberCancelled() }
  }

  /// Ends the wait of a fiber that was just taken out of a list.
  @inline(__always)
  func wake(_ fiber: FiberRef) {
    if unsafe fiber.pointer.pointee.life.wake() { makeReady(fiber) }
  }

  /// Cancels a fiber that has not ended.
  func cancel(_ fiber: FiberRef) {
    if fiber.waitKind == .external, fiber.life.phase == .parked, fiber.life.shields == 0 {
      // A wake from outside that came first counts as a wake; the cancellation stays pending.
      let word = unsafe WakeWord(raw: fiber.pointer.pointee.wakeWord.load(ordering: .relaxed))
      // ORDER: acquire-release, with Door.wake: exactly one of the two ends the wait.
      let won =
        unsafe word.state == .armed
        && fiber.pointer.pointee.wakeWord.compareExchange(
          expected: word.raw, desired: word.disarmed.raw, ordering: .acquiringAndReleasing
        ).exchanged
      if !won { wakeNotified(fiber) }
    }
    if unsafe fiber.pointer.pointee.life.cancel() == .interrupt {
      WaitList.remove(fiber)
      makeReady(fiber)
    }
  }

  // MARK: Waits that other threads end

  /// Parks the running fiber until the token given to `register` is woken.
  ///
  /// - Throws: ``FiberCancelled``; then the token does nothing any more.
  @inline(never)
  func parkExternally(
    _ register: (Door, UInt64) -> Void
  ) throws(FiberCancelled) {
    let me = fiber
    if me.life.deliversCancellation {
      _ = unsafe me.pointer.pointee.life.park(); throw FiberCancelled()
    }
    require(
      me.waitKind == .none,
      "Fiber.park: called inside the closure given to another park; the closure must not suspend")
    let word = unsafe WakeWord(raw: me.pointer.pointee.wakeWord.load(ordering: .relaxed)).armed
    // ORDER: relaxed is enough: whoever gets the token gets it from us, after this.
    unsafe me.pointer.pointee.wakeWord.store(word.raw, ordering: .relaxed)
    me.waitKind = .external
    unsafe register(
      state.pointee.door, UInt64(me.index) << WakeWord.ticketBits | word.ticket)
    if finishExternalWait(me) {
      me.waitKind = .none
      return
    }
    if unsafe me.pointer.pointee.life.park() == .cancelled {
      // Cancelled by `register` itself.
      me.waitKind = .none
      let ended = unsafe me.pointer.pointee.wakeWord.exchange(
        word.disarmed.raw, ordering: .acquiringAndReleasing)
      if WakeWord(raw: ended).state == .notified {
        // ORDER: acquire-release, with Door.wake. The wake came first, so it counts.
        _ = unsafe me.pointer.pointee.life.cancel()
        return
      }
      throw FiberCancelled()
    }
    unsafe state.pointee.externalWaits += 1
    defer { unsafe state.pointee.externalWaits -= 1 }
    try suspend(me, as: .external)
    _ = finishExternalWait(me)
  }

  /// Whether the wait of `fiber` was ended by a wake; then the wake is used up.
  private func finishExternalWait(_ fiber: FiberRef) -> Bool {
    // ORDER: acquire, with Door.wake: what the waker did before is seen after the park.
    let word = unsafe WakeWord(raw: fiber.pointer.pointee.wakeWord.load(ordering: .acquiring))
    guard word.state == .notified else { return false }
    unsafe fiber.pointer.pointee.wakeWord.store(word.disarmed.raw, ordering: .relaxed)
    return true
  }

  /// Queues `fiber` if it is parked and its wake word was set.
  func wakeNotified(_ fiber: FiberRef) {
    guard fiber.waitKind == .external else { return }
    // ORDER: sequentially consistent, see Inbox.push.
    let word = unsafe WakeWord(
      raw: fiber.pointer.pointee.wakeWord.load(ordering: .sequentiallyConsistent))
    if word.state == .notified { wake(fiber) }
  }
}
