import CFibers

/// The state of a runtime: in memory of its own, reached by pointer, so that no Swift access is
/// ever held on it across a switch.
///
/// For the thread of the runtime only.
@safe
struct SchedulerState: ~Copyable {
  /// Where the sequence of choices stands; see ``Scheduler/choose(from:)``.
  var choices: UInt32 = 0x9e37_79b9
  /// Who runs: a fiber, or ``root``.
  var current: FiberRef
  var ready = ReadyQueue()
  /// Turns until the inbox is looked at, however busy the fibers are.
  var turnsUntilService = Scheduler.mostTurnsPerService
  /// What the above starts from: fewer, when turns are long.
  var turnsPerService = Scheduler.mostTurnsPerService
  /// Turns until descriptors are looked at again by a service: see ``Scheduler/service``.
  var turnsUntilPoll: Int32 = 0
  /// Services since the clock was read.
  var servicesSinceLook: Int32 = 0
  /// The time when the clock was last read, in nanoseconds, and the same in coarse ticks.
  var now: Int64
  var waitTick: UInt32
  /// Whether time passes only when nothing else can happen: for tests.
  let hasVirtualTime: Bool
  /// At most one for each fiber: the end of its sleep, or the deadline in force.
  var timers: TimerWheel
  let extras: SwitchExtras
  let measuresStacks: Bool
  /// The thread itself, on its own stack, inside `run()`.
  let root: FiberRef
  /// Blocks of ended fibers, the most recent first.
  var freeBlocks: FiberRef?
  /// Fibers that have not ended.
  var alive = 0
  /// Fibers parked until another thread wakes them.
  var externalWaits = 0
  /// Fibers parked until a descriptor is ready.
  var descriptorWaits = 0
  /// Made when the first descriptor is registered.
  var loop: IOLoop?
  /// Calls on descriptors that did not park since a fiber last let others have their turn.
  var promptCalls: Int32 = 0
  let maxEvents: Int
  /// Whether a run loop of this runtime is on the stack of the thread.
  var isRunning = false
  var isShuttingDown = false
  /// How long the shutdown takes: see ``Scheduler/cancelAgain()``.
  var shutdownServices = 0
  var shutdownRounds = 0
  /// The floating-point control words that each fiber starts with: those of the thread.
  var floatingPoint: UInt64 = 0
  var stacks: StackPools
  /// Spawned by other threads, waiting for room.
  var backlog: [SpawnRequest] = []
  let taskLimit: Int?
  let thread: UInt
  let door: Door
  /// The runtime that owns this state, alive as long as it.
  var owner: Unmanaged<FiberRuntime>?
}

/// A runtime's state by its address.
@safe
@usableFromInline
struct Scheduler: Equatable {
  /// How many turns other fibers may take, at most, before a wake from outside is served.
  static var mostTurnsPerService: Int32 { 61 }

  // SAFETY: allocated by FiberRuntime, freed when it is gone; fibers do not outlive that, and the
  // objects of ended fibers do not look here.
  let state: UnsafeMutablePointer<SchedulerState>

  @inline(__always)
  init(_ state: UnsafeMutablePointer<SchedulerState>) { unsafe self.state = state }

  /// The runtime whose `run()` is on the stack of the calling thread.
  @inline(__always)
  static var current: Scheduler? {
    guard let address = unsafe cfib_current() else { return nil }
    // SAFETY: only run() stores there, and only the address of a SchedulerState.
    return unsafe Scheduler(address.assumingMemoryBound(to: SchedulerState.self))
  }

  @usableFromInline
  static func == (a: Scheduler, b: Scheduler) -> Bool { unsafe a.state == b.state }

  /// Makes the state of a runtime for the calling thread.
  static func make(_ configuration: FiberRuntime.Configuration) throws(FiberError) -> Scheduler {
    let door = try Door()
    guard let root = door.blocks.makeBlock() else {
      throw .taskLimitReached(limit: 0)
    }
    let limited = configuration.capacitiesAreLimits
    var extras = SwitchExtras()
    if AccessSets.areIsolated(configuration.exclusivity) { extras.insert(.isolated) }
    if cfib_sanitizer() != 0 { extras.insert(.sanitized) }
    if configuration.floatingPoint == .all { extras.insert(.allFloatingPoint) }
    let state = UnsafeMutablePointer<SchedulerState>.allocate(capacity: 1)
    let now = configuration.hasVirtualTime ? 0 : FiberClock.nanoseconds
    unsafe state.initialize(
      to: SchedulerState(
        current: root, now: now, waitTick: Self.waitTicks(now),
        hasVirtualTime: configuration.hasVirtualTime, timers: TimerWheel(now: now), extras: extras,
        measuresStacks: configuration.measuresStacks, root: root,
        maxEvents: configuration.maxEvents,
        stacks: StackPools(
          byteCount: configuration.stackByteCount, guards: configuration.stackGuard,
          limit: limited ? configuration.fiberCapacity : nil),
        taskLimit: limited ? configuration.taskCapacity : nil,
        thread: cfib_thread_id(), door: door))
    let scheduler = unsafe Scheduler(state)
    unsafe root.pointer.pointee.life.start()
    if extras.contains(.sanitized) { scheduler.describeThread(to: root) }
    if !limited {
      do throws(FiberError) {
        try scheduler.prepare(configuration)
      } catch {
        scheduler.destroy()
        throw error
      }
    }
    return scheduler
  }

  /// Makes room for what the configuration says to start with.
  private func prepare(_ configuration: FiberRuntime.Configuration) throws(FiberError) {
    unsafe try state.pointee.stacks.prepare(configuration.fiberCapacity)
    var last: FiberRef?
    for _ in 0..<configuration.taskCapacity {
      guard let block = unsafe state.pointee.door.blocks.makeBlock() else { break }
      // The first made is the first taken, as it is without preparing.
      if let last { last.next = block } else { unsafe state.pointee.freeBlocks = block }
      last = block
    }
  }

  /// Frees the state.
  ///
  /// No fiber is alive.
  func destroy() {
    unsafe state.pointee.door.close()
    destroySanitizerStates()
    unsafe state.deinitialize(count: 1)
    unsafe state.deallocate()
  }

  @inline(__always)
  var fiber: FiberRef { unsafe state.pointee.current }

  /// Whether the caller is a fiber, not the thread itself.
  @inline(__always)
  var isOnFiber: Bool { unsafe state.pointee.current != state.pointee.root }

  var door: Door { unsafe state.pointee.door }

  func owns(_ door: Door) -> Bool { unsafe state.pointee.door === door }

  /// Chooses who runs after one that does not go on: the one place where an order is decided (D11).
  ///
  /// - Returns: A fiber, ``SchedulerState/root`` when it is its turn, or `nil` when none is ready.
  @inline(__always)
  func nextReady() -> FiberRef? {
    countTurn()
    return unsafe state.pointee.ready.first
  }

  /// Chooses who runs after the running `fiber`, which goes on when the others had their turn.
  ///
  /// - Returns: `nil` when none is ready but `fiber`.
  @inline(__always)
  func nextReady(after fiber: FiberRef) -> FiberRef? {
    countTurn()
    guard let next = fiber.next, next != fiber else { return nil }
    unsafe state.pointee.ready.rotate(fiber)
    return next
  }

  @inline(__always)
  private func countTurn() {
    unsafe state.pointee.turnsUntilService &-= 1
    if unsafe state.pointee.turnsUntilService <= 0 { service() }
  }

  /// One of `count` alternatives that are equally good, each equally often; the same in each run.
  func choose(from count: Int) -> Int {
    // George Marsaglia, "Xorshift RNGs", 2003.
    var bits = unsafe state.pointee.choices
    bits ^= bits << 13
    bits ^= bits >> 17
    bits ^= bits << 5
    unsafe state.pointee.choices = bits
    return Int((UInt64(bits) * UInt64(count)) >> 32)
  }

  /// The floating-point control words in force.
  @inline(__always)
  var floatingPointControl: UInt64 {
    unsafe FloatingPoint.control(
      base: state.pointee.floatingPoint,
      readingAll: state.pointee.extras.contains(.allFloatingPoint))
  }

  /// Queues a fiber that can run.
  @inline(__always)
  func makeReady(_ fiber: FiberRef) { unsafe state.pointee.ready.append(fiber) }

  /// A number that no other living thread has.
  @inlinable
  static var threadID: UInt {
    @inline(__always) get { cfib_thread_id() }
  }

  /// Stops with a message when the calling thread is not the runtime's.
  @inline(__always)
  func checkThread(_ function: StaticString) {
    guard unsafe state.pointee.thread == cfib_thread_id() else {
      misuse(
        "\(function): called from another thread than the runtime's; use FiberRemote or FiberWaker")
    }
  }
}
