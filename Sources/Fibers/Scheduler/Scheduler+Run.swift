import CFibers

extension Scheduler {
  /// Runs `body` as the runtime of the calling thread, on the thread's own stack.
  func enter<Result>(_ function: StaticString, _ body: () -> Result) -> Result {
    checkThread(function)
    require(
      unsafe !state.pointee.isRunning,
      "\(function): this runtime is running already; fibers must not run their own runtime")
    unsafe state.pointee.isRunning = true
    let outer = unsafe cfib_current()
    unsafe cfib_set_current(state)
    unsafe state.pointee.floatingPoint = FloatingPoint.control
    defer {
      unsafe cfib_set_current(outer)
      unsafe state.pointee.isRunning = false
    }
    return body()
  }

  /// Runs fibers until none is ready, and none waits for time or for the world outside.
  func runUntilIdle(serving: Bool) {
    let root = unsafe state.pointee.root
    while true {
      if let next = nextReady() {
        transfer(from: root, to: next)
        continue
      }
      guard waitForWork(serving: serving) else { return }
    }
  }

  /// Nothing is ready: sleeps until something may be.
  ///
  /// Another thread's wake, a timer, while `serving` also a spawn from outside or a stop.
  ///
  /// - Returns: False when nothing that could come would make a fiber ready.
  func waitForWork(serving: Bool = false) -> Bool {
    service(looksAtDescriptors: false)
    if unsafe !state.pointee.ready.isEmpty { return true }
    let door = unsafe state.pointee.door
    let next = unsafe state.pointee.timers.nextWake
    let parked = unsafe state.pointee.externalWaits + state.pointee.descriptorWaits
    let waitsForFibers = parked > 0
    let waitsOutside = waitsForFibers || (serving && !door.isStopping)
    guard waitsOutside || next != nil else { return false }
    if unsafe state.pointee.hasVirtualTime, !waitsOutside, let next {
      unsafe state.pointee.now = max(state.pointee.now, next)
    } else {
      sleep(
        nanoseconds: next.map { max(0, $0 - readClock()) },
        heedsStop: !waitsForFibers && next == nil)
    }
    lookAtClock()
    return true
  }

  /// Sleeps until a wake from outside, an event on a descriptor, or for so long.
  ///
  /// - Parameters:
  ///   - nanoseconds: How long at most; `nil` for ever.
  ///   - heedsStop: Whether a stop ends what is waited for: else, asked for earlier, it would keep the
  ///     thread awake for as long as fibers wait.
  private func sleep(nanoseconds: Int64?, heedsStop: Bool) {
    let door = unsafe state.pointee.door
    if unsafe state.pointee.descriptorWaits > 0, let loop = unsafe state.pointee.loop {
      let isSafe = door.announceSleep(heedsStop: heedsStop)
      poll(loop, nanoseconds: isSafe ? nanoseconds ?? -1 : 0)
      door.endSleep()
    } else if door.announceSleep(heedsStop: heedsStop) {
      door.sleep(nanoseconds: nanoseconds)
      door.endSleep()
    }
  }

  /// The root waits like a fiber, in `list`: runs others until its own turn comes.
  func parkRoot(in list: UnsafeMutablePointer<WaitList>, as kind: WaitKind) {
    let root = unsafe state.pointee.root
    // Nothing cuts a wait of the root short: it has no handle, and no deadline.
    _ = unsafe root.pointer.pointee.life.park()
    unsafe WaitList.append(root, to: list)
    root.waitKind = kind
    unsafe root.pointer.pointee.waitSince = state.pointee.waitTick
    runUntilRootIsWoken(root)
    root.waitKind = .none
    _ = unsafe root.pointer.pointee.life.resumeFromPark()
  }

  private func runUntilRootIsWoken(_ root: FiberRef) {
    while true {
      if let next = nextReady() {
        if next != root { transfer(from: root, to: next) }
        // Back because nothing is ready, or, once woken, because our turn has come. While the root
        // runs it is not among those that have turns.
        if root.life.phase == .ready { return unsafe state.pointee.ready.removeFirst(root) }
        continue
      }
      require(waitForWork(), "Fiber.join: would never return. \(deadlock().description)")
    }
  }

  /// Looks at the clock, at descriptors, and at what other threads left: wakes, then requests.
  ///
  /// Bounded by what is there.
  @inline(never)
  func service(looksAtDescriptors: Bool = true) {
    unsafe state.pointee.servicesSinceLook += 1
    // By the turns there were, before the next are made fewer or more.
    unsafe state.pointee.turnsUntilPoll = max(
      0, state.pointee.turnsUntilPoll - state.pointee.turnsPerService)
    // Without timers the clock serves reports only, and how long turns are.
    if unsafe !state.pointee.timers.isEmpty || state.pointee.servicesSinceLook >= 16 {
      lookAtClockWhileRunning()
    }
    unsafe state.pointee.turnsUntilService = state.pointee.turnsPerService
    if unsafe state.pointee.isShuttingDown { cancelAgain() }
    if looksAtDescriptors { pollAfterTurns() }
    let door = unsafe state.pointee.door
    if door.inbox.looksEmpty, unsafe state.pointee.backlog.isEmpty { return }
    door.inbox.takeWakes(in: door.blocks) { wakeNotified($0) }
    for request in door.inbox.takeRequests() {
      switch request.work {
      case .spawn(let spawn): unsafe state.pointee.backlog.append(spawn)
      case .perform(let action): action()
      }
    }
    admitBacklog()
  }

  /// Looks at descriptors, unless fibers that the last look has woken have not had their turn yet:
  /// those found now would come after them all the same, and the look is a system call.
  private func pollAfterTurns() {
    guard unsafe state.pointee.descriptorWaits > 0, let loop = unsafe state.pointee.loop,
      unsafe state.pointee.turnsUntilPoll == 0
        || state.pointee.ready.isEmpty(besides: state.pointee.current)
    else { return }
    poll(loop, nanoseconds: 0)
  }

  private func poll(_ loop: IOLoop, nanoseconds: Int64) {
    let woken = loop.poll(nanoseconds: nanoseconds, self)
    unsafe state.pointee.turnsUntilPoll = Int32(truncatingIfNeeded: woken)
  }

  /// Spawns what other threads asked for, as far as there is room.
  ///
  /// The rest waits for room.
  private func admitBacklog() {
    guard unsafe !state.pointee.backlog.isEmpty else { return }
    if unsafe state.pointee.isShuttingDown {
      unsafe state.pointee.backlog.removeAll()
      return
    }
    var done = 0
    for request in unsafe state.pointee.backlog {
      let object = request.makeObject(self)
      do {
        try admit(object, stack: .standard)
      } catch {
        require(
          unsafe state.pointee.alive > 0,
          "FiberRemote.spawn: not even one fiber can be made: \(error)")
        break
      }
      done += 1
    }
    unsafe state.pointee.backlog.removeFirst(done)
  }
}
