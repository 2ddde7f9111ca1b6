/// A future of any type with a certain output, behind a reference.
///
/// For arrays and groups of futures of different types. Costs an allocation when it is made and a
/// dynamic call per poll. Copies share the one future: poll one of them only.
public struct AnyFuture<Output>: Future {
  @usableFromInline let box: AnyFutureBox<Output>
  /// Where the future stands.
  public var progress: FutureProgress<Output>

  /// Takes over `future`.
  @inlinable
  public init<F: Future & ~Copyable>(_ future: consuming F) where F.Output == Output {
    progress = future.progress
    unsafe box = FutureBox(future) { unsafe $0.deinitialize(count: 1) }
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

@usableFromInline
class AnyFutureBox<Output> {
  func poll(_ notifier: inout Notifier) -> FutureProgress<Output> {
    preconditionFailure("AnyFuture: a box without a future")
  }
  func hasProperty(_ property: FutureProperty) -> Bool { false }
  func cancel() {}
}

@safe
@usableFromInline
final class FutureBox<F: Future & ~Copyable>: AnyFutureBox<F.Output> {
  // SAFETY: holds a future from `init` to `deinit`.
  private let future: UnsafeMutablePointer<F>
  /// Ends the future; formed where its type is known, see ``FutureStore``.
  private let destroy: (UnsafeMutablePointer<F>) -> Void

  @usableFromInline
  init(_ future: consuming F, destroy: @escaping (UnsafeMutablePointer<F>) -> Void) {
    unsafe self.future = .allocate(capacity: 1)
    unsafe self.future.initialize(to: future)
    unsafe self.destroy = destroy
  }

  deinit {
    unsafe destroy(future)
    unsafe future.deallocate()
  }

  override func poll(_ notifier: inout Notifier) -> FutureProgress<F.Output> {
    _ = unsafe future.pointee.poll(&notifier)
    return unsafe future.pointee.progress
  }

  override func hasProperty(_ property: FutureProperty) -> Bool {
    unsafe future.pointee.hasProperty(property)
  }

  override func cancel() { unsafe future.pointee.cancel() }
}
