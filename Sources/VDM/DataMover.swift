public import MiniAsync

/// Something that moves memory: a CPU, threads, a device.
///
/// Use a mover by its methods `memcpy`, `memmove`, `memset` and `flush`, which make
/// ``OperationFuture``s. Write one by conforming to this protocol: the future calls ``makeJob(for:)``
/// when it is made, ``start(_:of:_:)`` at each poll until it has started, ``check(_:of:_:)`` at
/// each poll after that, and drops the ``OperationJob`` when it completes or is dropped itself.
///
/// Before an operation reaches the mover, its arguments, its kind and its flags were checked
/// against what the mover supports.
///
/// A mover may be used from several threads at once; a job is used by one at a time.
///
/// Corresponds to C's `struct vdm`.
public protocol DataMover: Sendable {
  /// The flags that operations may have. Corresponds to C's `capabilities`.
  var capabilities: OperationFlags { get }

  /// Whether operations of this kind can be done.
  func supports(_ kind: OperationKind) -> Bool

  /// Whether a future of this mover has `property`. Corresponds to C's `has_property`.
  func hasProperty(_ property: FutureProperty) -> Bool

  /// Makes what the mover needs for an operation, without doing anything yet.
  ///
  /// - Throws: ``VDMError/outOfSlots(capacity:)``, or whatever keeps the operation from being
  ///   done. The future is then complete from the beginning, with the error.
  ///
  /// Corresponds to C's `op_new`.
  func makeJob(for operation: Operation) throws(VDMError) -> OperationJob

  /// Starts an operation, or does it at once.
  ///
  /// - Parameters:
  ///   - job: What ``makeJob(for:)`` made.
  ///   - operation: The operation.
  ///   - notifier: For the waiter; used as a future does.
  /// - Returns: `.complete` if it is done, with the error if it failed; `.running` if it was
  ///   started; `.idle` if it could not be started yet, and is to be tried again.
  ///
  /// Corresponds to C's `op_start`.
  func start(
    _ job: inout OperationJob, of operation: Operation, _ notifier: inout Notifier
  ) -> FutureProgress<VDMError?>

  /// Looks whether an operation that was started is done.
  ///
  /// - Parameters:
  ///   - job: What ``makeJob(for:)`` made.
  ///   - operation: The operation.
  ///   - notifier: For the waiter; used as a future does.
  /// - Returns: `.complete` if it is done, with the error if it failed; else `.running`.
  ///
  /// Corresponds to C's `op_check`.
  func check(
    _ job: inout OperationJob, of operation: Operation, _ notifier: inout Notifier
  ) -> FutureProgress<VDMError?>

  /// Tries to stop an operation that was started but not begun. By default it does not.
  ///
  /// - Parameters:
  ///   - job: What ``makeJob(for:)`` made.
  ///   - operation: The operation.
  /// - Returns: Whether it was stopped, and will not touch memory.
  func cancel(_ job: inout OperationJob, of operation: Operation) -> Bool

}

extension DataMover {
  /// Does not stop anything.
  @inlinable
  public func cancel(_ job: inout OperationJob, of operation: Operation) -> Bool { false }

  /// Whether operations may have all of `flags`.
  ///
  /// Corresponds to C's `vdm_is_supported`.
  @inlinable
  public func isSupported(_ flags: OperationFlags) -> Bool { capabilities.isSuperset(of: flags) }

  /// A future of copying `byteCount` bytes between ranges that do not overlap.
  ///
  /// Nothing happens before the first poll. The memory must stay valid, and nobody else may use
  /// it, until the future is complete; if it is dropped before, until the mover has ended.
  ///
  /// - Parameters:
  ///   - destination: Where to copy to.
  ///   - source: Where to copy from.
  ///   - byteCount: How many bytes. 0 is allowed.
  ///   - flags: What is asked of the mover beyond copying.
  /// - Returns: The future. If the operation cannot be made, it is complete already, with the
  ///   error in its output.
  ///
  /// Corresponds to C's `vdm_memcpy`.
  @inlinable
  public func memcpy(
    to destination: UnsafeMutableRawPointer, from source: UnsafeRawPointer, byteCount: Int,
    flags: OperationFlags = []
  ) -> OperationFuture<Self> {
    unsafe OperationFuture(
      self, Operation(.memcpy, to: destination, from: source, byteCount: byteCount, flags: flags))
  }

  /// A future of copying `byteCount` bytes between ranges that may overlap.
  ///
  /// As ``memcpy(to:from:byteCount:flags:)``. Corresponds to C's `vdm_memmove`.
  @inlinable
  public func memmove(
    to destination: UnsafeMutableRawPointer, from source: UnsafeRawPointer, byteCount: Int,
    flags: OperationFlags = []
  ) -> OperationFuture<Self> {
    unsafe OperationFuture(
      self, Operation(.memmove, to: destination, from: source, byteCount: byteCount, flags: flags))
  }

  /// A future of filling `byteCount` bytes with `value`.
  ///
  /// As ``memcpy(to:from:byteCount:flags:)``. Corresponds to C's `vdm_memset`.
  @inlinable
  public func memset(
    _ destination: UnsafeMutableRawPointer, to value: UInt8, byteCount: Int,
    flags: OperationFlags = []
  ) -> OperationFuture<Self> {
    unsafe OperationFuture(
      self,
      Operation(
        .memset, to: destination, from: destination, value: value, byteCount: byteCount,
        flags: flags))
  }

  /// A future of bringing `byteCount` bytes from the CPU caches to the persistence domain.
  ///
  /// As ``memcpy(to:from:byteCount:flags:)``. Corresponds to C's `vdm_flush`.
  @inlinable
  public func flush(
    _ destination: UnsafeMutableRawPointer, byteCount: Int
  ) -> OperationFuture<Self> {
    unsafe OperationFuture(
      self, Operation(.flush, to: destination, from: destination, byteCount: byteCount, flags: []))
  }
}
