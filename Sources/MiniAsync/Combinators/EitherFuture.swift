/// The output of the one of two futures that completed first.
@frozen
public enum Either<First, Second> {
  /// The first one was first, or both were at the same poll.
  case first(First)
  /// The second one was first.
  case second(Second)
}

extension Either: Sendable where First: Sendable, Second: Sendable {}
extension Either: Equatable where First: Equatable, Second: Equatable {}

/// Two futures at once; complete when one is.
///
/// The other is then cancelled, if it supports that, and dropped with this future. A wake for one
/// polls the other too. For many of one type, see ``FirstOf``, which does not.
public struct EitherFuture<A: Future & ~Copyable, B: Future & ~Copyable>: Future, ~Copyable {
  /// What the future computes.
  public typealias Output = Either<A.Output, B.Output>

  @usableFromInline var a: A
  @usableFromInline var b: B
  /// Where the future stands.
  public var progress: FutureProgress<Output> = .idle

  @inlinable
  init(_ a: consuming A, _ b: consuming B) {
    self.a = a
    self.b = b
  }

  /// Does what can be done now; see ``Future/advance(_:)``.
  @inlinable
  public mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Output> {
    _ = notifier.pollPart { a.poll(&$0) }
    if let output = a.output {
      b.cancel()
      return .complete(.first(output))
    }
    _ = notifier.pollPart { b.poll(&$0) }
    if let output = b.output {
      a.cancel()
      return .complete(.second(output))
    }
    return .running
  }

  /// Whether the part whose turn it is has `property`.
  @inlinable
  public borrowing func hasProperty(_ property: FutureProperty) -> Bool {
    !progress.isComplete && (a.hasProperty(property) || b.hasProperty(property))
  }

  /// Passes the request on to what is not complete yet.
  @inlinable
  public mutating func cancel() {
    if progress.isComplete { return }
    a.cancel()
    b.cancel()
  }
}

extension EitherFuture: Copyable where A: Copyable, B: Copyable {}
extension EitherFuture: Sendable
where A: Sendable & ~Copyable, B: Sendable & ~Copyable, A.Output: Sendable, B.Output: Sendable {}

extension Future where Self: ~Copyable {
  /// This future and `other` at once; complete when one is.
  ///
  /// The other is cancelled.
  @inlinable
  public consuming func or<Other: Future & ~Copyable>(
    _ other: consuming Other
  ) -> EitherFuture<Self, Other> {
    EitherFuture(self, other)
  }
}
