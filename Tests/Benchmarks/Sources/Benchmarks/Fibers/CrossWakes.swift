import CBenchmarks
import Fibers
import Synchronization

/// A fiber woken by another thread, whose processor is the first while its own is the second.
func crossWakeRows(_ effort: Effort) -> [Row] {
  let methods = ["futex", "eventfd", "condvar", "spin"]
  let once = race(
    effort,
    [.ours("wake-once", on: nil)]
      + methods.dropLast().map {
        .peer(.osWakes, effort, $0 + "-once", named: $0, on: nil)
      })
  let roundTrips = race(
    effort,
    [.ours("wake-round-trip", on: nil)]
      + methods.map { .peer(.osWakes, effort, $0, named: $0, on: nil) }
      + [.peer(.swiftTasks, effort, "ping-pong", named: "Swift tasks, not pinned", on: nil)])
  return [
    once.figure("cross-thread wake of a sleeping fiber", order: methods),
    roundTrips.figure(
      "cross-thread round trip, cpu 0 and 1", order: methods + ["Swift tasks, not pinned"]),
  ].rows()
}

let crossWakeMeasurements = [
  Measurement(name: "wake-once") { _ in [("", wakeOnce())] },
  Measurement(name: "wake-round-trip") { _ in [("", roundTrip())] },
]

/// Two fibers on two threads, of which one at a time waits.
///
/// @unchecked: who writes a waker wakes the other fiber afterwards, and only that one reads it.
private final class Wakers: @unchecked Sendable {
  var wakers: [FiberWaker?] = [nil, nil]
  let isWaiting = Atomic<Bool>(false)
  let result = Atomic<Double>(0)
  /// When the waker was used; written before that.
  var wokenAt: UInt64 = 0
}

private func roundTrip() -> Double {
  let count = 5000
  let shared = Wakers()
  let answering = fiberThread(on: 1) {
    try Fiber.park { waker in
      shared.wakers[1] = waker
      // ORDER: with the load of the asking thread, so that it finds the waker.
      shared.isWaiting.store(true, ordering: .releasing)
    }
    for _ in 1..<count {
      try Fiber.park { waker in
        shared.wakers[1] = waker
        shared.wakers[0]?.wake()
      }
    }
    shared.wakers[0]?.wake()
  }
  while !shared.isWaiting.load(ordering: .acquiring) {}
  let asking = fiberThread(on: 0) {
    let took = try nanoseconds(per: count) {
      for _ in 0..<count {
        try Fiber.park { waker in
          shared.wakers[0] = waker
          shared.wakers[1]?.wake()
        }
      }
    }
    shared.result.store(took, ordering: .releasing)
  }
  asking.join()
  answering.join()
  return shared.result.load(ordering: .acquiring)
}

/// The fiber's thread is given the time to fall asleep before each wake.
private func wakeOnce() -> Double {
  let count = 1000
  let shared = Wakers()
  let waiting = fiberThread(on: 1) {
    var sum: UInt64 = 0
    for _ in 0..<count {
      try Fiber.park { waker in
        shared.wakers[1] = waker
        // ORDER: with the load of the waking thread, so that it finds the waker.
        shared.isWaiting.store(true, ordering: .releasing)
      }
      sum += bench_now() - shared.wokenAt
    }
    shared.result.store(Double(sum) / Double(count), ordering: .releasing)
  }
  let waking = PinnedThread(on: 0) {
    for _ in 0..<count {
      while !shared.isWaiting.load(ordering: .acquiring) {}
      shared.isWaiting.store(false, ordering: .relaxed)
      let asleep = bench_now() + 50_000
      while bench_now() < asleep {}
      shared.wokenAt = bench_now()
      shared.wakers[1]?.wake()
    }
  }
  waiting.join()
  waking.join()
  return shared.result.load(ordering: .acquiring)
}
