/// One wait of one fiber that other threads may end: the ticket of the wait and how far it is.
///
/// A pure value; ``FiberBlock`` keeps it in an atomic. Tickets only grow, also when the block is
/// given to another fiber, so a token kept too long matches nothing (40 bits: a token would have
/// to be kept over 10^12 waits of its block to match by accident).
///
///     idle(t) --arm--> armed(t+1) --notify(t+1)--> notified(t+1)
///        ^                 |                            |
///        +-----disarm------+----------disarm------------+
struct WakeWord: Equatable {
  enum State: UInt64 {
    case idle
    case armed
    case notified
  }

  static let ticketBits: UInt64 = 40
  static let ticketMask: UInt64 = (1 << ticketBits) - 1

  let raw: UInt64

  init(raw: UInt64) { self.raw = raw }

  private init(ticket: UInt64, state: State) {
    raw = (ticket & Self.ticketMask) << 2 | state.rawValue
  }

  var ticket: UInt64 { raw >> 2 }
  var state: State { State(rawValue: raw & 3) ?? .idle }

  /// A new wait, with a ticket never used before.
  var armed: WakeWord { WakeWord(ticket: ticket &+ 1, state: .armed) }

  /// The wait `ticket` ended by a wake; `nil` when it is over, or was never begun.
  func notified(by ticket: UInt64) -> WakeWord? {
    guard state == .armed, self.ticket == ticket else { return nil }
    return WakeWord(ticket: ticket, state: .notified)
  }

  /// No wait: what is left of the tokens handed out does nothing.
  var disarmed: WakeWord { WakeWord(ticket: ticket, state: .idle) }
}
