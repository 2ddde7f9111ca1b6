/// A future that is complete from the beginning.
///
/// Corresponds to C's `FUTURE_INIT_COMPLETE`.
public struct CompletedFuture<Output>: Future {
  /// Where the future stands.
  public var progress: FutureProgress<Output>

  /// Makes a future that has `output` already.
  @inlinable
  public init(_ output: Output) { progress = .complete(output) }

  /// Does what can be done now; see ``Future/advance(_:)``.
  @inlinable
  public mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Output> { progress }
}

extension CompletedFuture: Sendable where Output: Sendable {}
