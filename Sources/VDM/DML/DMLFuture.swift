public import MiniAsync

/// An operation of a ``DMLMover`` that other movers do not have, as a future.
///
/// Made by the methods of ``DMLMover``, and like an ``OperationFuture`` in all: nothing happens
/// before the first poll; it may be dropped in any state, and what was started is finished; one
/// that was not started can be cancelled.
public struct DMLFuture<Value: Sendable>: Future, ~Copyable {
  /// The mover that does the operation.
  public let mover: DMLMover
  /// Where the operation stands; in the end its value, or why there is none.
  public var progress: FutureProgress<Result<Value, VDMError>>
  private var job: OperationJob
  private let read: @Sendable (DMLSlot) -> Value

  /// Makes the future of an operation; a complete one if the operation cannot be made.
  ///
  /// - Parameters:
  ///   - mover: The mover.
  ///   - read: Takes the value out of the slot, in the end.
  ///   - make: Takes a slot.
  init(
    _ mover: DMLMover, _ read: @escaping @Sendable (DMLSlot) -> Value,
    make: () throws(VDMError) -> OperationJob
  ) {
    self.mover = mover
    self.read = read
    do throws(VDMError) {
      job = try make()
      progress = .idle
    } catch {
      job = OperationJob()
      progress = .complete(.failure(error))
    }
  }

  /// Starts the operation, or looks whether it is done; called by `poll`.
  public mutating func advance(
    _ notifier: inout Notifier
  ) -> FutureProgress<Result<Value, VDMError>> {
    switch mover.advance(job) {
    case .idle: return .idle
    case .running: return .running
    case .complete(let error):
      let result: Result<Value, VDMError> =
        if let error { .failure(error) } else { .success(read(mover.slot(of: job))) }
      job = OperationJob()
      return .complete(result)
    }
  }

  /// Whether the mover's futures have `property`; a complete one has none.
  public borrowing func hasProperty(_ property: FutureProperty) -> Bool {
    !progress.isComplete && mover.hasProperty(property)
  }

  /// Completes the operation with ``VDMError/cancelled`` if it was not begun.
  public mutating func cancel() {
    guard progress.state == .idle else { return }
    job = OperationJob()
    progress = .complete(.failure(.cancelled))
  }
}

// A job is used by whoever has the future: it moves with it.
extension DMLFuture: Sendable {}
