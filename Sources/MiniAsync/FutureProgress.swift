/// Where a future stands and, once it is complete, its output.
///
/// This is ``FutureState`` with the output inside the case that has one, so that a complete
/// future without an output cannot be written down. A type that conforms to ``Future`` stores one
/// and returns one from ``Future/advance(_:)``.
///
/// Corresponds to C's `struct future_context` with its state and output.
@frozen
public enum FutureProgress<Output> {
  /// Nothing was started yet.
  case idle
  /// The work is under way.
  case running
  /// The work is done, with this output.
  case complete(Output)

  /// The state alone.
  @inlinable
  public var state: FutureState {
    switch self {
    case .idle: .idle
    case .running: .running
    case .complete: .complete
    }
  }

  /// The output, or `nil` before completion.
  @inlinable
  public var output: Output? {
    guard case .complete(let output) = self else { return nil }
    return output
  }

  /// Whether the output is there.
  @inlinable
  public var isComplete: Bool {
    guard case .complete = self else { return false }
    return true
  }
}

extension FutureProgress: Sendable where Output: Sendable {}
extension FutureProgress: Equatable where Output: Equatable {}
extension FutureProgress: Hashable where Output: Hashable {}
