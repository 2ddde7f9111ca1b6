/// A future followed by another that is made from its output.
public struct ThenFuture<First: Future & ~Copyable, Second: Future & ~Copyable>: Future, ~Copyable {
  /// What the future computes.
  public typealias Output = Second.Output

  @usableFromInline var first: First
  @usableFromInline var second: Second?
  @usableFromInline let make: (First.Output) -> Second
  /// Where the future stands.
  public var progress: FutureProgress<Output> = .idle

  @inlinable
  init(first: consuming First, make: @escaping (First.Output) -> Second) {
    self.first = first
    self.make = make
    second = nil
  }

  /// Does what can be done now; see ``Future/advance(_:)``.
  @inlinable
  public mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Output> {
    if second == nil {
      _ = first.poll(&notifier)
      guard let output = first.output else { return first.state == .idle ? .idle : .running }
      second = make(output)
    }
    _ = second?.poll(&notifier)
    guard let output = second?.output else { return .running }
    return .complete(output)
  }

  /// Whether the part whose turn it is has `property`.
  @inlinable
  public borrowing func hasProperty(_ property: FutureProperty) -> Bool {
    second?.hasProperty(property) ?? first.hasProperty(property)
  }

  /// Passes the request on to what is not complete yet.
  @inlinable
  public mutating func cancel() {
    if second != nil { second?.cancel() } else { first.cancel() }
  }
}

extension ThenFuture: Copyable where First: Copyable, Second: Copyable {}

extension Future where Self: ~Copyable {
  /// This future, followed by the one that `make` returns for its output.
  ///
  /// For more than two, extra state or an early end, see ``Chain``.
  @inlinable
  public consuming func then<Next: Future & ~Copyable>(
    _ make: @escaping (Output) -> Next
  ) -> ThenFuture<Self, Next> {
    ThenFuture(first: self, make: make)
  }
}
