public import Glibc
public import MiniAsync

/// A mover that does each operation on the calling thread, inside the first poll.
///
/// It needs no slots and no memory, and its futures cost next to nothing over the C function they
/// call. Its operations are not asynchronous: for those see ``ThreadMover``.
///
/// `durable` and `noCacheHint` are real: see ``OperationFlags``.
///
/// Corresponds to C's `data_mover_sync_new` and `vdm_synchronous_new`.
public struct SynchronousMover: DataMover {
  /// The flags that this CPU can honour.
  public let capabilities: OperationFlags

  /// Makes a mover.
  ///
  /// There is nothing to shut down.
  public init() { capabilities = NativeMemory.best.supportedFlags }

  /// Everything, except a flush on a CPU that is not known.
  @inlinable
  public func supports(_ kind: OperationKind) -> Bool {
    kind != .flush || capabilities.contains(.durable)
  }

  /// None.
  @inlinable
  public func hasProperty(_ property: FutureProperty) -> Bool { false }

  /// Makes nothing.
  @inlinable
  public func makeJob(for operation: Operation) throws(VDMError) -> OperationJob { OperationJob() }

  /// Does the operation.
  @inlinable
  public func start(
    _ job: inout OperationJob, of operation: Operation, _ notifier: inout Notifier
  ) -> FutureProgress<VDMError?> {
    // SAFETY: the operation's maker answers for the memory, and its arguments were checked.
    if operation.flags.isEmpty {
      switch operation.kind {
      case .memcpy:
        _ = unsafe Glibc.memcpy(operation.destination, operation.source, operation.byteCount)
        return .complete(nil)
      case .memmove:
        _ = unsafe Glibc.memmove(operation.destination, operation.source, operation.byteCount)
        return .complete(nil)
      case .memset:
        _ = unsafe Glibc.memset(operation.destination, CInt(operation.value), operation.byteCount)
        return .complete(nil)
      case .flush: break
      }
    }
    unsafe operation.performAndDrain()
    return .complete(nil)
  }

  /// Never needed: a started operation is complete.
  @inlinable
  public func check(
    _ job: inout OperationJob, of operation: Operation, _ notifier: inout Notifier
  ) -> FutureProgress<VDMError?> {
    .complete(nil)
  }
}
