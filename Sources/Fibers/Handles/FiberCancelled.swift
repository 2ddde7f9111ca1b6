/// What a suspension throws to deliver a cancellation.
///
/// A type of our own, not the `CancellationError` of tasks: that one's layout is known only at run
/// time, and a function that can throw it as a typed error asks for its size at each call. That made
/// a yield of two fibers cost 9 ns instead of 4 (docs/decisions/fibers-cancellation.md).
public struct FiberCancelled: Error, Hashable, Sendable {
  /// Nothing to say beyond the type.
  public init() {}
}
