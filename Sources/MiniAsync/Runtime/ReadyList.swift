import CMiniAsync
import Synchronization

/// The futures of one waiter that were woken since it looked last.
///
/// Any thread pushes (``wake(token:)``), the waiter takes everything at once. Each future has a
/// link of its own, so a wake costs the same however many futures wait, and only what was woken is
/// polled. The list is a Treiber stack that is only ever emptied whole, so it has no ABA problem.
///
/// A token carries the index of its future and a generation; a wake for a place that was given to
/// another future since is dropped.
@safe
@usableFromInline
final class ReadyList: WakeTarget {
  /// How the waiter is told that the list is no longer empty.
  enum Unparking {
    /// It is a thread that sleeps on the head's word.
    case thread
    /// It is itself a future, waited for elsewhere: its waker is in the cell.
    case relay(WakerCell)
  }

  private let head = Atomic<ReadyHead>(.empty)
  private let unparking: Unparking

  // Wakers hold indices, and reach links only; the waiter alone reaches nodes.
  // SAFETY: only the waiter grows them, before it hands out a token that leads there.
  nonisolated(unsafe) private let links = ChunkedStorage<ReadyLink>()
  @usableFromInline nonisolated(unsafe) let nodes = ChunkedStorage<ReadyNode>()

  init(unparking: Unparking) { self.unparking = unparking }

  deinit {
    unsafe links.deallocate()
    unsafe nodes.deallocate()
  }

  // MARK: Nodes, for the waiter

  /// Makes room for the indices below `count`.
  ///
  /// Waiter only.
  func reserve(_ count: Int) {
    guard unsafe count > nodes.count else { return }
    unsafe links.grow(to: count) { _ in ReadyLink() }
    unsafe nodes.grow(to: count) { _ in ReadyNode() }
  }

  /// The node of `index`.
  ///
  /// Waiter only.
  @inlinable
  @inline(__always)
  func node(_ index: Int) -> UnsafeMutablePointer<ReadyNode> { unsafe nodes[pointer: index] }

  /// The link of `index`.
  private func link(_ index: Int) -> UnsafeMutablePointer<ReadyLink> {
    unsafe links[pointer: index]
  }

  /// Takes `marks` from a node.
  ///
  /// Waiter only.
  @usableFromInline
  func unmark(_ index: Int, _ marks: ReadyNode.Mark) {
    unsafe node(index).pointee.mark.subtract(marks)
  }

  /// The token that wakes `index`, in its present generation.
  ///
  /// Waiter only.
  func token(_ index: Int) -> UInt64 {
    UInt64(unsafe node(index).pointee.generation) << 32 | UInt64(index)
  }

  /// Gives the place to another future: wakes meant for the present one are dropped from now on.
  func renew(_ index: Int) {
    let link = unsafe link(index)
    let generation = unsafe (node(index).pointee.generation + 1) & (.max >> 1)
    unsafe node(index).pointee.generation = generation
    // A place that is in the list stays there: the new future then gets a poll too many.
    var old = unsafe link.pointee.wakeWord.load(ordering: .relaxed)
    while true {
      let new = WakeWord(generation: generation, isQueued: old.isQueued)
      let (exchanged, seen) = unsafe link.pointee.wakeWord.weakCompareExchange(
        expected: old, desired: new, ordering: .relaxed)
      if exchanged { return }
      old = seen
    }
  }

  // MARK: Waking, from any thread

  @usableFromInline
  func wake(token: UInt64) {
    let index = UInt32(truncatingIfNeeded: token)
    let link = unsafe link(Int(index))
    guard unsafe enqueue(link, generation: UInt32(token >> 32)) else { return }

    var old = head.load(ordering: .relaxed)
    while true {
      var new = old
      let (next, unpark) = new.push(index)
      // SAFETY: whoever set `isQueued` owns `next` until the waiter takes the list.
      unsafe link.pointee.next.store(next, ordering: .relaxed)
      // ORDER: releases `next`; pairs with `take`.
      let (exchanged, seen) = head.weakCompareExchange(
        expected: old, desired: new, ordering: .releasing)
      if exchanged {
        if unpark { unparkWaiter() }
        return
      }
      old = seen
    }
  }

  /// Marks the node as queued.
  ///
  /// `false` if it is already, or has another generation by now.
  private func enqueue(_ link: UnsafeMutablePointer<ReadyLink>, generation: UInt32) -> Bool {
    var old = unsafe link.pointee.wakeWord.load(ordering: .relaxed)
    while true {
      guard old.generation == generation else { return false }
      // ORDER: releases what the caller published before the wake; pairs with `dequeue`. Also
      // where the node is queued already: the poll still to come must see it.
      let (exchanged, seen) = unsafe link.pointee.wakeWord.weakCompareExchange(
        expected: old, desired: WakeWord(generation: generation, isQueued: true),
        ordering: .acquiringAndReleasing)
      if exchanged { return !old.isQueued }
      old = seen
    }
  }

  private func unparkWaiter() {
    switch unparking {
    case .thread: unsafe withWord { _ = unsafe mini_futex_wake($0, 1) }
    case .relay(let cell): cell.wake()
    }
  }

  // MARK: Taking, for the waiter

  /// Whether something was woken.
  ///
  /// Waiter only.
  var hasWoken: Bool { head.load(ordering: .relaxed).first != nil }

  /// Takes all woken indices, the last woken first, into `batch`; ends a park.
  ///
  /// Waiter only.
  func take(into batch: inout [UInt32]) {
    guard head.load(ordering: .relaxed) != .empty else { return }
    // ORDER: acquires every `next` in the list; pairs with `wake`.
    collect(head.exchange(.empty, ordering: .acquiring), into: &batch)
  }

  private func collect(_ taken: ReadyHead, into batch: inout [UInt32]) {
    var head = taken
    while let index = head.first {
      batch.append(index)
      head = unsafe link(Int(index)).pointee.next.load(ordering: .relaxed)
    }
  }

  /// Lets `index` be pushed again.
  ///
  /// Before the poll, so that a wake during it counts. Waiter only.
  @usableFromInline
  func dequeue(_ index: Int) {
    let free = unsafe WakeWord(generation: node(index).pointee.generation, isQueued: false)
    // ORDER: acquires what the wakers published; pairs with `enqueue`.
    unsafe _ = link(index).pointee.wakeWord.exchange(free, ordering: .acquiringAndReleasing)
  }

  /// Empties the list, with `batch` as scratch memory.
  ///
  /// Waiter only.
  func clear(using batch: inout [UInt32]) {
    if !batch.isEmpty { batch.removeAll(keepingCapacity: true) }
    // ORDER: acquires every `next`, as `take` does. A read-modify-write in any case: it sees the
    // newest value, also where the caller knows only from a reference count that wakers are gone.
    collect(head.exchange(.empty, ordering: .acquiring), into: &batch)
    for index in batch { dequeue(Int(index)) }
  }

  /// Announces the park, unless something was woken.
  ///
  /// With a relay, that is all there is to it.
  func announcePark() -> Bool {
    var old = head.load(ordering: .relaxed)
    while true {
      var new = old
      guard new.park() else { return false }
      // ORDER: releases what was written before; on failure the caller looks again, with `take`.
      let (exchanged, seen) = head.weakCompareExchange(
        expected: old, desired: new, ordering: .acquiringAndReleasing)
      if exchanged { return true }
      old = seen
    }
  }

  /// Sleeps until something is woken or the time is over.
  ///
  /// Waiter only, a thread.
  ///
  /// - Parameter nanoseconds: How long at most; negative for as long as it takes.
  /// - Returns: Whether it slept at all.
  func park(nanoseconds: Int64) -> Bool {
    guard announcePark() else { return false }
    // A spurious return is fine: the caller looks, and parks again.
    _ = unsafe withWord {
      unsafe mini_futex_wait($0, ReadyHead.parked.rawValue, nanoseconds)
    }
    return true
  }

  private func withWord<Result>(_ body: (UnsafeRawPointer) -> Result) -> Result {
    // SAFETY: `head` is a `let` of a class, so its address is fixed while `self` lives, and
    // `Atomic` has the layout of its value. The pointer is used as an address only.
    unsafe withUnsafePointer(to: head) { unsafe body(UnsafeRawPointer($0)) }
  }
}
