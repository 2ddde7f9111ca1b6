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
  /// How many slots were made.
  private let made = Locked(0)
  // Slots never move: chunk k has `firstChunk << k` of them, and begins at that index less
  // `firstChunk`. Every thread reads the table and one at a time adds to it, so it is reached by
  // a pointer that never changes, and not kept in a value that would have to be changed as a whole.
  // SAFETY: an entry is written under `made`, and read only for an index that came out of the
  // stack, into which it was put, with release, after that.
  nonisolated(unsafe) private let chunks: UnsafeMutablePointer<UnsafeMutablePointer<Slot>?>

  private static let firstChunk = 32
  private static let maximumChunks = 27

  init(capacity: Int) {
    self.capacity = capacity
    unsafe chunks = .allocate(capacity: Self.maximumChunks)
    unsafe chunks.initialize(repeating: nil, count: Self.maximumChunks)
  }

  deinit {
    for number in 0..<Self.maximumChunks {
      guard let chunk = unsafe chunks[number] else { break }
      unsafe chunk.deinitialize(count: Self.firstChunk << number)
      unsafe chunk.deallocate()
    }
    unsafe chunks.deallocate()
  }

  /// The slot of `index`.
  subscript(index: UInt32) -> UnsafeMutablePointer<Slot> {
    let number = Self.chunk(of: Int(index))
    // SAFETY: the index came out of the stack, so its chunk is there.
    return unsafe chunks[number].unsafelyUnwrapped
      + (Int(index) + Self.firstChunk - Self.firstChunk << number)
  }

  private static func chunk(of index: Int) -> Int {
    // Adding firstChunk makes the highest bit tell the chunk.
    let shifted = index + firstChunk
    return shifted.bitWidth - 1 - shifted.leadingZeroBitCount - firstChunk.trailingZeroBitCount
  }

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
    made.withLock { made in
      var free = 0
      var next = UInt32(truncatingIfNeeded: head.load(ordering: .acquiring))
      while next != 0 && free <= capacity {
        free += 1
        next = unsafe self[next - 1].pointee.nextFree.load(ordering: .relaxed)
      }
      return min(made, capacity) - free
    }
  }

  /// Makes slots, unless another thread just has.
  ///
  /// `false` if there are as many as there may be.
  private func grow() -> Bool {
    made.withLock { made in
      if UInt32(truncatingIfNeeded: head.load(ordering: .relaxed)) != 0 { return true }
      let first = made
      guard first < capacity else { return false }
      let number = Self.chunk(of: first)
      precondition(number < Self.maximumChunks, "ThreadMover: more than 4 billion slots")
      let size = Self.firstChunk << number
      let chunk = UnsafeMutablePointer<Slot>.allocate(capacity: size)
      for offset in 0..<size { unsafe (chunk + offset).initialize(to: Slot(index: first + offset)) }
      unsafe chunks[number] = unsafe chunk
      made = first + size
      // In descending order, so that they are taken in ascending order.
      for index in stride(from: min(made, capacity) - 1, through: first, by: -1) {
        giveBack(UInt32(index))
      }
      return true
    }
  }
}
