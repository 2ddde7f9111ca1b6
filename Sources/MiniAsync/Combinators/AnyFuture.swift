/// A future of any type with a certain output, behind a reference.
///
/// For arrays and groups of futures of different types. Costs an allocation when it is made and a
/// dynamic call per poll. Copies share the one future: poll one of them only.
public struct AnyFuture<Output>: Future {
  private let box: AnyFutureBox<Output>
  /// Where the future stands.
  public var progress: FutureProgress<Output>

  /// Takes over `future`.
  public init<F: Future & ~Copyable>(_ future: consuming F) where F.Output == Output {
    progress = future.progress
    box = FutureBox(future)
  }

  /// Does what can be done now; see ``Future/advance(_:)``.
  public mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Output> {
    box.poll(&notifier)
  }

  /// Whether the part whose turn it is has `property`.
  public borrowing func hasProperty(_ property: FutureProperty) -> Bool {
    box.hasProperty(property)
  }

  /// Passes the request on to what is not complete yet.
  public mutating func cancel() { box.cancel() }
}

private class AnyFutureBox<Output> {
  func poll(_ notifier: inout Notifier) -> FutureProgress<Output> { fatalError("abstract") }
  func hasProperty(_ property: FutureProperty) -> Bool { false }
  func cancel() {}
}

private final class FutureBox<F: Future & ~Copyable>: AnyFutureBox<F.Output> {
  private var future: F

  init(_ future: consuming F) { self.future = future }

  override func poll(_ notifier: inout Notifier) -> FutureProgress<F.Output> {
    _ = future.poll(&notifier)
    return future.progress
  }

  override func hasProperty(_ property: FutureProperty) -> Bool { future.hasProperty(property) }

  override func cancel() { future.cancel() }
}
