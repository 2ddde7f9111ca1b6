import Synchronization

/// The bounded queue of slots that futures fill and workers empty; lock-free, first in first out.
///
/// Dmitry Vyukov's bounded MPMC queue: each cell carries the number of the round it is ready for.
@safe
final class OperationQueue: Sendable {
  private struct Cell: ~Copyable {
    /// Its position when it is free for it; its position + 1 when it holds what was put there.
    let round: Atomic<Int>
    var slot: UInt32 = 0

    init(_ position: Int) { round = Atomic(position) }
  }

  /// The most slots it holds.
  let capacity: Int
  // SAFETY: a cell's `slot` is written by the thread that claimed the position, before it
  // publishes the round, and read by the one that claimed it for reading, after.
  nonisolated(unsafe) private let cells: UnsafeMutablePointer<Cell>
  private let head = PaddedPosition()
  private let tail = PaddedPosition()

  /// Makes a queue for `capacity` slots, rounded up to a power of two, at least 2.
  init(capacity: Int) {
    let size = 1 << (Int.bitWidth - (max(2, capacity) - 1).leadingZeroBitCount)
    self.capacity = size
    unsafe cells = .allocate(capacity: size)
    for position in 0..<size { unsafe (cells + position).initialize(to: Cell(position)) }
  }

  deinit {
    unsafe cells.deinitialize(count: capacity)
    unsafe cells.deallocate()
  }

  /// About how many slots wait.
  var count: Int {
    max(0, tail.value.load(ordering: .relaxed) - head.value.load(ordering: .relaxed))
  }

  /// Adds a slot at the end, or returns `false` if the queue is full.
  func tryAppend(_ slot: UInt32) -> Bool {
    var position = tail.value.load(ordering: .relaxed)
    while true {
      let cell = unsafe cells + (position & (capacity - 1))
      // ORDER: acquires that the cell was read; pairs with `tryRemoveFirst`.
      let round = unsafe cell.pointee.round.load(ordering: .acquiring)
      if round == position {
        let (claimed, seen) = tail.value.weakCompareExchange(
          expected: position, desired: position + 1, ordering: .relaxed)
        if claimed {
          unsafe cell.pointee.slot = slot
          // ORDER: releases the slot and its contents; pairs with `tryRemoveFirst`.
          unsafe cell.pointee.round.store(position + 1, ordering: .releasing)
          return true
        }
        position = seen
      } else if round < position {
        return false
      } else {
        position = tail.value.load(ordering: .relaxed)
      }
    }
  }

  /// Removes the slot at the front, if there is one.
  func tryRemoveFirst() -> UInt32? {
    var position = head.value.load(ordering: .relaxed)
    while true {
      let cell = unsafe cells + (position & (capacity - 1))
      // ORDER: acquires the slot and its contents; pairs with `tryAppend`.
      let round = unsafe cell.pointee.round.load(ordering: .acquiring)
      if round == position + 1 {
        let (claimed, seen) = head.value.weakCompareExchange(
          expected: position, desired: position + 1, ordering: .relaxed)
        if claimed {
          let slot = unsafe cell.pointee.slot
          // ORDER: releases that the cell was read; pairs with `tryAppend`.
          unsafe cell.pointee.round.store(position + capacity, ordering: .releasing)
          return slot
        }
        position = seen
      } else if round < position + 1 {
        return nil
      } else {
        position = head.value.load(ordering: .relaxed)
      }
    }
  }
}

/// A position on a cache line of its own: the two ends of a queue are written by different threads.
private final class PaddedPosition: Sendable {
  let value = Atomic<Int>(0)
  // The object header is 16 bytes; malloc's neighbours begin after these.
  private let padding: (UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0)
}
