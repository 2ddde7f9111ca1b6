import MiniAsync
import Synchronization

/// The workers of a thread mover that have nothing to do.
///
/// One of them at most spins for a while; the others sleep. New work calls a sleeping one only if
/// no other will see it soon: none spins, and all that are awake are occupied for long.
final class IdleWorkers: Sendable {
  private let parkers: [ThreadParker]
  private let sleeping = Locked<[Int]>([])
  private let sleepingCount = Atomic<Int>(0)
  private let spinning = Atomic<Bool>(false)
  /// How many do something that takes longer than waking another.
  private let occupied = Atomic<Int>(0)

  init(count: Int) {
    parkers = (0..<count).map { _ in ThreadParker() }
    sleeping.withLock { $0.reserveCapacity(count) }
  }

  // MARK: Who has work

  /// Calls a sleeping worker, unless another will see the work soon.
  ///
  /// After the work was published, with a fence.
  func callOneForNewWork() {
    let sleeping = sleepingCount.load(ordering: .relaxed)
    if sleeping == 0 || spinning.load(ordering: .relaxed) { return }
    if parkers.count - sleeping > occupied.load(ordering: .relaxed) { return }
    callOne()
  }

  /// Calls the worker that went to sleep last, if one sleeps.
  func callOne() {
    guard sleepingCount.load(ordering: .relaxed) > 0 else { return }
    let worker = sleeping.withLock { sleeping in
      let worker = sleeping.popLast()
      sleepingCount.store(sleeping.count, ordering: .relaxed)
      return worker
    }
    if let worker { parkers[worker].unpark() }
  }

  /// Calls all workers, sleeping or about to.
  func callAll() {
    for parker in parkers { parker.unpark() }
  }

  /// Notes that the caller is occupied for long; it looks for more work, after a fence, and calls
  /// another for that.
  func beginLongWork() { occupied.add(1, ordering: .sequentiallyConsistent) }

  /// Notes that the caller will look for work soon.
  func endLongWork() { occupied.subtract(1, ordering: .relaxed) }

  // MARK: Who has none

  /// Lets the caller be the one that spins, if none is.
  ///
  /// Ended by ``endSpin()``.
  func beginSpin() -> Bool {
    !spinning.exchange(true, ordering: .acquiring)
  }

  /// Ends a spin.
  ///
  /// The caller looks for work once more, after a fence.
  func endSpin() { spinning.store(false, ordering: .sequentiallyConsistent) }

  /// Notes that a worker will sleep.
  ///
  /// It looks for work once more, after a fence, and then sleeps or ``stay(_:)``s.
  func announceSleep(_ worker: Int) {
    sleeping.withLock { sleeping in
      sleeping.append(worker)
      sleepingCount.store(sleeping.count, ordering: .sequentiallyConsistent)
    }
  }

  /// Notes that a worker will not sleep after all, or has woken by itself.
  func stay(_ worker: Int) {
    sleeping.withLock { sleeping in
      if let position = sleeping.firstIndex(of: worker) { sleeping.remove(at: position) }
      sleepingCount.store(sleeping.count, ordering: .relaxed)
    }
  }

  /// Sleeps until the worker is called.
  ///
  /// A call meant for an earlier sleep may end it early.
  func sleep(_ worker: Int) { parkers[worker].park() }
}
