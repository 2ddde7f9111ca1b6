/// A future whose output is made from that of another.
public struct MapFuture<Base: Future & ~Copyable, Output>: Future, ~Copyable {
  @usableFromInline var base: Base
  @usableFromInline let transform: (Base.Output) -> Output
  /// Where the future stands.
  public var progress: FutureProgress<Output> = .idle

  @inlinable
  init(base: consuming Base, transform: @escaping (Base.Output) -> Output) {
    self.base = base
    self.transform = transform
  }

  /// Does what can be done now; see ``Future/advance(_:)``.
  @inlinable
  public mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Output> {
    _ = base.poll(&notifier)
    switch base.progress {
    case .idle: return .idle
    case .running: return .running
    case .complete(let output): return .complete(transform(output))
    }
  }

  /// Whether the part whose turn it is has `property`.
  @inlinable
  public borrowing func hasProperty(_ property: FutureProperty) -> Bool {
    base.hasProperty(property)
  }

  /// Passes the request on to what is not complete yet.
  @inlinable
  public mutating func cancel() { base.cancel() }
}

extension MapFuture: Copyable where Base: Copyable {}

extension Future where Self: ~Copyable {
  /// A future whose output is made from this one's by `transform`, called once.
  @inlinable
  public consuming func map<NewOutput>(
    _ transform: @escaping (Output) -> NewOutput
  ) -> MapFuture<Self, NewOutput> {
    MapFuture(base: self, transform: transform)
  }
}
