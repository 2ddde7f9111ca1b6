import Synchronization

/// Who has a slot of the thread mover: a pure value whose transitions tell what to do.
///
/// A slot is made by a future, handed to the workers, and comes back. The future may be dropped
/// at any time, and may stop the operation as long as no worker has begun it; whoever of future
/// and worker is last to have it frees it.
enum SlotState: UInt8, AtomicRepresentable, Sendable {
  /// The future's alone: not handed to the workers, or handed back.
  case owned
  /// In the queue.
  case queued
  /// In the queue, and its future is gone: to be done and freed.
  case queuedAbandoned
  /// In the queue, and stopped: not to be done, only freed.
  case queuedStopped
  /// A worker is doing it.
  case begun
  /// A worker is doing it, and its future is gone: to be freed.
  case begunAbandoned
  /// Done: the future's alone again.
  case done

  /// What to do after a transition.
  enum Action: Hashable {
    /// Nothing.
    case none
    /// A worker: do the operation.
    case perform
    /// A worker: the future is waiting, wake it.
    case wake
    /// Put the slot back into the pool: nobody else has it.
    case free
  }

  // MARK: The worker

  /// A worker has taken the slot from the queue.
  mutating func begin() -> Action {
    switch self {
    case .queued: self = .begun
    case .queuedAbandoned: self = .begunAbandoned
    case .queuedStopped: return .free
    case .owned, .begun, .begunAbandoned, .done:
      preconditionFailure("ThreadMover: a slot in state \(self) was in the queue")
    }
    return .perform
  }

  /// A worker has done the operation.
  mutating func finish() -> Action {
    switch self {
    case .begun:
      self = .done
      return .wake
    case .begunAbandoned: return .free
    case .owned, .queued, .queuedAbandoned, .queuedStopped, .done:
      preconditionFailure("ThreadMover: a slot in state \(self) was finished")
    }
  }

  // MARK: The future

  /// The future is dropped, or has read the result.
  mutating func abandon() -> Action {
    switch self {
    case .owned, .done: return .free
    case .queued: self = .queuedAbandoned
    case .begun: self = .begunAbandoned
    case .queuedAbandoned, .queuedStopped, .begunAbandoned:
      preconditionFailure("ThreadMover: a slot in state \(self) has no future")
    }
    return .none
  }

  /// The future wants the operation stopped.
  ///
  /// It is, if the state is ``queuedStopped`` then.
  mutating func stop() -> Action {
    if self == .queued { self = .queuedStopped }
    return .none
  }
}
