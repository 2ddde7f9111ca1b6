import Fibers
import Synchronization
import TestSupport
import Testing

@Suite("Fairness and order")
struct FairnessTests {
  @Test(
    "No yielding fiber is ever more than one turn ahead of another",
    arguments: [2, 257, 1000, sanitizerLimitsFibers ? 1500 : 10_000])
  func oneTurn(count: Int) throws {
    let runtime = try FiberRuntime()
    let turns = 20
    var done = [Int](repeating: 0, count: count)
    var least = 0  // turns that all have had
    var atLeast = count  // how many have had `least`
    var worst = 0
    for id in 0..<count {
      try runtime.spawn {
        for _ in 0..<turns {
          done[id] += 1
          worst = max(worst, done[id] - least)
          if done[id] == least + 1 {
            atLeast -= 1
            if atLeast == 0 {
              least += 1
              atLeast = count
            }
          }
          try Fiber.yield()
        }
      }
    }
    try runtime.run()
    #expect(worst == 1)
    #expect(done.allSatisfy { $0 == turns })
  }

  @Test("The same program gives the same interleaving each time")
  func deterministic() throws {
    func trace() throws -> [String] {
      let runtime = try FiberRuntime()
      let log = Log()
      for id in 0..<20 {
        try runtime.spawn {
          for step in 0..<id {
            log.add("\(id).\(step)")
            if step % 3 == 0 {
              let child = try Fiber.spawn { log.add("child of \(id)") }
              try child.join()
            } else {
              try Fiber.yield()
            }
          }
        }
      }
      try runtime.run()
      return log.entries
    }
    let first = try trace()
    #expect(first.count > 200)
    for _ in 0..<3 { #expect(try trace() == first) }
  }

  @Test("A wake from another thread is served in a bounded number of turns", arguments: [1, 2, 50])
  func foreignWakeIsServed(yielding: Int) throws {
    let runtime = try FiberRuntime()
    let served = LocalCounter()
    let turnsAfterWake = LocalCounter()
    let woken = Atomic<Bool>(false)
    var thread: OwnThread<Bool>?
    try runtime.spawn {
      try Fiber.park { waker in
        thread = OwnThread {
          let result = waker.wake()
          woken.store(true, ordering: .releasing)
          return result
        }
      }
      served.value = 1
    }
    for _ in 0..<yielding {
      try runtime.spawn {
        while served.value == 0 {
          if woken.load(ordering: .acquiring) { turnsAfterWake.value += 1 }
          precondition(turnsAfterWake.value < 1_000_000, "the wake was never served")
          try Fiber.yield()
        }
      }
    }
    try runtime.run()
    #expect(thread?.wait() == true)
    // The inbox is looked at every 61 turns; then the fiber queues behind all others.
    #expect(turnsAfterWake.value <= 61 + yielding + 1)
  }
}
