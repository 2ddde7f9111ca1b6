import CFibers

extension FiberRuntime {
  /// Runs fibers until every one has ended.
  ///
  /// While fibers wait for time or for other threads, the calling thread sleeps. Blocks the calling
  /// thread; not for async code, whose threads must not block.
  ///
  /// - Precondition: Called on the runtime's thread, not by one of its own fibers.
  /// - Throws: ``FiberDeadlock`` when fibers are left that nothing can wake any more: it says who
  ///   waits for what. They stay as they are; cancel them, or spawn one that helps, and run again.
  ///
  /// Corresponds to C's `async_run` and `async_runtime_run`.
  @available(*, noasync, message: "it blocks the thread; give the runtime a thread of its own")
  public func run() throws(FiberDeadlock) {
    try scheduler.enter("FiberRuntime.run") {
      scheduler.runUntilIdle(serving: false)
      return unsafe scheduler.state.pointee.alive > 0 ? scheduler.deadlock() : nil
    }.orThrow()
  }

  /// Runs fibers, those that other threads spawn too, until ``FiberRemote/stop()`` and idle.
  ///
  /// The calling thread sleeps while there is nothing to do.
  ///
  /// - Precondition: Called on the runtime's thread, not by one of its own fibers.
  /// - Throws: ``FiberDeadlock`` when, after the stop, fibers are left that nothing can wake.
  @available(*, noasync, message: "it blocks the thread; give the runtime a thread of its own")
  public func serve() throws(FiberDeadlock) {
    try scheduler.enter("FiberRuntime.serve") {
      scheduler.runUntilIdle(serving: true)
      unsafe scheduler.state.pointee.door.rearm()
      return unsafe scheduler.state.pointee.alive > 0 ? scheduler.deadlock() : nil
    }.orThrow()
  }

  /// Cancels all fibers and runs them to their end.
  ///
  /// The runtime takes no more.
  ///
  /// A fiber that goes on after a cancellation and parks again is cancelled again. Also done when
  /// the last reference to the runtime goes. Calling it twice does nothing.
  ///
  /// - Precondition: Called on the runtime's thread, not by one of its own fibers; no fiber parks
  ///   forever inside a shield, or goes on after 1,000 cancellations.
  ///
  /// Corresponds to C's `async_runtime_shutdown`.
  @available(*, noasync, message: "it blocks the thread; give the runtime a thread of its own")
  public func shutdown() {
    guard !isClosed else { return }
    scheduler.enter("FiberRuntime.shutdown") {
      let scheduler = scheduler
      unsafe scheduler.state.pointee.door.close()
      unsafe scheduler.state.pointee.isShuttingDown = true
      var rounds = 0
      while unsafe scheduler.state.pointee.alive > 0 {
        rounds += 1
        scheduler.cancelAll()
        scheduler.runAfterCancel()
        if rounds > 1000, scheduler.hasUnshielded { scheduler.reportStubborn() }
      }
      // Spawns that slipped in before the door closed: dropped, with their closures.
      scheduler.service()
    }
    closeDown()
  }

  /// Cancels every fiber that has not ended; see ``Fiber/cancel()``.
  ///
  /// - Complexity: O(n) for n fibers that there ever were at once.
  public func cancelAll() {
    scheduler.checkThread("FiberRuntime.cancelAll")
    scheduler.cancelAll()
  }

  /// Gives the memory of idle stacks back to the system.
  ///
  /// - Parameter kept: How many of each size stay warm: the most recently used ones.
  /// - Complexity: A system call for each stack.
  public func trimStacks(keeping kept: Int = 0) {
    scheduler.checkThread("FiberRuntime.trimStacks")
    unsafe scheduler.state.pointee.stacks.trim(keeping: max(0, kept))
  }

  /// What the stacks take.
  ///
  /// - Parameter countingResident: Whether to count the pages in memory, which takes a system call
  ///   for each megabyte reserved.
  /// - Returns: The counts now.
  public func stackStatistics(countingResident: Bool = false) -> StackStatistics {
    scheduler.checkThread("FiberRuntime.stackStatistics")
    return unsafe scheduler.state.pointee.stacks.statistics(countingResident: countingResident)
  }
}

extension Scheduler {
  /// Every fiber that has not ended, in the order of their blocks.
  func forEachAlive(_ body: (FiberRef, FiberObject) -> Void) {
    let door = unsafe state.pointee.door
    for index in 0..<door.blocks.count {
      guard let fiber = door.blocks[UInt32(index)], let object = fiber.object else { continue }
      body(fiber, object)
    }
  }

  func cancelAll() { forEachAlive { fiber, _ in cancel(fiber) } }

  /// Runs what is ready after everything was cancelled.
  ///
  /// Only when nothing is, because all that is left waits inside shields, other threads are waited
  /// for.
  func runAfterCancel() {
    let root = unsafe state.pointee.root
    service()
    if unsafe state.pointee.ready.isEmpty {
      guard waitForWork() else { reportStubborn() }
      service()
    }
    while let next = nextReady() { transfer(from: root, to: next) }
  }

  /// Part of a shutdown: fibers that do nothing but yield would never let the root count a round.
  ///
  /// Called every ``SchedulerState/turnsPerService`` turns.
  @inline(never)
  func cancelAgain() {
    unsafe state.pointee.shutdownServices += 1
    guard unsafe state.pointee.shutdownServices >= 1024 + state.pointee.alive else { return }
    unsafe state.pointee.shutdownServices = 0
    unsafe state.pointee.shutdownRounds += 1
    cancelAll()
    if unsafe state.pointee.shutdownRounds > 1000, hasUnshielded { reportStubborn() }
  }

  /// Whether a fiber is left that cancellations reach.
  var hasUnshielded: Bool {
    var found = false
    forEachAlive { fiber, _ in if fiber.life.shields == 0 { found = true } }
    return found
  }

  func reportStubborn() -> Never {
    var names = ""
    forEachAlive { _, object in names += " \(object.label)" }
    misuse(
      "FiberRuntime.shutdown: fibers go on after 1,000 cancellations, or park forever inside a"
        + " shield; let FiberCancelled end them:\(names)")
  }

  /// The runtime of this scheduler, when it is the one running or the thread's default.
  var runtime: FiberRuntime? { unsafe state.pointee.owner?.takeUnretainedValue() }
}
