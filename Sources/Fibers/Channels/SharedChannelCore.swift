import MiniAsync

/// The holder of a ``SharedChannelMachine``: runs it under a lock, moves the elements as it says,
/// and wakes whom it names after the lock is free.
///
/// It knows nothing of the type of the elements: they are moved by a function of the caller's, from
/// place to place, each an optional element in memory. So all of this is compiled once, and the
/// typed side is small enough to be inlined into users' code.
///
/// Waiters' elements stay where the waiter keeps them (the stack of a fiber). That is sound because
/// a waiter does not go on before it has left the machine under the lock.
@safe
@usableFromInline
final class SharedChannelCore: Sendable {
  /// Takes the element out of the first place, leaving `nil`, and puts it into the second, which
  /// holds `nil` or is uninitialised.
  @usableFromInline
  typealias Move = (_ from: UnsafeMutableRawPointer, _ to: UnsafeMutableRawPointer) -> Void

  let name: String?
  let site: SpawnSite
  @usableFromInline let capacity: Int
  // SAFETY: allocated in init, freed in deinit; what is in it is the machine's to say.
  private let cells: Place
  private let cellStride: Int
  private let state: Locked<State>

  /// An address that threads pass to each other.
  @safe
  struct Place: @unchecked Sendable {
    // @unchecked: whoever touches what is there holds the channel's lock, or is the only owner.
    let address: UnsafeMutableRawPointer

    @inline(__always)
    init(_ address: UnsafeMutableRawPointer) { unsafe self.address = address }
  }

  /// Whom to wake, once.
  enum Wake: Sendable {
    case nobody
    case fiber(Door, UInt64)
    case task(TaskWaiter)

    @inline(__always)
    func callAsFunction() {
      switch self {
      case .nobody: break
      case .fiber(let door, let token): door.wake(token: token)
      case .task(let task): task.wake(token: 0)
      }
    }
  }

  struct State {
    var machine: SharedChannelMachine
    /// What the holder knows about each waiter, by its index.
    var waiters: [(place: Place, wake: Wake)] = []
    /// See ``SharedChannelCore/operationsPerTurn``.
    var operationsLeft = SharedChannelCore.operationsPerTurn
  }

  /// How an operation has gone under the lock.
  enum Step {
    case done(Wake)
    /// Closed, and, for a receiver, nothing left.
    case closed
    /// It would have to wait, and was not allowed to.
    case refused
    case waits(SharedChannelMachine.Waiter)
    /// Nothing was done: other fibers should have a turn first.
    case turnOver
  }

  /// After so many operations in a row on the channel a fiber lets the others of its runtime have
  /// a turn.
  ///
  /// With another thread at the other end a fiber may never find the channel full or empty; without
  /// this it would keep its runtime to itself.
  static var operationsPerTurn: Int { 64 }

  @usableFromInline
  init(
    capacity: Int, cellStride: Int, cellAlignment: Int, name: String?, file: StaticString,
    line: UInt32
  ) {
    require(capacity >= 0, "SharedChannel: the capacity must be 0 or more, not \(capacity)")
    let (byteCount, tooLarge) = capacity.multipliedReportingOverflow(by: cellStride)
    require(!tooLarge, "SharedChannel: no memory can hold \(capacity) elements; use fewer")
    self.capacity = capacity
    self.cellStride = cellStride
    self.name = name
    site = SpawnSite(file: file, line: line)
    // Never touched before it is needed, so a large capacity costs address space only.
    unsafe cells = Place(.allocate(byteCount: max(1, byteCount), alignment: cellAlignment))
    state = Locked(State(machine: SharedChannelMachine(capacity: capacity)))
  }

  deinit { unsafe cells.address.deallocate() }

  @inline(__always)
  private func cell(_ index: Int) -> UnsafeMutableRawPointer {
    unsafe cells.address + index * cellStride
  }

  /// Gives the full cells to the owner of the channel, who is the last to know it.
  @usableFromInline
  func forEachElement(_ body: (UnsafeMutableRawPointer) -> Void) {
    let (head, count) = state.withLock { ($0.machine.head, $0.machine.count) }
    for index in head..<head + count { unsafe body(cell(index % capacity)) }
  }

  // MARK: Operations

  /// What an operation may do beside moving an element.
  struct Manners: OptionSet {
    let rawValue: UInt8
    /// Join the line when there is no element or room.
    static let mayWait = Manners(rawValue: 1)
    /// Be told when the turn is over.
    static let takesTurns = Manners(rawValue: 2)
  }

  /// Sends the element in `slot`, or begins to wait.
  @inline(__always)
  func send(from slot: Place, _ manners: Manners, _ move: Move) -> Step {
    state.withLock { state in
      if manners.contains(.takesTurns), state.isTurnOver() { return .turnOver }
      switch state.machine.send() {
      case .hand(let receiver):
        unsafe move(slot.address, state.waiters[receiver.index].place.address)
        return .done(state.takeWake(of: receiver))
      case .store(let index):
        unsafe move(slot.address, cell(index))
        return .done(.nobody)
      case .full:
        guard manners.contains(.mayWait) else { return .refused }
        return .waits(state.join(state.machine.waitToSend(), slot))
      case .closed:
        return .closed
      }
    }
  }

  /// Receives an element into `slot`, or begins to wait.
  @inline(__always)
  func receive(into slot: Place, _ manners: Manners, _ move: Move) -> Step {
    state.withLock { state in
      if manners.contains(.takesTurns), state.isTurnOver() { return .turnOver }
      switch state.machine.receive() {
      case .take(let index):
        unsafe move(cell(index), slot.address)
        return .done(.nobody)
      case .takeAndRefill(let index, let sender):
        unsafe move(cell(index), slot.address)
        unsafe move(state.waiters[sender.index].place.address, cell(index))
        return .done(state.takeWake(of: sender))
      case .takeFrom(let sender):
        unsafe move(state.waiters[sender.index].place.address, slot.address)
        return .done(state.takeWake(of: sender))
      case .empty:
        guard manners.contains(.mayWait) else { return .refused }
        return .waits(state.join(state.machine.waitToReceive(), slot))
      case .ended:
        return .closed
      }
    }
  }

  /// Says how a waiter is to be woken.
  ///
  /// - Returns: False when there is nothing to wait for any more.
  func setWake(_ wake: Wake, of waiter: SharedChannelMachine.Waiter) -> Bool {
    state.withLock { state in
      guard state.machine.fate(of: waiter) == .waiting else { return false }
      state.waiters[waiter.index].wake = wake
      return true
    }
  }

  /// Ends the wait of `waiter` unless it is to go on.
  ///
  /// - Parameters:
  ///   - waiter: Whose wait it is; the caller's own.
  ///   - givesUp: Whether it also ends when nothing has become of it.
  /// - Returns: What has become of it; its slot is its own again unless it still waits.
  func look(_ waiter: SharedChannelMachine.Waiter, givesUp: Bool) -> SharedChannelMachine.Fate {
    state.withLock { state in
      if !givesUp, state.machine.fate(of: waiter) == .waiting { return .waiting }
      _ = state.takeWake(of: waiter)
      return state.machine.leave(waiter)
    }
  }

  /// Closes the channel, and tells all who wait.
  @usableFromInline
  func close() {
    state.withLock { $0.machine.close() }
    // One at a time: the lock is never held longer than for one.
    while let wake = state.withLock({ $0.failNext() }) { wake() }
  }

  @usableFromInline var isClosed: Bool { state.withLock { $0.machine.isClosed } }
  @usableFromInline var count: Int { state.withLock { $0.machine.count } }
}

extension SharedChannelCore.State {
  mutating func isTurnOver() -> Bool {
    operationsLeft -= 1
    guard operationsLeft < 0 else { return false }
    operationsLeft = SharedChannelCore.operationsPerTurn
    return true
  }

  mutating func join(
    _ waiter: SharedChannelMachine.Waiter, _ place: SharedChannelCore.Place
  ) -> SharedChannelMachine.Waiter {
    if waiter.index == waiters.count {
      waiters.append((place, .nobody))
    } else {
      waiters[waiter.index] = (place, .nobody)
    }
    return waiter
  }

  /// Each wake is taken once, under the lock, and used after it.
  mutating func takeWake(of waiter: SharedChannelMachine.Waiter) -> SharedChannelCore.Wake {
    var wake = SharedChannelCore.Wake.nobody
    swap(&wake, &waiters[waiter.index].wake)
    return wake
  }

  mutating func failNext() -> SharedChannelCore.Wake? {
    machine.failNext().map { takeWake(of: $0) }
  }
}
