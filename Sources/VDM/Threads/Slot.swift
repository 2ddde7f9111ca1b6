import MiniAsync
import Synchronization

/// What the thread mover keeps for one operation.
///
/// Slots are used again and again, and never move.
struct Slot: ~Copyable {
  /// Who has the slot.
  let state = Atomic<SlotState>(.owned)
  /// Counts completions: the word that a waiter without a waker can watch.
  let completions = Atomic<UInt64>(0)
  /// Wakes the future when it is done, or when there is room in the queue.
  let cell = WakerCell()
  /// The slot's own index.
  let index: UInt32
  /// The next free slot, while this one is free.
  ///
  /// Written by whoever frees it.
  let nextFree = Atomic<UInt32>(0)

  /// What to do.
  ///
  /// Written by the future before the slot is queued; read by the worker that took it.
  var operation: Operation?
  /// Whether it may be among those that wait for room in the queue, or are invited.
  ///
  /// The future's.
  var hasWaited = false
  /// Its place among the futures that wait for room.
  ///
  /// Under the lock of ``RoomList``.
  var room = RoomList.Place()

  init(index: Int) { self.index = UInt32(index) }

  /// Whether a worker has done the operation.
  var isDone: Bool {
    // ORDER: acquires what the worker wrote; pairs with its transition.
    state.load(ordering: .acquiring) == .done
  }

  /// Changes the state, and says what to do.
  func transition(_ change: (inout SlotState) -> SlotState.Action) -> (SlotState, SlotState.Action)
  {
    var old = state.load(ordering: .relaxed)
    while true {
      var new = old
      let action = change(&new)
      // ORDER: the side that gives the slot away releases what it wrote to it, the side that gets
      // it acquires that.
      let (exchanged, seen) = state.weakCompareExchange(
        expected: old, desired: new, ordering: .acquiringAndReleasing)
      if exchanged { return (new, action) }
      old = seen
    }
  }
}
