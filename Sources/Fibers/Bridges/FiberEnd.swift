import MiniAsync

/// What a fiber and the future of its end share.
///
/// The result crosses threads behind a lock; which fiber it is stays on the thread of the runtime.
final class FiberEnd<Success: Sendable, Failure: Error>: FiberEndObserver, Sendable {
  typealias Output = Result<Success, Failure>

  private struct State {
    var output: Output?
    /// Whether a fiber will bring the output.
    var isObserving = false
  }

  private let cell = WakerCell()
  private let state = Locked(State())
  private let door: Door
  // SAFETY: both are touched on the runtime's thread only. The fiber is let go of there, when it
  // has ended, so that what its object holds dies there too.
  nonisolated(unsafe) private var fiber: FiberObject?
  nonisolated(unsafe) private var isCancelled = false

  init(_ door: Door) { self.door = door }

  // MARK: On any thread

  /// Looks for the output, or leaves the waker of `notifier`.
  func look(_ notifier: inout Notifier) -> FutureProgress<Output> {
    cell.register(&notifier)
    guard let output = state.withLock({ $0.output }) else { return .running }
    return .complete(output)
  }

  /// Cancels the fiber, now or as soon as there is one.
  func cancelFiber() {
    door.perform {
      unsafe self.isCancelled = true
      if let fiber = unsafe self.fiber { AnyFiber(fiber).cancel() }
    }
  }

  /// There will be no fiber; does nothing if there is, or was, one.
  func abandon(_ output: Output) { publish(output, unlessObserving: true) }

  private func publish(_ output: Output, unlessObserving: Bool) {
    let isNew = state.withLock { state in
      if unlessObserving && state.isObserving { return false }
      state.output = output
      return true
    }
    if isNew { cell.wake() }
  }

  // MARK: On the runtime's thread

  /// The fiber is this one, which will call ``fiberEnded(_:)``.
  func observe(_ fiber: FiberObject) {
    state.withLock { $0.isObserving = true }
    unsafe self.fiber = fiber
    if unsafe isCancelled { AnyFiber(fiber).cancel() }
  }

  /// Publishes the result.
  func fiberEnded(_ fiber: FiberObject) {
    unsafe self.fiber = nil
    publish(FiberEntry<Success, Failure>.outcome(of: fiber), unlessObserving: false)
  }
}
