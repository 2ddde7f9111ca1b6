import CFibers

/// A fiber without the types of its result: what can be asked of any fiber.
///
/// Belongs to the thread of its runtime.
public struct AnyFiber: Equatable {
  @usableFromInline let object: FiberObject

  @usableFromInline
  init(_ object: FiberObject) { self.object = object }

  /// Whether both are handles for the same fiber.
  public static func == (a: AnyFiber, b: AnyFiber) -> Bool { a.object === b.object }

  /// Where the fiber is.
  public var status: FiberStatus {
    guard let block = object.block else { return .finished }
    object.scheduler.checkThread("Fiber.status")
    return FiberStatus(block.life.phase)
  }

  /// The name it was given, if any.
  public var name: String? { object.name }

  /// Where it was spawned.
  public var site: SpawnSite { object.site }

  /// Whether it was cancelled while it was alive.
  public var isCancelled: Bool { object.wasCancelled }

  /// Asks the fiber to stop; see ``Fiber/cancel()``.
  public func cancel() {
    guard let block = object.block else { return }
    object.scheduler.checkThread("Fiber.cancel")
    object.scheduler.cancel(block)
  }

  /// Waits for the end; see ``Fiber/join()``.
  ///
  /// - Throws: ``FiberCancelled`` when the calling fiber is cancelled while it waits.
  @available(*, noasync, message: "it parks a fiber or blocks the thread")
  @usableFromInline
  func waitUntilFinished() throws(FiberCancelled) {
    guard let block = object.block else { return }
    let scheduler = object.scheduler
    guard let running = Scheduler.current else {
      return scheduler.joinFromThread(block)
    }
    require(
      running == scheduler,
      "Fiber.join: called by a fiber of another runtime; let the runtimes exchange messages")
    require(
      block != scheduler.fiber,
      "Fiber.join: a fiber cannot wait for its own end; join it from another fiber")
    require(scheduler.isOnFiber, "Fiber.join: called while the runtime is between two fibers")
    try unsafe scheduler.park(in: block.pointer.joiners, as: .join)
  }

  /// The most stack that the fiber has used so far, in bytes.
  ///
  /// `nil` when it has not started or has ended, when its stack is the caller's memory, or unless
  /// ``FiberRuntime/Configuration/measuresStacks`` is set.
  ///
  /// - Complexity: A system call for each page of the stack.
  public var stackHighWaterByteCount: Int? {
    guard let block = object.block else { return nil }
    object.scheduler.checkThread("Fiber.stackHighWaterByteCount")
    return object.scheduler.stackHighWater(of: block)
  }
}

/// A handle belongs to the thread of its runtime.
@available(*, unavailable, message: "an AnyFiber belongs to the thread of its runtime")
extension AnyFiber: @unchecked Sendable {}

extension UnsafeMutablePointer<FiberBlock> {
  /// The address of the list of joiners, which stays where it is.
  var joiners: UnsafeMutablePointer<WaitList> {
    // SAFETY: the offset of a stored property of the pointee.
    unsafe withUnsafeMutablePointer(to: &self.pointee.joiners) { unsafe $0 }
  }
}

extension Scheduler {
  /// Waits on the thread itself: runs the runtime until `block`'s fiber has ended.
  @inline(never)
  func joinFromThread(_ block: FiberRef) {
    enter("Fiber.join") { unsafe parkRoot(in: block.pointer.joiners, as: .join) }
  }

  func stackHighWater(of block: FiberRef) -> Int? {
    guard unsafe state.pointee.measuresStacks, block.hasContext, !block.stack.isForeign else {
      return nil
    }
    let bounds = unsafe state.pointee.stacks.bounds(of: block.stack)
    guard let low = bounds.baseAddress else { return nil }
    return unsafe bounds.count - cfib_untouched_bytes(low, bounds.count)
  }
}

extension FiberObject {
  /// For messages: the name, or else the place of the spawn.
  var label: String { name.map { "'\($0)' (\(site))" } ?? "\(site)" }
}
