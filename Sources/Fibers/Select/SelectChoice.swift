/// Which of two alternatives a select has chosen.
@frozen
public enum SelectChoice2: Sendable {
  /// The one given first.
  case first
  /// The one given second.
  case second

  @inlinable
  init(_ index: Int) {
    switch index {
    case 0: self = .first
    default: self = .second
    }
  }
}

/// Which of three alternatives a select has chosen.
@frozen
public enum SelectChoice3: Sendable {
  /// The one given first.
  case first
  /// The one given second.
  case second
  /// The one given third.
  case third

  @inlinable
  init(_ index: Int) {
    switch index {
    case 0: self = .first
    case 1: self = .second
    default: self = .third
    }
  }
}

/// Which of four alternatives a select has chosen.
@frozen
public enum SelectChoice4: Sendable {
  /// The one given first.
  case first
  /// The one given second.
  case second
  /// The one given third.
  case third
  /// The one given fourth.
  case fourth

  @inlinable
  init(_ index: Int) {
    switch index {
    case 0: self = .first
    case 1: self = .second
    case 2: self = .third
    default: self = .fourth
    }
  }
}
