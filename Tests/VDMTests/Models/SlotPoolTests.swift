import Glibc
import Synchronization
import TestSupport
import Testing

@testable import VDM

/// The pool of slots.
@Suite struct SlotPoolTests {
  @Test(arguments: [1, 2, 31, 32, 33, 96, 97, 1000])
  func `it gives out each slot once, up to its capacity`(capacity: Int) {
    let pool = SlotPool(capacity: capacity)
    #expect(pool.inUse == 0)
    for round in 0..<3 {
      var taken: [UInt32] = []
      while let slot = pool.take() { taken.append(slot) }
      #expect(taken.count == capacity)
      #expect(Set(taken) == Set(0..<UInt32(capacity)))
      for slot in taken { #expect(pool[slot].pointee.index == slot) }
      #expect(pool.inUse == capacity)
      if round == 1 { taken.reverse() }
      for (given, slot) in taken.enumerated() {
        pool.giveBack(slot)
        #expect(pool.inUse == capacity - given - 1)
      }
    }
  }

  @Test func `it allocates only when more are in use than ever before`() {
    let pool = SlotPool(capacity: 1 << 16)
    for _ in 0..<1_000 {
      guard let a = pool.take(), let b = pool.take() else { break }
      #expect(a < 32 && b < 32)
      pool.giveBack(a)
      pool.giveBack(b)
    }
  }

  @Test(arguments: [2, 40, 200])
  func `under threads no slot is given out twice at once`(capacity: Int) {
    let pool = SlotPool(capacity: capacity)
    let owned = OwnerFlags(capacity)
    let wrong = Tally()
    let rounds = 5_000 * stressFactor
    MoverThread.run(4) { number in
      var mine: [UInt32] = []
      var turn = number
      for _ in 0..<rounds {
        turn = turn &* 1_103_515_245 &+ 12_345
        if turn >> 16 & 1 == 0, let slot = pool.take() {
          if !owned.set(Int(slot)) { wrong.add() }
          mine.append(slot)
        } else if !mine.isEmpty {
          let slot = mine.remove(at: (turn >> 17 & 0xFFFF) % mine.count)
          if !owned.clear(Int(slot)) { wrong.add() }
          pool.giveBack(slot)
        }
      }
      for slot in mine {
        if !owned.clear(Int(slot)) { wrong.add() }
        pool.giveBack(slot)
      }
    }
    #expect(wrong.value == 0)
    #expect(pool.inUse == 0)
  }
}

/// Which slots are owned by a thread.
private final class OwnerFlags: @unchecked Sendable {
  // @unchecked: atomics, at fixed addresses.
  private let flags: UnsafeMutablePointer<Atomic<Bool>>
  private let count: Int

  init(_ count: Int) {
    self.count = count
    flags = .allocate(capacity: count)
    for i in 0..<count { (flags + i).initialize(to: Atomic(false)) }
  }

  deinit {
    flags.deinitialize(count: count)
    flags.deallocate()
  }

  /// Sets a flag; whether it was not set.
  func set(_ index: Int) -> Bool {
    !flags[index].exchange(true, ordering: .sequentiallyConsistent)
  }

  /// Clears a flag; whether it was set.
  func clear(_ index: Int) -> Bool {
    flags[index].exchange(false, ordering: .sequentiallyConsistent)
  }
}
