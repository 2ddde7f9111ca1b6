public import VDM

/// What has become of an asynchronous operation of a ``Map``.
///
/// Corresponds to C's `struct pmem2_future_output`, which does not tell errors.
@safe
public struct DurableOutput {
  /// What the operation did.
  public let kind: OperationKind
  /// Why it failed; `nil` if the bytes are durable.
  public let error: PMem2Error?
  /// Where it wrote.
  public let destination: UnsafeMutableRawPointer
  /// How many bytes it was about.
  public let byteCount: Int

  init(_ operation: Operation, error: PMem2Error?) {
    kind = operation.kind
    self.error = error
    unsafe destination = unsafe operation.destination
    byteCount = operation.byteCount
  }

  /// Whether the bytes are there, and durable.
  public var isSuccess: Bool { error == nil }

  /// The destination.
  ///
  /// - Throws: The error, if the operation has failed.
  @discardableResult
  public func get() throws(PMem2Error) -> UnsafeMutableRawPointer {
    if let error { throw error }
    return unsafe destination
  }
}

// @unchecked: it names the destination, and does not touch it.
extension DurableOutput: @unchecked Sendable {}
