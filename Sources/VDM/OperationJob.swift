/// What a mover keeps for one operation, such as the number of a slot.
///
/// A job belongs to its future, which drops it when the operation is complete or when it is
/// dropped itself: the owner is then told, exactly once. A mover that keeps nothing makes jobs
/// without an owner.
///
/// Corresponds to the `void *` that C's `op_new` returns.
public struct OperationJob: ~Copyable, Sendable {
  // Not generic, though every mover has its own idea of a job: Swift 6.3.1 skips the `deinit` of a
  // generic non-copyable struct in optimised code that destroys it by its type's value witness.
  @usableFromInline var owner: (any JobOwner)?
  /// What the owner knows the job by.
  public let token: UInt64

  /// Makes a job of which nobody need be told.
  @inlinable
  public init() {
    owner = nil
    token = 0
  }

  /// Makes a job.
  ///
  /// - Parameters:
  ///   - owner: Who is told when the job is dropped.
  ///   - token: What the owner knows the job by.
  @inlinable
  public init(owner: any JobOwner, token: UInt64) {
    self.owner = owner
    self.token = token
  }

  /// Gives up the job without telling the owner, who has given it to somebody else.
  @inlinable
  public mutating func disown() { owner = nil }

  @inlinable
  deinit { owner?.endJob(token) }
}

/// Who is told when a ``OperationJob`` is dropped: the mover itself, usually.
public protocol JobOwner: AnyObject, Sendable {
  /// Gives back what was made for an operation; its future has completed or was dropped.
  ///
  /// If the operation is under way the mover keeps what it needs until that is done. Called
  /// exactly once for each job, from any thread. It must not block.
  ///
  /// Corresponds to C's `op_delete`.
  func endJob(_ token: UInt64)
}
