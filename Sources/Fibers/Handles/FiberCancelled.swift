/// What a suspension throws when it was cut short: by a cancellation, or by a deadline.
///
/// A type of our own, not the `CancellationError` of tasks: that one's layout is known only at run
/// time, and a function that can throw it as a typed error asks for its size at each call. That made
/// a yield of two fibers cost 9 ns instead of 4 (docs/decisions/fibers-cancellation.md).
public struct FiberCancelled: Error, Hashable, Sendable, CustomStringConvertible {
  /// Why the suspension was cut short.
  public enum Cause: UInt8, Sendable {
    /// Somebody called ``Fiber/cancel()``, or the scope or runtime ended.
    case cancel
    /// The deadline in force has passed; ``Fiber/withDeadline(_:_:)`` makes it a
    /// ``DeadlineExceeded`` where it was set.
    case deadline
  }

  /// Why the suspension was cut short.
  public let cause: Cause

  /// An error with the cause given.
  public init(_ cause: Cause = .cancel) { self.cause = cause }

  /// In words.
  public var description: String {
    switch cause {
    case .cancel: "the fiber was cancelled"
    case .deadline: "the fiber's deadline has passed"
    }
  }
}

/// An error that may stand for a suspension that was cut short.
///
/// Conform an error type that carries a ``FiberCancelled``, and scopes and deadlines recognise it.
public protocol FiberInterruption: Error {
  /// What cut the suspension short; `nil` when something else went wrong.
  var interruption: FiberCancelled? { get }
}

extension FiberCancelled: FiberInterruption {
  /// Itself.
  public var interruption: FiberCancelled? { self }
}

extension FiberLife.Suspension {
  /// What to throw; nothing for `leave`.
  @inline(__always)
  func get() throws(FiberCancelled) {
    switch self {
    case .leave: return
    case .cancelled: throw FiberCancelled(.cancel)
    case .expired: throw FiberCancelled(.deadline)
    }
  }
}
