import Synchronization

/// Who owns the waker in a ``WakerCell`` now: a pure value whose transitions tell what to do.
struct WakerCellState: RawRepresentable, AtomicRepresentable, Hashable, Sendable {
  /// What the side that made a transition must do next.
  enum Action: Hashable {
    /// Nothing: the other side does it.
    case none
    /// The cell is yours until you end what you began.
    case own
    /// A wake met the registration: wake the waker being registered.
    case wakeRegistered
  }

  let rawValue: UInt8

  init(rawValue: UInt8) { self.rawValue = rawValue }

  private static let registering: UInt8 = 1
  private static let waking: UInt8 = 2

  static let idle = WakerCellState(rawValue: 0)

  private var isRegistering: Bool { rawValue & Self.registering != 0 }
  private var isWaking: Bool { rawValue & Self.waking != 0 }

  mutating func beginRegister() -> Action {
    if isRegistering { return .none }
    if isWaking { return .wakeRegistered }
    self = .init(rawValue: Self.registering)
    return .own
  }

  /// Ends a registration.
  ///
  /// If a wake came meanwhile, the cell stays owned, for that wake.
  mutating func endRegister() -> Action {
    if isWaking {
      self = .init(rawValue: Self.waking)
      return .wakeRegistered
    }
    self = .idle
    return .none
  }

  mutating func beginWake() -> Action {
    let action: Action = rawValue == 0 ? .own : .none
    self = .init(rawValue: rawValue | Self.waking)
    return action
  }

  mutating func endWake() -> Action {
    self = .idle
    return .none
  }
}
