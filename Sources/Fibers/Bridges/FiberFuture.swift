import MiniAsync

/// The end of a fiber as a future: for another thread, a Swift task, or a fiber elsewhere.
///
/// Its output is what the fiber returned or threw. The fiber runs by itself; the future only waits
/// for it. Where it is dropped does not matter: the fiber goes on, detached.
///
///     let sum = try runtime.spawn { try add() }.future()   // on the runtime's thread
///     let total = try await sum.value().get()              // in a task
///
/// ``cancel()`` cancels the fiber, from any thread; the future is complete when it has ended.
///
/// Fibers of one runtime wait for each other by ``Fiber/join()``, which costs less, and lets
/// ``FiberRuntime/run()`` tell when they wait for each other for ever.
public struct FiberFuture<Success: Sendable, Failure: Error>: Future, ~Copyable, Sendable {
  /// What the fiber returned or threw.
  public typealias Output = Result<Success, Failure>

  /// Where the future stands.
  public var progress: FutureProgress<Output> = .idle
  private let end: FiberEnd<Success, Failure>

  init(_ end: FiberEnd<Success, Failure>) { self.end = end }

  /// Looks whether the fiber has ended; see ``MiniAsync/Future/advance(_:)``.
  public mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Output> {
    end.look(&notifier)
  }

  /// Always asynchronous: the fiber runs by itself.
  public borrowing func hasProperty(_ property: FutureProperty) -> Bool {
    property == .async && !progress.isComplete
  }

  /// Cancels the fiber, as ``Fiber/cancel()`` does.
  ///
  /// On another thread than the runtime's, soon: within a bounded number of turns, or at its next
  /// run. Does nothing when the fiber has ended.
  public mutating func cancel() {
    if !progress.isComplete { end.cancelFiber() }
  }
}

extension Fiber where Success: Sendable {
  /// The end of this fiber as a future.
  ///
  /// Any number of futures of a fiber, before and after its end.
  ///
  /// - Returns: A future of what the fiber returns or throws; complete if it has ended.
  /// - Precondition: Called on the runtime's thread; the future itself may go to any.
  /// - Complexity: O(1), a few allocations.
  public func future() -> FiberFuture<Success, Failure> {
    object.scheduler.checkThread("Fiber.future")
    let end = FiberEnd<Success, Failure>(object.scheduler.door)
    if object.hasEnded {
      end.fiberEnded(object)
    } else {
      end.observe(object)
      object.observeEnd(end)
    }
    return FiberFuture(end)
  }
}
