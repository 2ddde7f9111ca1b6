/// Two futures at once; complete when both are.
///
/// A wake for one polls the other too. For many of one type, see ``AllOf``, which does not.
public struct BothFuture<A: Future & ~Copyable, B: Future & ~Copyable>: Future, ~Copyable {
  /// What the future computes.
  public typealias Output = (A.Output, B.Output)

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
    // The asynchronous one first, so that the other's work overlaps with its.
    if b.hasProperty(.async) && !a.hasProperty(.async) {
      _ = notifier.pollPart { b.poll(&$0) }
      _ = notifier.pollPart { a.poll(&$0) }
    } else {
      _ = notifier.pollPart { a.poll(&$0) }
      _ = notifier.pollPart { b.poll(&$0) }
    }
    guard let first = a.output, let second = b.output else { return .running }
    return .complete((first, second))
  }

  /// Whether the part whose turn it is has `property`.
  @inlinable
  public borrowing func hasProperty(_ property: FutureProperty) -> Bool {
    (!a.progress.isComplete && a.hasProperty(property))
      || (!b.progress.isComplete && b.hasProperty(property))
  }

  /// Passes the request on to what is not complete yet.
  @inlinable
  public mutating func cancel() {
    if !a.progress.isComplete { a.cancel() }
    if !b.progress.isComplete { b.cancel() }
  }
}

extension BothFuture: Copyable where A: Copyable, B: Copyable {}
extension BothFuture: Sendable
where A: Sendable & ~Copyable, B: Sendable & ~Copyable, A.Output: Sendable, B.Output: Sendable {}

extension Future where Self: ~Copyable {
  /// This future and `other` at once; complete when both are.
  @inlinable
  public consuming func and<Other: Future & ~Copyable>(
    _ other: consuming Other
  ) -> BothFuture<Self, Other> {
    BothFuture(self, other)
  }
}
