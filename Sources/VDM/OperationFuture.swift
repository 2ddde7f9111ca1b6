public import MiniAsync

/// A memory operation as a future.
///
/// Made by the methods of a ``DataMover``.
///
/// It may be dropped in any state: an operation that was not started gives back its slot, one that
/// is under way is finished by the mover, which then frees the slot.
///
/// ``cancel()`` completes an operation that no worker has begun with ``VDMError/cancelled``. One
/// that has begun goes on.
///
/// Corresponds to C's `struct vdm_operation_future`.
public struct OperationFuture<Mover: DataMover>: Future, ~Copyable {
  /// The mover that does the operation.
  public let mover: Mover
  /// The operation.
  public let operation: Operation
  /// What the mover keeps for it; nothing once it is complete.
  @usableFromInline var job: OperationJob
  /// Where the operation stands.
  public var progress: FutureProgress<OperationOutput>

  /// Makes the future of an operation; a complete one if the operation cannot be made.
  @inlinable
  package init(_ mover: Mover, _ operation: Operation) {
    self.mover = mover
    self.operation = operation
    do throws(VDMError) {
      if let problem = operation.invalidArgument { throw .invalidArgument(problem) }
      guard mover.supports(operation.kind) else { throw .unsupportedOperation(operation.kind) }
      guard mover.isSupported(operation.flags) else {
        throw .unsupportedFlags(operation.flags.subtracting(mover.capabilities))
      }
      job = try mover.makeJob(for: operation)
      progress = .idle
    } catch {
      job = OperationJob()
      progress = .complete(OperationOutput(operation, error: error))
    }
  }

  /// Starts the operation, or looks whether it is done; called by `poll`.
  @inlinable
  public mutating func advance(_ notifier: inout Notifier) -> FutureProgress<OperationOutput> {
    let reached =
      progress.state == .idle
      ? mover.start(&job, of: operation, &notifier)
      : mover.check(&job, of: operation, &notifier)
    switch reached {
    case .complete(let error):
      job = OperationJob()
      return .complete(OperationOutput(operation, error: error))
    case .running: return .running
    case .idle: return .idle
    }
  }

  /// Whether the mover's futures have `property`; a complete one has none.
  @inlinable
  public borrowing func hasProperty(_ property: FutureProperty) -> Bool {
    !progress.isComplete && mover.hasProperty(property)
  }

  /// Completes the operation with ``VDMError/cancelled`` if it was not begun.
  @inlinable
  public mutating func cancel() {
    if progress.isComplete { return }
    if progress.state == .idle || mover.cancel(&job, of: operation) {
      job = OperationJob()
      progress = .complete(OperationOutput(operation, error: .cancelled))
    }
  }
}

// A job is used by whoever has the future: it moves with it.
extension OperationFuture: Sendable {}
