import MiniAsync
import Synchronization

/// The slots of a thread mover, up to a fixed number, taken and given back in any order.
///
/// Any thread takes and gives back. Memory is allocated when more slots are in use than ever
/// before, and kept.
@safe
final class SlotPool: Sendable {
  /// How many slots there may be.
  let capacity: Int

  // The head of a stack of free slots: a count of changes above the first one's index + 1. The
  // count keeps a slot that was taken and given back from being mistaken for one that stayed.
  private let head = Atomic<UInt64>(0)
  private let growing = Locked(())
  // SAFETY: grown under `growing`; an element is reached only by an index that came out of the
  // stack, into which it was put, with release, after the growth.
  nonisolated(unsafe) private let slots = ChunkedStorage<Slot>()

  init(capacity: Int) {
    self.capacity = capacity
  }

  deinit { unsafe slots.deallocate() }

  /// The slot of `index`.
  subscript(index: UInt32) -> UnsafeMutablePointer<Slot> { unsafe slots[pointer: Int(index)] }

  /// Takes a free slot, or `nil` if all are in use.
  func take() -> UInt32? {
    while true {
      if let index = pop() { return index }
      guard grow() else { return nil }
    }
  }

  /// Gives a slot back.
  ///
  /// Nobody may use it any more.
  func giveBack(_ index: UInt32) {
    let slot = unsafe self[index]
    var old = head.load(ordering: .relaxed)
    while true {
      unsafe slot.pointee.nextFree.store(UInt32(truncatingIfNeeded: old), ordering: .relaxed)
      let new = (old &+ 1 << 32) & ~0xFFFF_FFFF | UInt64(index + 1)
      // ORDER: releases the slot's contents and its link; pairs with `pop`.
      let (exchanged, seen) = head.weakCompareExchange(
        expected: old, desired: new, ordering: .releasing)
      if exchanged { return }
      old = seen
    }
  }

  private func pop() -> UInt32? {
    // ORDER: acquires the link of the first slot; pairs with `giveBack`.
    var old = head.load(ordering: .acquiring)
    while true {
      let first = UInt32(truncatingIfNeeded: old)
      guard first != 0 else { return nil }
      // The slot may be taken by another thread meanwhile; then the link is stale, and the count
      // makes the exchange fail.
      let next = unsafe self[first - 1].pointee.nextFree.load(ordering: .relaxed)
      let new = (old &+ 1 << 32) & ~0xFFFF_FFFF | UInt64(next)
      let (exchanged, seen) = head.weakCompareExchange(
        expected: old, desired: new, successOrdering: .acquiring, failureOrdering: .acquiring)
      if exchanged { return first - 1 }
      old = seen
    }
  }

  /// About how many slots are in use: walks the free ones, for tests and diagnosis.
  var inUse: Int {
    growing.withLock { _ in
      var free = 0
      var next = UInt32(truncatingIfNeeded: head.load(ordering: .acquiring))
      while next != 0 && free <= capacity {
        free += 1
        next = unsafe self[next - 1].pointee.nextFree.load(ordering: .relaxed)
      }
      return unsafe min(slots.count, capacity) - free
    }
  }

  /// Makes slots, unless another thread just has.
  ///
  /// `false` if there are as many as there may be.
  private func grow() -> Bool {
    growing.withLock { _ in
      if UInt32(truncatingIfNeeded: head.load(ordering: .relaxed)) != 0 { return true }
      let count = unsafe slots.count
      guard count < capacity else { return false }
      unsafe slots.grow(to: count + 1) { Slot(index: $0) }
      // In descending order, so that they are taken in ascending order.
      for index in stride(from: min(unsafe slots.count, capacity) - 1, through: count, by: -1) {
        giveBack(UInt32(index))
      }
      return true
    }
  }
}
