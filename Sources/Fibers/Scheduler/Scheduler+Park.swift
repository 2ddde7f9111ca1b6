import CFibers

extension Scheduler {
  /// Lets the other ready fibers have their turn, then goes on.
  ///
  /// - Throws: ``FiberCancelled`` when a cancellation is delivered, before or after the turn.
  @inline(__always)
  func yield() throws(FiberCancelled) {
    let me = fiber
    try refuse(unsafe me.pointer.pointee.life.yield())
    if let next = nextReady(after: me) { transfer(from: me, to: next) }
    try unsafe me.pointer.pointee.life.resumeFromYield().get()
  }

  /// Parks the running fiber in `list` until it is woken.
  ///
  /// Inlined, like all that leads to a switch: on the other side of it the CPU predicts each return
  /// wrongly, because it remembers the calls of the fiber that was left.
  ///
  /// - Throws: ``FiberCancelled``; then the fiber is in no list.
  @inline(__always)
  func park(in list: UnsafeMutablePointer<WaitList>, as kind: WaitKind) throws(FiberCancelled) {
    let me = fiber
    try refuse(unsafe me.pointer.pointee.life.park())
    // First: both are circles through the same link.
    unsafe state.pointee.ready.removeFirst(me)
    unsafe WaitList.append(me, to: list)
    try suspend(me, as: kind)
  }

  /// Parks the running fiber until it is woken by who finds it by other means than a list.
  ///
  /// - Parameters:
  ///   - subject: What the fiber waits for, as `kind` says; stays where it is meanwhile.
  ///   - kind: Not one that is ``WaitKind/isListed`` or ``WaitKind/isExternal``.
  /// - Throws: ``FiberCancelled``; whoever still finds the fiber sees that it is not parked.
  @inline(__always)
  func park(on subject: UnsafeMutableRawPointer, as kind: WaitKind) throws(FiberCancelled) {
    let me = fiber
    try refuse(unsafe me.pointer.pointee.life.park())
    unsafe state.pointee.ready.removeFirst(me)
    unsafe me.waitSubject = subject
    try suspend(me, as: kind)
  }

  /// Throws, when `outcome` says that the suspension must not be.
  @inline(__always)
  private func refuse(_ outcome: FiberLife.Suspension) throws(FiberCancelled) {
    if outcome != .leave { try refuseAfterTurn(outcome) }
  }

  /// A deadline that has passed refuses each suspension: the others have their turn all the same, or
  /// a fiber that goes on regardless would keep the thread to itself.
  @inline(never)
  private func refuseAfterTurn(_ outcome: FiberLife.Suspension) throws(FiberCancelled) {
    let me = fiber
    if outcome == .expired, let next = nextReady(after: me) {
      unsafe me.pointer.pointee.life.takeTurn()
      transfer(from: me, to: next)
      unsafe me.pointer.pointee.life.resumeTurn()
    }
    try outcome.get()
  }

  private func checkNotRegistering(_ me: FiberRef) {
    require(
      me.waitKind == .none,
      "Fiber.park: called inside the closure given to another park; the closure must not suspend")
  }

  /// Leaves the stack of `me`, which has just parked and left the turns, until it is woken.
  @inline(__always)
  private func suspend(_ me: FiberRef, as kind: WaitKind) throws(FiberCancelled) {
    me.waitKind = kind
    unsafe me.pointer.pointee.waitSince = state.pointee.waitTick
    transfer(from: me, to: unsafe nextReady() ?? state.pointee.root)
    me.waitKind = .none
    try unsafe me.pointer.pointee.life.resumeFromPark().get()
  }

  /// Ends the wait of a fiber that was just taken out of a list.
  ///
  /// - Returns: Whether it still waited: neither woken nor cut short.
  @inline(__always)
  @discardableResult
  func wake(_ fiber: FiberRef) -> Bool {
    guard unsafe fiber.pointer.pointee.life.wake() else { return false }
    makeReady(fiber)
    return true
  }

  /// Whether `fiber`, seen through something it waited for, still waits: neither woken nor cut short.
  @inline(__always)
  func isParked(_ fiber: FiberRef) -> Bool { unsafe fiber.pointer.pointee.life.phase == .parked }

  /// Cancels a fiber that has not ended.
  func cancel(_ fiber: FiberRef) {
    if fiber.life.shields == 0 { settle(fiber) }
    if unsafe fiber.pointer.pointee.life.cancel() == .interrupt { takeOut(fiber) }
  }

  /// The deadline that is in force for `fiber` has passed.
  func expire(_ fiber: FiberRef) {
    settle(fiber)
    if unsafe fiber.pointer.pointee.life.expire() == .interrupt { takeOut(fiber) }
  }

  /// Before a wait is cut short: a wake from outside that came first counts as a wake.
  private func settle(_ fiber: FiberRef) {
    guard fiber.waitKind.isExternal, fiber.life.phase == .parked else { return }
    let word = unsafe WakeWord(raw: fiber.pointer.pointee.wakeWord.load(ordering: .relaxed))
    // ORDER: acquire-release, with Door.wake: exactly one of the two ends the wait.
    let won =
      unsafe word.state == .armed
      && fiber.pointer.pointee.wakeWord.compareExchange(
        expected: word.raw, desired: word.disarmed.raw, ordering: .acquiringAndReleasing
      ).exchanged
    if !won { wakeNotified(fiber) }
  }

  /// Queues a fiber whose wait was cut short.
  private func takeOut(_ fiber: FiberRef) {
    WaitList.remove(fiber)
    makeReady(fiber)
  }

  // MARK: Waits that other threads end

  /// Parks the running fiber until the token given to `register` is woken.
  ///
  /// - Parameters:
  ///   - kind: One that is ``WaitKind/isExternal``.
  ///   - register: Gets the token and hands it on; must not suspend.
  /// - Throws: ``FiberCancelled``; then the token does nothing any more.
  @inline(__always)
  func parkExternally(
    as kind: WaitKind = .external, _ register: (Door, UInt64) -> Void
  ) throws(FiberCancelled) {
    let me = fiber
    try refuse(unsafe me.pointer.pointee.life.check())
    checkNotRegistering(me)
    let word = unsafe WakeWord(raw: me.pointer.pointee.wakeWord.load(ordering: .relaxed)).armed
    // ORDER: relaxed is enough: whoever gets the token gets it from us, after this.
    unsafe me.pointer.pointee.wakeWord.store(word.raw, ordering: .relaxed)
    me.waitKind = kind
    unsafe register(
      state.pointee.door, UInt64(me.index) << WakeWord.ticketBits | word.ticket)
    if finishExternalWait(me) {
      me.waitKind = .none
      return
    }
    let outcome = unsafe me.pointer.pointee.life.park()
    if outcome != .leave {
      // Cancelled by `register` itself.
      me.waitKind = .none
      // ORDER: acquire-release, with Door.wake.
      let ended = unsafe me.pointer.pointee.wakeWord.exchange(
        word.disarmed.raw, ordering: .acquiringAndReleasing)
      guard WakeWord(raw: ended).state == .notified else { return try outcome.get() }
      // The wake came first, so it counts.
      if outcome == .cancelled { unsafe me.pointer.pointee.life.cancelLater() }
      return
    }
    unsafe state.pointee.ready.removeFirst(me)
    unsafe state.pointee.externalWaits += 1
    defer { unsafe state.pointee.externalWaits -= 1 }
    try suspend(me, as: kind)
    _ = finishExternalWait(me)
  }

  /// Whether the wait of `fiber` was ended by a wake; then the wake is used up.
  @inline(__always)
  private func finishExternalWait(_ fiber: FiberRef) -> Bool {
    // ORDER: acquire, with Door.wake: what the waker did before is seen after the park.
    let word = unsafe WakeWord(raw: fiber.pointer.pointee.wakeWord.load(ordering: .acquiring))
    guard word.state == .notified else { return false }
    unsafe fiber.pointer.pointee.wakeWord.store(word.disarmed.raw, ordering: .relaxed)
    return true
  }

  /// Queues `fiber` if it is parked and its wake word was set.
  func wakeNotified(_ fiber: FiberRef) {
    guard fiber.waitKind.isExternal else { return }
    // ORDER: sequentially consistent, see Inbox.push.
    let word = unsafe WakeWord(
      raw: fiber.pointer.pointee.wakeWord.load(ordering: .sequentiallyConsistent))
    if word.state == .notified { wake(fiber) }
  }
}
