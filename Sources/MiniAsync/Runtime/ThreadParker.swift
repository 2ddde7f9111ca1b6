import CMiniAsync
import Synchronization

/// Puts one thread to sleep until another calls it; a call that comes first is kept.
package final class ThreadParker: Sendable {
  private enum State: UInt32, AtomicRepresentable {
    case idle
    case parked
    case called
  }

  private let state = Atomic<State>(.idle)

  /// Makes one that was not called.
  package init() {}

  /// Sleeps until ``unpark()`` is called, or was since the last park.
  ///
  /// One thread only.
  package func park() {
    while true {
      // ORDER: acquires what the caller published; pairs with `unpark`.
      if state.compareExchange(
        expected: .called, desired: .idle, successOrdering: .acquiring, failureOrdering: .relaxed
      ).exchanged {
        return
      }
      _ = state.compareExchange(expected: .idle, desired: .parked, ordering: .relaxed)
      // SAFETY: the address of a class's `let` is fixed, and used as an address only.
      unsafe withUnsafePointer(to: state) {
        _ = unsafe mini_futex_wait($0, State.parked.rawValue, -1)
      }
    }
  }

  /// Wakes the thread, or lets its next ``park()`` return at once.
  ///
  /// Any thread.
  package func unpark() {
    // ORDER: releases what was published before; pairs with `park`.
    guard state.exchange(.called, ordering: .releasing) == .parked else { return }
    // SAFETY: as in `park`.
    unsafe withUnsafePointer(to: state) { _ = unsafe mini_futex_wake($0, 1) }
  }
}
