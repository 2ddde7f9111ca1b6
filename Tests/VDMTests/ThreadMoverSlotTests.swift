import Glibc
import MiniAsync
import TestSupport
import Testing
import VDM

/// Slots come from a pool that any completion order can reuse.
@Suite struct ThreadMoverSlotTests {
  @Test func `one old operation does not keep many short ones from their slots`() throws {
    // C's ring ran out after 174,756 operations. MINIASYNC_STRESS=10 makes it a million.
    let gated = try GatedMover(threads: 2) { $0.slotCapacity = 8 }
    let old = FutureRow<ThreadMover>(count: 2)
    old.put(gated.gated(at: 0), at: 0)
    old.poll(0)
    gated.gate.waitForArrivals(1)
    old.put(gated.free(at: 1), at: 1)  // Never polled.
    let runtime = Runtime()
    // Six at a time, so that every slot is reused out of order and the test does not wait for the
    // scheduler 100,000 times.
    let count = 100_000 * stressFactor
    let row = FutureRow<ThreadMover>(count: 6)
    var failed = 0
    for i in stride(from: 0, to: count, by: 6) {
      for k in 0..<min(6, count - i) {
        row.put(gated.free(at: 2 + (i + k) % 4000, to: UInt8((i + k) & 0x7F)), at: k)
      }
      for output in row.waitForAll(runtime) where output?.isSuccess == false { failed += 1 }
    }
    #expect(failed == 0)
    #expect(gated.done.value == count)
    #expect(gated.mover.slotsInUse == 2)
    #expect(old.state(0) == .running)
    gated.gate.open()
    #expect(old.with(0) { runtime.wait(&$0) }.isSuccess)
    old.drop(1)
    #expect(gated.mover.slotsInUse == 0)
  }

  @Test func `slots are reused in any order of completion`() throws {
    let count = 64
    let mover = try ThreadMover(
      configuration: .with {
        $0.slotCapacity = count
        $0.queueCapacity = 16
      })
    let runtime = Runtime()
    var seed = Seed()
    let bytes = MoverBytes(count: count)
    let row = FutureRow<ThreadMover>(count: count)
    var expected = [UInt8](repeating: 0, count: count)
    for round in 0..<2_000 {
      let i = Int.random(in: 0..<count, using: &seed)
      if row.holds(i) {
        #expect(row.with(i) { runtime.wait(&$0) }.isSuccess, "\(seed)")
        #expect(bytes[i] == expected[i], "\(seed)")
        row.drop(i)
      } else {
        expected[i] = UInt8(truncatingIfNeeded: round)
        row.put(mover.memset(bytes.start + i, to: expected[i], byteCount: 1), at: i)
        #expect(row.state(i) == .idle, "there is a slot; \(seed)")
        if Bool.random(using: &seed) { row.poll(i) }
      }
    }
    row.waitForAll(runtime)
    #expect(mover.slotsInUse == 0)
  }

  @Test func `many threads make and wait at once`() throws {
    let perThread = 500 * stressFactor
    let mover = try ThreadMover(
      configuration: .with {
        $0.slotCapacity = 40
        $0.queueCapacity = 4
      })
    let bytes = MoverBytes(count: 4 * 16)
    let wrong = Tally()
    MoverThread.run(4) { number in
      let runtime = Runtime()
      let row = FutureRow<ThreadMover>(count: 8)
      for round in 0..<perThread / 8 {
        for i in 0..<8 {
          let place = bytes.start + number * 16 + i
          row.put(
            mover.memset(place, to: UInt8(truncatingIfNeeded: round), byteCount: 1), at: i)
        }
        for (i, output) in row.waitForAll(runtime).enumerated() {
          if output?.isSuccess != true { wrong.add() }
          if bytes[number * 16 + i] != UInt8(truncatingIfNeeded: round) { wrong.add() }
        }
      }
    }
    #expect(wrong.value == 0)
    #expect(mover.slotsInUse == 0)
    #expect(bytes.areGuardsIntact)
  }

  @Test func `running out of slots is an error that passes, also with many threads`() throws {
    let capacity = 3
    let mover = try ThreadMover(configuration: .with { $0.slotCapacity = capacity })
    let bytes = MoverBytes(count: 4)
    let wrong = Tally()
    let succeeded = Tally()
    let perThread = 300 * stressFactor
    MoverThread.run(4) { number in
      let runtime = Runtime()
      var left = perThread
      // Bounded: the others' operations end, and then there are slots.
      while left > 0 {
        var future = mover.memset(bytes.start + number, to: 1, byteCount: 1)
        switch runtime.wait(&future).error {
        case nil:
          left -= 1
          succeeded.add()
        case .outOfSlots(capacity): sched_yield()
        default: wrong.add()
        }
      }
    }
    #expect(wrong.value == 0)
    #expect(succeeded.value == 4 * perThread)
    #expect(mover.slotsInUse == 0)
  }
}
