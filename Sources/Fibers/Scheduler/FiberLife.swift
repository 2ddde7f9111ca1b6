/// What a fiber suspends for: the registry of waits is made of these (D12).
@usableFromInline
enum WaitKind: UInt8 {
  case none
  case yield
  case join
  case external
}

/// The life of a fiber as a pure value: where it is, and what cancellation means there.
///
/// Transitions return what the holder has to do. No transition touches anything but `self`, so the
/// machine is explored exhaustively without a fiber (`FiberLifeModelTests`).
///
/// One rule of cancellation: each ``cancel()`` is delivered once, as one error, by a suspension
/// outside of all shields: the one the fiber is parked in, else the one it meets next. A wake that
/// came first counts as a wake; the cancellation then stays pending.
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
    /// Do not suspend: throw.
    case cancelled
  }

  package enum CancelAction: Equatable {
    /// The fiber notices by itself, or never (it has finished).
    case nothing
    /// Take it out of what it waits for and queue it: its suspension throws.
    case interrupt
  }

  package private(set) var phase: Phase
  /// A cancellation that no suspension has delivered yet.
  package private(set) var cancelPending: Bool
  /// The suspension that the fiber comes back from delivers the cancellation.
  private var interrupted: Bool
  /// Whether ``cancel()`` was ever called while it was alive.
  package private(set) var wasCancelled: Bool
  /// Shields around the running code.
  ///
  /// Cancellation is not delivered while there are any.
  package private(set) var shields: UInt16

  package init(phase: Phase = .unstarted) {
    self.phase = phase
    cancelPending = false
    interrupted = false
    wasCancelled = false
    shields = 0
  }

  /// Whether a suspension here and now would throw.
  @inline(__always)
  package var deliversCancellation: Bool { cancelPending && shields == 0 }

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
    if cancelPending, shields == 0 { return deliver() }
    phase = .ready
    return .leave
  }

  /// Back from ``yield()``.
  ///
  /// `cancelled` when a cancellation came in the meantime.
  @inline(__always)
  package mutating func resumeFromYield() -> Suspension {
    phase = .running
    if cancelPending, shields == 0 { return deliver() }
    return .leave
  }

  /// Suspends until ``wake()`` or an interrupt.
  @inline(__always)
  package mutating func park() -> Suspension {
    assert(phase == .running)
    if cancelPending, shields == 0 { return deliver() }
    phase = .parked
    return .leave
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
    guard interrupted else { return .leave }
    interrupted = false
    return .cancelled
  }

  /// Asks the fiber to stop.
  ///
  /// Asking again before it was delivered changes nothing.
  package mutating func cancel() -> CancelAction {
    guard phase != .finished else { return .nothing }
    wasCancelled = true
    guard phase == .parked, shields == 0 else {
      cancelPending = true
      return .nothing
    }
    phase = .ready
    interrupted = true
    return .interrupt
  }

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
    cancelPending = false
  }

  private mutating func deliver() -> Suspension {
    cancelPending = false
    return .cancelled
  }
}
