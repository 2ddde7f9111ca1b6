/// What a memory operation does.
///
/// Corresponds to C's `enum vdm_operation_type`.
public enum OperationKind: UInt8, Hashable, Sendable, BitwiseCopyable, CaseIterable {
  /// Copies between ranges that do not overlap.
  case memcpy
  /// Copies between ranges that may overlap.
  case memmove
  /// Fills a range with a byte.
  case memset
  /// Brings a range from the CPU caches to the persistence domain.
  case flush
}

/// A memory operation: what to do, to which memory.
///
/// Describes memory without owning it. Who makes an operation answers for the memory until it is
/// complete: the source and destination stay valid, nobody writes the source or touches the
/// destination meanwhile.
///
/// Corresponds to C's `struct vdm_operation` and its `vdm_operation_data_*`.
@safe
public struct Operation {
  /// What it does.
  public let kind: OperationKind
  /// The byte that a memset writes; else 0.
  public let value: UInt8
  /// What it asks of the mover.
  public let flags: OperationFlags
  /// Where it writes; for a flush, what it flushes.
  public let destination: UnsafeMutableRawPointer
  /// Where a memcpy or memmove reads; else the destination.
  public let source: UnsafeRawPointer
  /// How many bytes.
  public let byteCount: Int

  /// Describes an operation; nothing is checked yet.
  @inlinable
  package init(
    _ kind: OperationKind, to destination: UnsafeMutableRawPointer, from source: UnsafeRawPointer,
    value: UInt8 = 0, byteCount: Int, flags: OperationFlags
  ) {
    self.kind = kind
    self.value = value
    self.flags = flags
    unsafe self.destination = destination
    unsafe self.source = source
    self.byteCount = byteCount
  }

  /// What is wrong with the operation itself, whatever the mover.
  @inlinable
  var invalidArgument: VDMError.InvalidArgument? {
    guard byteCount >= 0 else { return .negativeByteCount(byteCount) }
    let count = UInt(bitPattern: byteCount)
    let to = unsafe UInt(bitPattern: destination)
    let from = unsafe UInt(bitPattern: source)
    // No address space is that large, and sums of such counts do not overflow.
    guard count <= 1 << 56, count <= UInt.max - max(to, from) else { return .addressOverflow }
    return kind == .memcpy && overlaps ? .overlappingRanges : nil
  }

  /// Whether the two ranges have bytes in common.
  @inlinable
  package var overlaps: Bool {
    let to = unsafe UInt(bitPattern: destination)
    let from = unsafe UInt(bitPattern: source)
    return (to > from ? to - from : from - to) < UInt(bitPattern: byteCount)
  }
}

// @unchecked: an operation only names memory. That the memory may be touched by the mover's
// threads is what its maker answers for, and is stated above.
extension Operation: @unchecked Sendable {}

/// What has become of a memory operation.
///
/// Corresponds to C's `struct vdm_operation_output`.
@safe
public struct OperationOutput {
  /// What the operation did.
  public let kind: OperationKind
  /// Why it failed; `nil` if it succeeded.
  ///
  /// Corresponds to C's `result`.
  public let error: VDMError?
  /// Where it wrote.
  public let destination: UnsafeMutableRawPointer
  /// How many bytes it was about.
  public let byteCount: Int

  @inlinable
  init(_ operation: Operation, error: VDMError?) {
    kind = operation.kind
    byteCount = operation.byteCount
    self.error = error
    unsafe destination = unsafe operation.destination
  }

  /// Whether the operation has done what it was asked for.
  ///
  /// Corresponds to C's `VDM_SUCCESS`.
  @inlinable
  public var isSuccess: Bool { error == nil }

  /// The result, as Swift has it.
  @inlinable
  public var result: Result<UnsafeMutableRawPointer, VDMError> {
    if let error { return unsafe .failure(error) }
    return unsafe .success(destination)
  }

  /// The destination.
  ///
  /// - Throws: The error, if the operation failed.
  @inlinable
  @discardableResult
  public func get() throws(VDMError) -> UnsafeMutableRawPointer {
    if let error { throw error }
    return unsafe destination
  }
}

// @unchecked: it names the destination, as the operation did, and does not touch it.
extension OperationOutput: @unchecked Sendable {}
