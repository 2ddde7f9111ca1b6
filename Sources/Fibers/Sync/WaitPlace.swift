/// What a mutex, condition, semaphore or wait group is made of: who waits, and what reports say.
///
/// In memory of its own, which stays where it is: waiters and reports point to it.
@safe
struct WaitPlace: ~Copyable {
  // The list comes first: the subject of a wait is its address, and that of the place as well.

  /// Who waits, first come first served.
  var list = WaitList()
  /// A mutex: who holds it.
  var holder: FiberRef?
  /// Permits left of a semaphore, what is not done of a wait group, 1 while a mutex is held.
  var count = 0
  let name: String?
  let site: SpawnSite
  /// The thread whose fibers may use it.
  let thread: UInt

  /// The name, or else where it was made.
  var label: String { name.map { "'\($0)' (\(site))" } ?? "\(site)" }
}

/// A place by its address, owned by the primitive that made it.
@safe
@usableFromInline
struct WaitPlaceRef {
  // SAFETY: allocated in init, freed by destroy(), which the owner calls in its deinit; fibers that
  // wait there hold on to the owner, as it is the receiver of the call they are in.
  let pointer: UnsafeMutablePointer<WaitPlace>

  init(name: String?, site: SpawnSite, count: Int = 0) {
    unsafe pointer = .allocate(capacity: 1)
    unsafe pointer.initialize(
      to: WaitPlace(count: count, name: name, site: site, thread: Scheduler.threadID))
  }

  func destroy() {
    unsafe pointer.deinitialize(count: 1)
    unsafe pointer.deallocate()
  }

  var count: Int {
    @inline(__always) get { unsafe pointer.pointee.count }
    @inline(__always) nonmutating set { unsafe pointer.pointee.count = newValue }
  }
  var holder: FiberRef? {
    @inline(__always) get { unsafe pointer.pointee.holder }
    @inline(__always) nonmutating set { unsafe pointer.pointee.holder = newValue }
  }
  var hasWaiters: Bool { unsafe !pointer.pointee.list.isEmpty }

  /// The scheduler of the running fiber, on the right thread.
  @inline(__always)
  func scheduler(_ function: StaticString) -> Scheduler {
    let scheduler = Fiber.fiberScheduler(function)
    checkThread(function)
    return scheduler
  }

  /// Stops with a message when the calling thread is not the one it was made on.
  @inline(__always)
  func checkThread(_ function: StaticString) {
    if unsafe pointer.pointee.thread != Scheduler.threadID {
      misuse("\(function): used on another thread than the one it was made on")
    }
  }

  /// Parks the running fiber here.
  @inline(__always)
  func park(_ scheduler: Scheduler, as kind: WaitKind) throws(FiberCancelled) {
    try unsafe scheduler.park(
      in: UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: WaitList.self), as: kind)
  }

  /// Wakes the fiber that waits longest.
  ///
  /// - Returns: That fiber; `nil` when none waits.
  @inline(__always)
  @discardableResult
  func wakeFirst() -> FiberRef? {
    guard let fiber = unsafe pointer.pointee.list.popFirst(),
      let object = unsafe fiber.pointer.pointee.object
    else { return nil }
    unsafe object._withUnsafeGuaranteedRef { _ = $0.scheduler.wake(fiber) }
    return fiber
  }
}
