import Glibc
import MiniAsync
import Synchronization
import TestSupport
import Testing

@testable import VDM

/// The workers that have nothing to do.
@Suite struct IdleWorkersTests {
  @Test func `the last to sleep is called first, and nobody twice`() {
    let idle = IdleWorkers(count: 3)
    for worker in 0..<3 { idle.announceSleep(worker) }
    idle.callOne()
    idle.callOne()
    // Called before they sleep: these return at once.
    idle.sleep(2)
    idle.sleep(1)
    idle.stay(2)
    idle.stay(1)
    idle.callOne()
    idle.sleep(0)
    idle.stay(0)
    // Nobody sleeps: nobody is called.
    idle.callOne()
    idle.callOneForNewWork()
  }

  @Test func `new work calls nobody while another will see it soon`() {
    let idle = IdleWorkers(count: 2)
    idle.announceSleep(0)
    #expect(idle.beginSpin())
    #expect(!idle.beginSpin(), "one at most")
    idle.callOneForNewWork()
    idle.endSpin()
    #expect(idle.beginSpin())
    idle.endSpin()
    // The other is awake and not occupied for long.
    idle.callOneForNewWork()
    idle.beginLongWork()
    // Had it been called before, this would find nobody, and the sleep would hang.
    idle.callOneForNewWork()
    idle.sleep(0)
    idle.stay(0)
  }

  @Test func `calling all reaches those that have not announced themselves`() {
    let idle = IdleWorkers(count: 2)
    idle.announceSleep(0)
    idle.callAll()
    idle.sleep(0)
    idle.sleep(1)
  }

  @Test(arguments: [0, 50])
  func `under threads no work is left while all sleep`(spins: Int) {
    // The protocol of `Worker.rest` and `Crew.submit`, with a counter in place of the queue. A
    // lost call leaves everybody asleep with work to do, and the test hangs.
    let idle = IdleWorkers(count: 2)
    let rounds = 3_000 * stressFactor
    let shared = Shared()
    let done = Tally()
    MoverThread.run(4) { number in
      if number >= 2 {
        for round in 0..<rounds {
          shared.work.add(1, ordering: .releasing)
          atomicMemoryFence(ordering: .sequentiallyConsistent)
          idle.callOneForNewWork()
          // Let the workers fall asleep, by waiting for them to be done.
          if round % 3 == 0 { while done.value < round - 2 { sched_yield() } }
        }
        while done.value < 2 * rounds { sched_yield() }
        shared.isOver.store(true, ordering: .sequentiallyConsistent)
        idle.callAll()
        return
      }
      func takeOne() -> Bool {
        var old = shared.work.load(ordering: .relaxed)
        while old > 0 {
          let (exchanged, seen) = shared.work.weakCompareExchange(
            expected: old, desired: old - 1, ordering: .acquiring)
          if exchanged { return true }
          old = seen
        }
        return false
      }
      while true {
        if takeOne() {
          done.add()
          continue
        }
        if shared.isOver.load(ordering: .acquiring) { return }
        if spins > 0 && idle.beginSpin() {
          var hit = false
          for _ in 0..<spins {
            hit = shared.work.load(ordering: .relaxed) > 0
            if hit { break }
          }
          idle.endSpin()
          if hit { continue }
        }
        idle.announceSleep(number)
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        if shared.work.load(ordering: .relaxed) == 0 && !shared.isOver.load(ordering: .acquiring) {
          idle.sleep(number)
        }
        idle.stay(number)
      }
    }
    #expect(done.value == 2 * rounds)
  }
}

private final class Shared: Sendable {
  let work = Atomic<Int>(0)
  let isOver = Atomic<Bool>(false)
}
