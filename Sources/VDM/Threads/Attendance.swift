import Glibc
import MiniAsync

/// Who does operations for a thread mover now: its workers, and whoever finishes what they left.
///
/// A shutdown waits until nobody does, unless it is called by one of them.
final class Attendance: Sendable {
  private struct State {
    /// How many are expected or present.
    var count = 0
    /// Those that are present; one may be so twice.
    var present: [pthread_t] = []
    var waiting: [ThreadParker] = []
  }

  private let state = Locked(State())

  /// Counts somebody who will ``enter()``, or is excused by ``leave()`` without it.
  func expect() { state.withLock { $0.count += 1 } }

  /// Notes that the calling thread, which was expected, is here.
  func enter() { state.withLock { $0.present.append(pthread_self()) } }

  /// Notes that the calling thread has done its work, or that one that was expected will not come.
  func leave() {
    let waiting: [ThreadParker] = state.withLock { state in
      if let position = state.present.firstIndex(of: pthread_self()) {
        state.present.remove(at: position)
      }
      state.count -= 1
      guard state.count == 0 else { return [] }
      defer { state.waiting = [] }
      return state.waiting
    }
    for parker in waiting { parker.unpark() }
  }

  /// Blocks until nobody is expected or present; returns at once if the calling thread is.
  func waitUntilAllHaveLeft() {
    let parker = ThreadParker()
    let mustWait = state.withLock { state in
      if state.count == 0 || state.present.contains(pthread_self()) { return false }
      state.waiting.append(parker)
      return true
    }
    if mustWait { parker.park() }
  }
}
