/// What a fiber does to itself.
extension Fiber where Success == Never, Failure == Never {
  /// The fiber that runs now; `nil` outside of fibers.
  public static var current: AnyFiber? {
    guard let scheduler = Scheduler.current, scheduler.isOnFiber,
      let object = scheduler.fiber.object
    else { return nil }
    return AnyFiber(object)
  }

  /// Lets each other ready fiber have one turn.
  ///
  /// - Throws: ``FiberCancelled`` when the fiber is cancelled, before or during those turns.
  /// - Precondition: Called by a fiber.
  /// - Complexity: O(1), no allocation.
  ///
  /// Corresponds to C's `async_yield`.
  @available(*, noasync, message: "it suspends a fiber, not a task; use Task.yield()")
  public static func yield() throws(FiberCancelled) {
    try fiberScheduler("Fiber.yield").yield()
  }

  /// Parks the running fiber until the waker given to `register` is used, from any thread.
  ///
  /// The waker ends this park and no other, and only once: it may be used early, late, twice or by
  /// many threads. A wake that comes before the fiber has parked is not lost.
  ///
  ///     try Fiber.park { waker in
  ///       startWork(whenDone: { waker.wake() })
  ///     }
  ///
  /// - Parameter register: Gets the waker and hands it on; must not suspend.
  /// - Throws: ``FiberCancelled`` when the fiber is cancelled first; the waker then does nothing.
  /// - Precondition: Called by a fiber.
  /// - Complexity: O(1), no allocation.
  @available(*, noasync, message: "it parks a fiber, not a task")
  public static func park(_ register: (FiberWaker) -> Void) throws(FiberCancelled) {
    try fiberScheduler("Fiber.park").parkExternally { door, token in
      register(FiberWaker(door: door, token: token))
    }
  }

  /// Stops here if the running fiber was cancelled and nothing has thrown for it yet, or its deadline
  /// was seen to have passed.
  ///
  /// - Throws: ``FiberCancelled``; that delivers the cancellation.
  /// - Precondition: Called by a fiber.
  public static func checkCancellation() throws(FiberCancelled) {
    let fiber = fiberScheduler("Fiber.checkCancellation").fiber
    try unsafe fiber.pointer.pointee.life.check().get()
  }

  /// Runs `body` without delivering cancellations: they wait for the first suspension after it.
  ///
  /// Deadlines that were set outside are not in force in there either; those set inside are. For
  /// cleaning up that must not be interrupted. Shields may be inside each other.
  ///
  /// - Parameter body: What to protect.
  /// - Returns: What `body` returns.
  /// - Throws: What `body` throws.
  /// - Precondition: Called by a fiber.
  public static func shield<Value: ~Copyable, Problem: Error>(
    _ body: () throws(Problem) -> Value
  ) throws(Problem) -> Value {
    let scheduler = fiberScheduler("Fiber.shield")
    let outer = unsafe scheduler.enterShield()
    defer { unsafe scheduler.leaveShield(outer) }
    return try body()
  }

  /// The scheduler whose fiber the caller is.
  @inline(__always)
  static func fiberScheduler(_ function: StaticString) -> Scheduler {
    guard let scheduler = Scheduler.current, scheduler.isOnFiber else {
      misuse("\(function): called outside of a fiber; spawn one and call it there")
    }
    return scheduler
  }
}

/// The default runtime, or that of the running fiber.
extension Fiber where Success == Never, Failure == Never {
  /// Spawns a fiber on the runtime of the caller; see ``FiberRuntime/spawn(name:stack:file:line:_:)``.
  ///
  /// A fiber spawned by a fiber inherits its fiber-local values.
  ///
  /// - Parameters:
  ///   - name: For reports.
  ///   - stack: Where its stack comes from.
  ///   - file: Of the spawn site.
  ///   - line: Of the spawn site.
  ///   - body: What it does.
  /// - Returns: A handle for its result.
  /// - Throws: ``FiberError`` when there is no room.
  @discardableResult
  @inlinable
  public static func spawn<Value, Problem: Error>(
    name: String? = nil, stack: FiberStack = .standard, file: StaticString = #fileID,
    line: UInt32 = #line, _ body: @escaping () throws(Problem) -> Value
  ) throws(FiberError) -> Fiber<Value, Problem> {
    let scheduler = try Scheduler.currentOrDefault()
    let object = FiberEntry<Value, Problem>.makeObject(
      scheduler: scheduler, name: name, site: SpawnSite(file: file, line: line), body: body)
    try scheduler.admit(object, stack: stack)
    scheduler.inheritLocals(object)
    return Fiber<Value, Problem>(object)
  }

  /// Runs the default runtime of the thread; see ``FiberRuntime/run()``.
  ///
  /// - Throws: ``FiberError`` when the runtime had to be made and could not; ``FiberDeadlock`` as
  ///   there.
  ///
  /// Corresponds to C's `async_run`.
  @available(*, noasync, message: "it blocks the thread; give the runtime a thread of its own")
  public static func run() throws {
    try FiberRuntime.defaultRuntime().run()
  }
}

extension Scheduler {
  /// Gives a fiber just spawned the local values of the one that spawned it.
  @usableFromInline
  func inheritLocals(_ object: FiberObject) {
    guard isOnFiber, let parent = unsafe fiber.pointer.pointee.object else { return }
    unsafe parent._withUnsafeGuaranteedRef { parent in
      if let locals = parent.locals { object.locals = locals }
    }
  }

  @usableFromInline
  static func currentOrDefault() throws(FiberError) -> Scheduler {
    if let scheduler = Scheduler.current { return scheduler }
    return try FiberRuntime.defaultRuntime().scheduler
  }
}
