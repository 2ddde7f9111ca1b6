import CFibers

/// A scheduler of fibers, bound to the thread that made it.
///
/// Fibers of a runtime run one at a time, on its thread, in the order in which they became ready:
/// the same program gives the same interleaving each time. For more cores, make more runtimes.
///
///     let runtime = try FiberRuntime()
///     let sum = try runtime.spawn { 1 + 2 }
///     runtime.run()
///     print(try sum.join())
///
/// A runtime belongs to its thread: each use from another one traps. What other threads may do goes
/// through ``remote``. Simple programs need none: ``Fiber/spawn(name:stack:file:line:_:)`` uses the
/// default runtime of the thread.
///
/// Corresponds to C's `async_runtime_t`, `async_runtime_init`, `async_runtime_run` and
/// `async_runtime_shutdown`.
@safe
public final class FiberRuntime {
  @usableFromInline let scheduler: Scheduler
  /// What the runtime was made with.
  public let configuration: Configuration
  private var isShutDown = false
  let blockingThreads: BlockingThreads

  /// Makes a runtime for the calling thread.
  ///
  /// Takes one descriptor, and gives the thread an alternate signal stack if it has none.
  ///
  /// - Parameter configuration: Sizes and modes; the defaults are those of the C original.
  /// - Throws: ``FiberError`` when the system refuses a descriptor or memory, or runs the process
  ///   with shadow stacks.
  public init(_ configuration: Configuration = Configuration()) throws(FiberError) {
    require(
      configuration.stackByteCount > 0 && configuration.fiberCapacity > 0
        && configuration.taskCapacity > 0 && configuration.maxEvents > 0,
      "FiberRuntime: capacities and sizes in the configuration must be greater than 0")
    require(
      configuration.blockingThreads > 0,
      "FiberRuntime: Configuration.blockingThreads must be greater than 0")
    guard configuration.stackByteCount <= StackPools.greatestByteCount else {
      throw .outOfMemory(byteCount: configuration.stackByteCount, code: 12)  // ENOMEM
    }
    #if FIBERS_SHADOW_STACK
      guard cfib_shadow_stack_status() == 1 else { throw .noShadowStacks }
    #else
      // An unaware switch would end in a control-protection fault at the first return.
      guard cfib_shadow_stack_status() != 1 else { throw .shadowStacksEnabled }
    #endif
    self.configuration = configuration
    blockingThreads = BlockingThreads(limit: configuration.blockingThreads)
    try OverflowReport.enterThread()
    scheduler = try Scheduler.make(configuration)
    unsafe scheduler.state.pointee.owner = Unmanaged.passUnretained(self)
  }

  deinit {
    shutdown()
    scheduler.destroy()
  }

  /// The runtime in whose `run()` the caller is, else the default runtime of the thread.
  ///
  /// The default runtime is made at the first use and shut down when the thread ends.
  ///
  /// - Throws: ``FiberError`` as ``init(_:)`` does.
  /// - Returns: The runtime.
  ///
  /// Corresponds to C's `async_global` and `async_global_init`.
  public static func current() throws(FiberError) -> FiberRuntime {
    if let scheduler = Scheduler.current, let runtime = scheduler.runtime { return runtime }
    return try defaultRuntime()
  }

  static func defaultRuntime() throws(FiberError) -> FiberRuntime {
    if let existing = unsafe cfib_default() {
      // SAFETY: only the line below stores there, one retained runtime a thread.
      return unsafe Unmanaged<FiberRuntime>.fromOpaque(existing).takeUnretainedValue()
    }
    let runtime = try FiberRuntime()
    let kept = unsafe Unmanaged.passRetained(runtime).toOpaque()
    let code = unsafe cfib_set_default(kept) { pointer in
      guard let pointer = unsafe pointer else { return }
      unsafe Unmanaged<FiberRuntime>.fromOpaque(pointer).release()
    }
    require(code == 0, "FiberRuntime: the thread has no room for its default runtime")
    return runtime
  }

  /// Spawns a fiber.
  ///
  /// It runs from the next ``run()`` on, or when the running fiber suspends.
  ///
  /// - Parameters:
  ///   - name: For reports; the spawn site serves when there is none.
  ///   - stack: Where its stack comes from.
  ///   - file: Of the spawn site.
  ///   - line: Of the spawn site.
  ///   - body: What it does. The closure is released when it returns.
  /// - Returns: A handle for its result.
  /// - Throws: ``FiberError`` when there is no room; nothing was spawned then.
  /// - Complexity: O(1), one allocation beside the closure's own.
  ///
  /// Corresponds to C's `async_spawn` and `async_spawn_with`.
  @discardableResult
  @inlinable
  public func spawn<Success, Failure: Error>(
    name: String? = nil, stack: FiberStack = .standard, file: StaticString = #fileID,
    line: UInt32 = #line, _ body: @escaping () throws(Failure) -> Success
  ) throws(FiberError) -> Fiber<Success, Failure> {
    let object = FiberEntry<Success, Failure>.makeObject(
      scheduler: scheduler, name: name, site: SpawnSite(file: file, line: line), body: body)
    try scheduler.admit(object, stack: stack)
    scheduler.inheritLocals(object)
    return Fiber(object)
  }

  /// The door for other threads.
  public var remote: FiberRemote { unsafe FiberRemote(scheduler.state.pointee.door) }

  /// Fibers that have not ended.
  public var aliveCount: Int {
    scheduler.checkThread("FiberRuntime.aliveCount")
    return unsafe scheduler.state.pointee.alive
  }

  /// What ``Configuration/exclusivity`` turned out to be.
  public var exclusivity: Exclusivity {
    unsafe scheduler.state.pointee.extras.contains(.isolated) ? .isolated : .shared
  }

  /// All fibers have ended.
  func closeDown() {
    isShutDown = true
    blockingThreads.stop()
  }
  var isClosed: Bool { isShutDown }
}

/// A runtime belongs to its thread; ``FiberRuntime/remote`` is for others.
@available(*, unavailable, message: "a FiberRuntime belongs to its thread; use FiberRuntime.remote")
extension FiberRuntime: @unchecked Sendable {}
