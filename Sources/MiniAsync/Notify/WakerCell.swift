import Synchronization

/// The one place where a future leaves its waker, and whoever makes progress finds it.
///
/// The polling side calls ``register(_:)``, *then looks again* whether there is something to do.
/// The other side publishes its progress, *then* calls ``wake()``. Whatever the interleaving, one
/// of the two sees the other: no wake is lost.
///
/// ```swift
/// mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Int> {
///   shared.cell.register(&notifier)
///   guard let value = shared.takeValue() else { return .running }
///   return .complete(value)
/// }
/// ```
///
/// One thread registers at a time; any number may wake. Neither side blocks or allocates.
///
/// The algorithm is the one of `AtomicWaker` in Rust's futures crate; ``WakerCellState`` is its
/// state machine, explored exhaustively by a test.
@safe
public final class WakerCell: Sendable {
  private let state = Atomic<WakerCellState>(.idle)
  // SAFETY: `waker` is touched only by the side that the state machine made its owner: the
  // registering thread between `beginRegister` and `endRegister`, the waking thread between
  // `beginWake` and `endWake`. Never both.
  nonisolated(unsafe) private var waker: Waker?

  /// Makes an empty cell.
  ///
  /// Allocates it; nothing later allocates.
  public init() {}

  /// Keeps the notifier's waker, in place of the last one, to be called by ``wake()``.
  ///
  /// - Returns: Whether the notifier offered one.
  @discardableResult
  public func register(_ notifier: inout Notifier) -> Bool {
    guard let waker = notifier.takeWaker() else { return false }
    register(waker)
    return true
  }

  /// Keeps `new`, in place of the last waker, to be called by ``wake()``.
  ///
  /// If a wake is under way at this moment, `new` is woken at once.
  public func register(_ new: Waker) {
    switch transition({ $0.beginRegister() }) {
    case .own:
      unsafe waker = new
      if transition({ $0.endRegister() }) == .wakeRegistered {
        // A wake came while the cell was being written: the waking side left it to us.
        let missed = unsafe waker.take()
        _ = transition { $0.endWake() }
        missed?.wake()
      }
    case .wakeRegistered: new.wake()
    case .none: preconditionFailure("WakerCell: two threads register at the same time")
    }
  }

  /// Calls the registered waker, if there is one, and forgets it.
  public func wake() {
    guard transition({ $0.beginWake() }) == .own else { return }
    let waker = unsafe self.waker.take()
    _ = transition { $0.endWake() }
    waker?.wake()
  }

  /// Forgets the registered waker, if there is one, without calling it.
  public func clear() {
    guard transition({ $0.beginWake() }) == .own else { return }
    unsafe waker = nil
    _ = transition { $0.endWake() }
  }

  private func transition(
    _ change: (inout WakerCellState) -> WakerCellState.Action
  ) -> WakerCellState.Action {
    // ORDER: acquires the waker that the other side stored, releases the one stored here; pairs
    // with itself. A read-modify-write even where nothing changes, so that a side that yields to
    // the other also publishes to it.
    var old = state.load(ordering: .relaxed)
    while true {
      var new = old
      let action = change(&new)
      let (exchanged, seen) = state.weakCompareExchange(
        expected: old, desired: new, ordering: .acquiringAndReleasing)
      if exchanged { return action }
      old = seen
    }
  }
}
