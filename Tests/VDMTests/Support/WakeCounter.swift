import MiniAsync
import Synchronization
import TestSupport

/// A waiter that counts its wakes and can be waited for.
final class WakeCounter: WakeTarget {
  private let gate = MoverGate()

  func wake(token: UInt64) { gate.arrive() }

  /// How often it was woken.
  var wakes: Int { gate.arrivals }

  /// Waits until it was woken so often.
  func waitForWakes(_ count: Int) { gate.waitForArrivals(count) }

  /// Polls a future with a waker of this waiter, and tells what it used.
  func poll<F: Future & ~Copyable>(_ future: inout F) -> (FutureState, Notifier.Use) {
    var notifier = Notifier(waker: Waker(self))
    let state = future.poll(&notifier)
    return (state, notifier.used)
  }
}

/// A number that any thread may change.
final class Tally: Sendable {
  private let number = Atomic<Int>(0)

  var value: Int { number.load(ordering: .sequentiallyConsistent) }

  func add(_ amount: Int = 1) { number.add(amount, ordering: .sequentiallyConsistent) }
}
