/// A future that may turn out not to be needed.
///
/// Without a future inside it completes at its first poll, with `nil`. As an entry of a
/// ``Chain``, it is how a map leaves an entry out: a lazy entry is made without a future, an eager
/// one is told to ``skip()``.
public struct Skippable<F: Future & ~Copyable>: Future, ~Copyable {
  @usableFromInline var future: F?
  /// Where the future stands.
  public var progress: FutureProgress<F.Output?> = .idle

  /// Makes one that runs `future`, or nothing.
  @inlinable
  public init(_ future: consuming F?) { self.future = future }

  /// Drops the future inside: there is nothing to do.
  ///
  /// Before the first poll only.
  @inlinable
  public mutating func skip() {
    precondition(state == .idle, "Skippable.skip: the future has been polled already")
    future = nil
  }

  /// Does what can be done now; see ``Future/advance(_:)``.
  @inlinable
  public mutating func advance(_ notifier: inout Notifier) -> FutureProgress<F.Output?> {
    switch future?.poll(&notifier) {
    case nil: .complete(nil)
    case .complete: .complete(future?.output)
    case .running: .running
    case .idle: .idle
    }
  }

  /// Whether the part whose turn it is has `property`.
  @inlinable
  public borrowing func hasProperty(_ property: FutureProperty) -> Bool {
    future?.hasProperty(property) ?? false
  }

  /// Passes the request on to what is not complete yet.
  @inlinable
  public mutating func cancel() { future?.cancel() }
}

extension Skippable: Copyable where F: Copyable {}
extension Skippable: Sendable where F: Sendable & ~Copyable, F.Output: Sendable {}
