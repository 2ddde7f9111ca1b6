import Glibc

/// Why a memory operation failed, or could not be made.
///
/// Corresponds to C's `enum vdm_operation_result`, with what was silently ignored or ended the
/// process there. Plain bits: it owns no memory.
public enum VDMError: Error, Hashable, Sendable, BitwiseCopyable {
  /// The mover has no slot left for the operation: that many are in use.
  ///
  /// Wait for some to complete, or give the mover a larger slot capacity. Corresponds to
  /// `VDM_ERROR_OUT_OF_MEMORY`.
  case outOfSlots(capacity: Int)
  /// The mover lost track of the operation; the destination's contents are undefined.
  ///
  /// Corresponds to `VDM_ERROR_JOB_CORRUPTED`.
  case jobCorrupted
  /// The mover cannot do what these flags ask for.
  case unsupportedFlags(OperationFlags)
  /// The mover cannot do operations of this kind.
  case unsupportedOperation(OperationKind)
  /// The operation makes no sense.
  case invalidArgument(InvalidArgument)
  /// The operation was cancelled before a worker had begun it; it has not touched memory.
  case cancelled
  /// The mover was shut down before the operation was started; it has not touched memory.
  case moverShutDown
  /// The mover's threads could not be started: the error number of `pthread_create`.
  case threadsNotStarted(errno: CInt)
  /// This package was built without the trait `DML`, which ``DMLMover`` needs.
  case dmlNotBuilt
  /// There is no accelerator for ``DMLMover/Path/hardware``: libdml's answer, and what is missing.
  case noAccelerator(DMLStatus, missing: DMLShortage)
  /// libdml could not do the operation; the destination's contents are undefined.
  case dml(DMLStatus)

  /// What is wrong with an operation.
  public enum InvalidArgument: Hashable, Sendable, BitwiseCopyable {
    /// The number of bytes is negative.
    case negativeByteCount(Int)
    /// A range goes past the end of the address space.
    case addressOverflow
    /// The ranges overlap: only memmove takes that.
    case overlappingRanges
  }
}

extension VDMError: CustomStringConvertible {
  /// What happened and what to do about it.
  public var description: String {
    switch self {
    case .outOfSlots(let capacity):
      "the mover's \(capacity) slots are all in use: wait for operations to complete, or raise its slot capacity"
    case .jobCorrupted: "the mover lost track of the operation"
    case .unsupportedFlags(let flags): "the mover does not support \(flags)"
    case .unsupportedOperation(let kind): "the mover does not support \(kind)"
    case .invalidArgument(.negativeByteCount(let count)): "the byte count \(count) is negative"
    case .invalidArgument(.addressOverflow): "a range goes past the end of the address space"
    case .invalidArgument(.overlappingRanges): "the ranges overlap: only memmove takes that"
    case .cancelled: "the operation was cancelled before it began"
    case .moverShutDown: "the mover was shut down before the operation was started"
    case .threadsNotStarted(let errno):
      unsafe "the mover's threads could not be started: \(String(cString: strerror(errno)))"
    case .dmlNotBuilt:
      "there is no DML mover in this build: build with the package trait DML (swift build --traits DML; docs/dml.md)"
    case .noAccelerator(let status, let missing): "no accelerator: \(missing) (\(status))"
    case .dml(let status): "libdml could not do the operation: \(status)"
    }
  }
}
