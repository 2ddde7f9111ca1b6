import MiniAsync
import Synchronization

/// The futures that found the queue full and wait for room, first come first served.
///
/// Links run through the slots. A future joins, *then tries the queue once more*; a worker takes
/// from the queue, *then looks here*: so one of the two sees the other.
@safe
final class RoomList: Sendable {
  /// A slot's place in the list.
  struct Place {
    var next: UInt32?
    var previous: UInt32?
    var isWaiting = false
    /// It was told that there is room, and has not used it yet.
    var isInvited = false
  }

  private struct Ends {
    var first: UInt32?
    var last: UInt32?
  }

  private let ends = Locked(Ends())
  /// How many wait, for a quick look.
  private let waiting = Atomic<Int>(0)
  private let pool: SlotPool

  init(pool: SlotPool) { self.pool = pool }

  /// Whether anybody may be waiting.
  var isEmpty: Bool {
    // ORDER: in one order with `join`'s addition and the queue's operations around both.
    waiting.load(ordering: .sequentiallyConsistent) == 0
  }

  /// Lets a slot wait for room.
  ///
  /// Its waker is registered already.
  func join(_ index: UInt32) {
    ends.withLock { ends in
      let slot = unsafe pool[index]
      guard unsafe !slot.pointee.room.isWaiting else { return }
      unsafe slot.pointee.room = Place(next: nil, previous: ends.last, isWaiting: true)
      if let last = ends.last {
        unsafe pool[last].pointee.room.next = index
      } else {
        ends.first = index
      }
      ends.last = index
      // ORDER: before the caller's second look at the queue; pairs with `isEmpty`.
      waiting.add(1, ordering: .sequentiallyConsistent)
    }
  }

  /// Takes a slot out of the list, if it is in it.
  ///
  /// - Returns: Whether it had been invited and leaves without having used the room.
  func leave(_ index: UInt32) -> Bool {
    ends.withLock { ends in
      let place = unsafe pool[index].pointee.room
      if place.isWaiting { remove(index, &ends) }
      unsafe pool[index].pointee.room = Place()
      return place.isInvited
    }
  }

  /// Tells the first `count` that there is room.
  func invite(_ count: Int) {
    for _ in 0..<count {
      let invited: UInt32? = ends.withLock { ends in
        guard let first = ends.first else { return nil }
        remove(first, &ends)
        unsafe pool[first].pointee.room = Place(isInvited: true)
        return first
      }
      guard let invited else { return }
      // The slot may be given back by now; then this wakes nobody, or a newer future for nothing.
      unsafe pool[invited].pointee.cell.wake()
    }
  }

  private func remove(_ index: UInt32, _ ends: inout Ends) {
    let place = unsafe pool[index].pointee.room
    if let next = place.next {
      unsafe pool[next].pointee.room.previous = place.previous
    } else {
      ends.last = place.previous
    }
    if let previous = place.previous {
      unsafe pool[previous].pointee.room.next = place.next
    } else {
      ends.first = place.next
    }
    waiting.subtract(1, ordering: .relaxed)
  }
}
