import CMiniAsync
import Synchronization

/// A value behind a lock.
///
/// Like `Synchronization.Mutex`, which the Thread Sanitizer cannot see into and therefore reports
/// every use of. Three states and a futex, after Ulrich Drepper's "Futexes Are Tricky". Hold it
/// for a few instructions: nothing may wait, call out or be woken under it.
@safe
package final class Locked<Value: ~Copyable>: Sendable {
  private enum State: UInt32, AtomicRepresentable {
    case free
    case held
    /// Held, and somebody sleeps or is about to.
    case contended
  }

  private let state = Atomic<State>(.free)
  // SAFETY: touched only by the thread that holds the lock.
  nonisolated(unsafe) private var value: Value

  /// Puts `value` behind a lock.
  package init(_ value: consuming sending Value) { unsafe self.value = value }

  /// Runs `body` with the value, while no other thread has it.
  package func withLock<Result: ~Copyable>(_ body: (inout Value) -> Result) -> Result {
    lock()
    defer { unlock() }
    return unsafe body(&value)
  }

  private func lock() {
    // ORDER: acquires what the last holder wrote; pairs with `unlock`.
    if state.compareExchange(
      expected: .free, desired: .held, successOrdering: .acquiring, failureOrdering: .relaxed
    ).exchanged {
      return
    }
    for _ in 0..<64 {
      mini_cpu_pause()
      if state.load(ordering: .relaxed) == .free,
        state.compareExchange(
          expected: .free, desired: .held, successOrdering: .acquiring, failureOrdering: .relaxed
        ).exchanged
      {
        return
      }
    }
    while state.exchange(.contended, ordering: .acquiring) != .free {
      // SAFETY: the address of a class's `let` is fixed, and used as an address only.
      unsafe withUnsafePointer(to: state) {
        _ = unsafe mini_futex_wait($0, State.contended.rawValue, -1)
      }
    }
  }

  private func unlock() {
    // ORDER: releases what this holder wrote; pairs with `lock`.
    guard state.exchange(.free, ordering: .releasing) == .contended else { return }
    // SAFETY: as in `lock`.
    unsafe withUnsafePointer(to: state) { _ = unsafe mini_futex_wake($0, 1) }
  }
}
