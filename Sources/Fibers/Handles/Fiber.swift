/// A handle for a fiber and its result.
///
/// Copies are handles for the same fiber. Dropping all of them detaches it: it still runs, and its
/// result is released when it ends. Any number of fibers may join it, before, while and after it
/// ends. A handle belongs to the thread of its runtime.
///
///     let answer = try Fiber.spawn(name: "answer") { 42 }
///     try Fiber.spawn {
///       print(try answer.join())
///     }
///     try Fiber.run()
///
/// Corresponds to C's `async_fiber_handle_t`.
public struct Fiber<Success, Failure: Error> {
  @usableFromInline let object: FiberObject

  @usableFromInline
  init(_ object: FiberObject) { self.object = object }

  /// Where the fiber is.
  ///
  /// Corresponds to C's `async_fiber_handle_t.status`.
  public var status: FiberStatus { AnyFiber(object).status }

  /// The name it was given, if any.
  public var name: String? { object.name }

  /// Where it was spawned.
  public var site: SpawnSite { object.site }

  /// Whether it was cancelled while it was alive.
  public var isCancelled: Bool { AnyFiber(object).isCancelled }

  /// The same fiber without the types of its result.
  public var erased: AnyFiber { AnyFiber(object) }

  /// Asks the fiber to stop: the suspension it is in, else its next one, throws.
  ///
  /// Delivered once: suspensions after that work as usual, so cleaning up may suspend. Waits for
  /// the end of a shield. Cancelling again before it was delivered, or after the end, does nothing.
  /// A fiber that has not started still runs, up to its first suspension.
  ///
  /// - Precondition: Called on the runtime's thread.
  /// - Complexity: O(1), no allocation.
  ///
  /// Corresponds to C's `async_cancel`.
  public func cancel() { AnyFiber(object).cancel() }

  /// Lets go of the handle.
  ///
  /// The fiber runs on; what it returns or throws is dropped.
  ///
  /// The same as dropping the handle, but says so.
  public consuming func detach() {}
}

/// A handle belongs to the thread of its runtime.
@available(*, unavailable, message: "a Fiber belongs to the thread of its runtime")
extension Fiber: @unchecked Sendable {}

/// Where a fiber is.
public enum FiberStatus: Sendable, Hashable {
  /// Spawned, has not run yet.
  case unstarted
  /// Waits for its turn.
  case ready
  /// Runs now: it is the caller.
  case running
  /// Waits for something.
  case parked
  /// Has ended; its result is there.
  case finished
}

extension FiberStatus {
  init(_ phase: FiberLife.Phase) {
    switch phase {
    case .unstarted: self = .unstarted
    case .ready: self = .ready
    case .running: self = .running
    case .parked: self = .parked
    case .finished: self = .finished
    }
  }
}
