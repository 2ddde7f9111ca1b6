/// A bounded channel as a pure value: which cells are full, who waits, in which order.
///
/// Transitions return what the holder has to do with the elements and whom to wake; none touches
/// anything but `self`, so the machine is explored exhaustively without a thread
/// (`SharedChannelModelTests`).
///
/// Who cannot go on joins a line and is a ``Waiter`` until it looks at its ``Fate``. An element
/// goes straight from its sender to the first receiver in line, and from the first sender in line
/// straight into the cell just emptied; so what is decided is decided, however late the waiter is
/// woken, and whatever else comes to it meanwhile.
///
/// Invariants: receivers wait only while no cell is full; senders only while all are; so never both.
/// (Once closed: who is left in line waits to be told, and is given nothing.)
package struct SharedChannelMachine: Hashable {
  /// One wait, by its place in the table of waiters; the place is used again after the wait.
  package struct Waiter: Hashable {
    package let index: Int
  }

  /// What has become of a wait.
  package enum Fate: UInt8 {
    /// In line.
    case waiting
    /// The element was taken from it, or given to it.
    case served
    /// The channel was closed before that.
    case closed
  }

  package enum SendStep: Hashable {
    /// Give the element to this waiter, and wake it.
    case hand(to: Waiter)
    /// Put the element into this cell.
    case store(cell: Int)
    /// No receiver and no room.
    case full
    case closed
  }

  package enum ReceiveStep: Hashable {
    /// Take the element from this cell.
    case take(cell: Int)
    /// The same; then put this waiter's element into the cell, and wake it.
    case takeAndRefill(cell: Int, from: Waiter)
    /// Take this waiter's element, and wake it.
    case takeFrom(Waiter)
    /// No sender, and nothing in the cells.
    case empty
    /// Closed, and nothing left.
    case ended
  }

  package let capacity: Int
  /// Full cells: ``head`` and those behind it, around the ring.
  package private(set) var count = 0
  package private(set) var head = 0
  package private(set) var isClosed = false
  private var senders = Line()
  private var receivers = Line()
  private var seats: [Seat] = []
  private var freeSeat = Line.nobody

  package init(capacity: Int) { self.capacity = capacity }

  // MARK: Elements

  /// Finds where the next element goes.
  package mutating func send() -> SendStep {
    if isClosed { return .closed }
    if let receiver = receivers.popFirst(in: &seats, .served) { return .hand(to: receiver) }
    guard count < capacity else { return .full }
    let cell = wrapped(head + count)
    count += 1
    return .store(cell: cell)
  }

  /// Finds where the next element comes from.
  package mutating func receive() -> ReceiveStep {
    guard count > 0 else {
      if isClosed { return .ended }
      if let sender = senders.popFirst(in: &seats, .served) { return .takeFrom(sender) }
      return .empty
    }
    let cell = head
    head = wrapped(head + 1)
    if !isClosed, let sender = senders.popFirst(in: &seats, .served) {
      // All cells were full, so the one just left is the one behind the last.
      return .takeAndRefill(cell: cell, from: sender)
    }
    count -= 1
    return .take(cell: cell)
  }

  private func wrapped(_ cell: Int) -> Int { cell >= capacity ? cell - capacity : cell }

  // MARK: Waiting

  /// Joins the line of senders, after ``send()`` said ``SendStep/full``.
  package mutating func waitToSend() -> Waiter {
    let waiter = takeSeat(isSender: true)
    senders.append(waiter, in: &seats)
    return waiter
  }

  /// Joins the line of receivers, after ``receive()`` said ``ReceiveStep/empty``.
  package mutating func waitToReceive() -> Waiter {
    let waiter = takeSeat(isSender: false)
    receivers.append(waiter, in: &seats)
    return waiter
  }

  /// What has become of `waiter`.
  package func fate(of waiter: Waiter) -> Fate { seats[waiter.index].fate }

  /// Ends a wait, by the one who waited: out of the line if it is still there.
  ///
  /// - Returns: What had become of it before: ``Fate/waiting`` means that it has given up.
  package mutating func leave(_ waiter: Waiter) -> Fate {
    let seat = seats[waiter.index]
    if seat.fate == .waiting {
      if seat.isSender {
        senders.remove(waiter, in: &seats)
      } else {
        receivers.remove(waiter, in: &seats)
      }
    }
    seats[waiter.index].next = freeSeat
    freeSeat = waiter.index
    return seat.fate
  }

  private mutating func takeSeat(isSender: Bool) -> Waiter {
    var index = freeSeat
    if index == Line.nobody {
      index = seats.count
      seats.append(Seat())
    } else {
      freeSeat = seats[index].next
    }
    seats[index] = Seat(isSender: isSender)
    return Waiter(index: index)
  }

  // MARK: Closing

  /// Closes: from now on nothing is sent, and what is in the cells can be received.
  package mutating func close() { isClosed = true }

  /// The next waiter that has to be told that the channel is closed.
  package mutating func failNext() -> Waiter? {
    guard isClosed else { return nil }
    return senders.popFirst(in: &seats, .closed) ?? receivers.popFirst(in: &seats, .closed)
  }
}

extension SharedChannelMachine {
  /// A place in the table of waiters: in use, or in the list of free ones.
  private struct Seat: Hashable {
    var fate = Fate.waiting
    var isSender = false
    var next = Line.nobody
    var previous = Line.nobody
  }

  /// Waiters in the order in which they came, linked through their seats.
  private struct Line: Hashable {
    static var nobody: Int { -1 }

    private var first = nobody
    private var last = nobody

    mutating func append(_ waiter: Waiter, in seats: inout [Seat]) {
      seats[waiter.index].previous = last
      if last == Self.nobody { first = waiter.index } else { seats[last].next = waiter.index }
      last = waiter.index
    }

    /// Takes out who waits longest, and says what has become of it.
    mutating func popFirst(in seats: inout [Seat], _ fate: Fate) -> Waiter? {
      guard first != Self.nobody else { return nil }
      let waiter = Waiter(index: first)
      remove(waiter, in: &seats)
      seats[waiter.index].fate = fate
      return waiter
    }

    mutating func remove(_ waiter: Waiter, in seats: inout [Seat]) {
      let (previous, next) = (seats[waiter.index].previous, seats[waiter.index].next)
      if previous == Self.nobody { first = next } else { seats[previous].next = next }
      if next == Self.nobody { last = previous } else { seats[next].previous = previous }
    }
  }
}
