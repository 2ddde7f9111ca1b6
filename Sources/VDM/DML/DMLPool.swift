import MiniAsync
import Synchronization

/// The slots of a DML mover, up to a fixed number, used again and again.
///
/// A slot is free, or an operation's, or orphaned: its future was dropped while it was at work.
/// Orphans are finished by whoever uses the mover next, and at last by the mover's end.
final class DMLPool: Sendable {
  private struct Contents {
    /// All that were made, so that they live as long as the pool.
    var all: [DMLSlot] = []
    var free: [DMLSlot] = []
    var orphans: [DMLSlot] = []
  }

  let capacity: Int
  private let library: any DMLLibrary
  private let contents = Locked(Contents())
  /// The address of one more free slot, or 0: one operation at a time needs no lock.
  private let spare = Atomic<UInt>(0)
  /// How many orphans there are, also those that are looked at just now.
  private let orphanCount = Atomic<Int>(0)

  init(_ library: any DMLLibrary, capacity: Int) {
    self.library = library
    self.capacity = capacity
  }

  /// Takes a slot, or `nil` if so many are in use.
  func take() -> DMLSlot? {
    finishOrphans()
    // ORDER: acquires what the slot's last user wrote; pairs with `giveBack`.
    let address = spare.load(ordering: .relaxed) == 0 ? 0 : spare.exchange(0, ordering: .acquiring)
    if address != 0 { return Self.slot(at: address) }
    return contents.withLock { contents in
      if let slot = contents.free.popLast() { return slot }
      guard contents.all.count < capacity else { return nil }
      let slot = DMLSlot(library)
      contents.all.append(slot)
      // So that giving back never allocates.
      contents.free.reserveCapacity(contents.all.capacity)
      contents.orphans.reserveCapacity(contents.all.capacity)
      return slot
    }
  }

  /// Gives back a slot that nobody uses.
  func giveBack(_ slot: DMLSlot) {
    slot.clear()
    // ORDER: releases what this user of the slot wrote; pairs with `take`.
    let isSpare = spare.compareExchange(
      expected: 0, desired: Self.address(of: slot), ordering: .releasing
    ).exchanged
    if !isSpare { contents.withLock { $0.free.append(slot) } }
  }

  /// What a slot is known by outside the pool.
  static func address(of slot: DMLSlot) -> UInt {
    unsafe UInt(bitPattern: Unmanaged.passUnretained(slot).toOpaque())
  }

  /// The slot that has this address; the pool is alive.
  static func slot(at address: UInt) -> DMLSlot {
    // SAFETY: addresses come from `address(of:)`, and a pool keeps its slots as long as it lives.
    unsafe Unmanaged<DMLSlot>.fromOpaque(
      UnsafeRawPointer(bitPattern: address).unsafelyUnwrapped
    ).takeUnretainedValue()
  }

  /// Gives up a slot whose operation goes on.
  func orphan(_ slot: DMLSlot) {
    // Nobody may look for long: what a queue has no room for, the CPU does.
    slot.fallBack()
    orphanCount.add(1, ordering: .relaxed)
    contents.withLock { $0.orphans.append(slot) }
  }

  /// Looks once at each orphan, and frees those that are done.
  ///
  /// - Returns: Whether none is left.
  @discardableResult
  func finishOrphans() -> Bool {
    // A hint only: the list itself is under the lock.
    var looks = orphanCount.load(ordering: .relaxed)
    while looks > 0 {
      looks -= 1
      // Taken out for the look, in which the CPU may have to move memory: no lock is held then.
      let slot = contents.withLock { contents in
        contents.orphans.isEmpty ? nil : contents.orphans.removeFirst()
      }
      guard let slot else { break }
      if case .complete = slot.advance() {
        giveBack(slot)
        orphanCount.subtract(1, ordering: .relaxed)
      } else {
        contents.withLock { $0.orphans.append(slot) }
      }
    }
    return orphanCount.load(ordering: .relaxed) == 0
  }

  /// The number of slots that are not free.
  var inUse: Int {
    let spares = spare.load(ordering: .relaxed) == 0 ? 0 : 1
    return contents.withLock { $0.all.count - $0.free.count } - spares
  }
}
