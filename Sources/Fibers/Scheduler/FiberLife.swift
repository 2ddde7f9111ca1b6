/// The life of a fiber as a pure value: where it is, and what cancellation means there.
///
/// Transitions return what the holder has to do. No transition touches anything but `self`, so the
/// machine is explored exhaustively without a fiber (`FiberLifeModelTests`).
///
/// One rule of cancellation: each ``cancel()`` is delivered once, as one error, by a suspension
/// outside of all shields: the one the fiber is parked in, else the one it meets next. A wake that
/// came first counts as a wake; the cancellation then stays pending.
///
/// One rule of deadlines: from ``expire()`` until ``deadlineLeft()`` each suspension throws. Shields
/// do not matter here: who enters one takes the deadline in force away first.
package struct FiberLife: Equatable {
  package enum Phase: UInt8 {
    case unstarted
    case ready
    case running
    case parked
    case finished
  }

  package enum Suspension: Equatable {
    /// Leave the stack; the phase says whether to queue first (``Phase/ready``) or not.
    case leave
    /// Do not suspend, or do not go on: throw, because of a cancellation.
    case cancelled
    /// The same, because the deadline in force has passed.
    case expired
  }

  package enum InterruptAction: Equatable {
    /// The fiber notices by itself, or never (it has finished).
    case nothing
    /// Take it out of what it waits for and queue it: its suspension throws.
    case interrupt
  }

  package private(set) var phase: Phase
  /// What the suspension that the fiber comes back from has to say.
  private var ending: Suspension
  /// What the next suspension may have to throw for; 0 for nearly all.
  private var attention: UInt8
  /// Whether ``cancel()`` was ever called while it was alive.
  package private(set) var wasCancelled: Bool
  /// Shields around the running code.
  ///
  /// Cancellation is not delivered while there are any.
  package private(set) var shields: UInt16

  package init(phase: Phase = .unstarted) {
    self.phase = phase
    ending = .leave
    attention = 0
    wasCancelled = false
    shields = 0
  }

  private static var cancelBit: UInt8 { 1 }
  private static var expiredBit: UInt8 { 2 }

  /// A cancellation that no suspension has delivered yet.
  package private(set) var cancelPending: Bool {
    get { attention & Self.cancelBit != 0 }
    set { attention = newValue ? attention | Self.cancelBit : attention & ~Self.cancelBit }
  }

  /// Whether the deadline in force has passed.
  package private(set) var isExpired: Bool {
    get { attention & Self.expiredBit != 0 }
    set { attention = newValue ? attention | Self.expiredBit : attention & ~Self.expiredBit }
  }

  /// Whether the next suspension may throw at once.
  @inline(__always)
  package var isInterrupted: Bool { attention != 0 }

  /// Throws here and now if a suspension would: `leave` means that it would not.
  @inline(__always)
  package mutating func check() -> Suspension {
    if attention == 0 { return .leave }
    if cancelPending, shields == 0 {
      cancelPending = false
      return .cancelled
    }
    return isExpired ? .expired : .leave
  }

  /// First turn of the fiber.
  @inline(__always)
  package mutating func start() {
    precondition(phase == .unstarted || phase == .ready, "FiberLife: started twice")
    phase = .running
  }

  /// Suspends until the next turn.
  @inline(__always)
  package mutating func yield() -> Suspension {
    assert(phase == .running)
    let outcome = check()
    if outcome == .leave { phase = .ready }
    return outcome
  }

  /// Back from ``yield()``.
  ///
  /// Not `leave` when a cancellation came, or a deadline passed, in the meantime.
  @inline(__always)
  package mutating func resumeFromYield() -> Suspension {
    phase = .running
    return check()
  }

  /// Lets the others have their turn before a suspension is refused.
  package mutating func takeTurn() { phase = .ready }

  /// Back from ``takeTurn()``.
  package mutating func resumeTurn() { phase = .running }

  /// Suspends until ``wake()`` or an interrupt.
  @inline(__always)
  package mutating func park() -> Suspension {
    assert(phase == .running)
    let outcome = check()
    if outcome == .leave { phase = .parked }
    return outcome
  }

  /// Ends a wait.
  ///
  /// True when the fiber has to be queued; false when nothing was waiting.
  @inline(__always)
  package mutating func wake() -> Bool {
    guard phase == .parked else { return false }
    phase = .ready
    return true
  }

  /// Back from ``park()``.
  @inline(__always)
  package mutating func resumeFromPark() -> Suspension {
    phase = .running
    let outcome = ending
    ending = .leave
    return outcome
  }

  /// Asks the fiber to stop.
  ///
  /// Asking again before it was delivered changes nothing.
  package mutating func cancel() -> InterruptAction {
    guard phase != .finished else { return .nothing }
    wasCancelled = true
    guard phase == .parked, shields == 0 else {
      cancelPending = true
      return .nothing
    }
    phase = .ready
    ending = .cancelled
    return .interrupt
  }

  /// Makes a cancellation pending again that was delivered where it could not be thrown.
  package mutating func cancelLater() { cancelPending = true }

  /// The deadline in force has passed.
  package mutating func expire() -> InterruptAction {
    guard phase != .finished else { return .nothing }
    isExpired = true
    guard phase == .parked else { return .nothing }
    phase = .ready
    ending = .expired
    return .interrupt
  }

  /// Another deadline, or none, is in force.
  package mutating func deadlineLeft() { isExpired = false }

  package mutating func enterShield() {
    require(shields < .max, "Fiber.shield: more than 65,535 shields inside each other")
    shields += 1
  }

  package mutating func leaveShield() {
    precondition(shields > 0, "FiberLife: left a shield that was not entered")
    shields -= 1
  }

  /// The body has returned.
  @inline(__always)
  package mutating func finish() {
    phase = .finished
    attention = 0
  }
}
