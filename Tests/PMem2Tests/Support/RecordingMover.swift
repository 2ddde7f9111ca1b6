import Glibc
import MiniAsync
import TestSupport
import VDM

/// A mover that writes down what it is asked, and does it when it is told to.
final class RecordingMover: DataMover, JobOwner {
  /// What it was asked for.
  struct Asked: Equatable {
    var kind: OperationKind
    var flags: OperationFlags
    var byteCount: Int
  }

  struct State {
    var asked: [Asked] = []
    var done = 0
    var ended = 0
    /// How many `check`s an operation needs after its start; 0 completes at the start.
    var checks = 0
    var error: VDMError?
    var makeError: VDMError?
    var canCancel = false
    /// While it is held, no operation is done.
    var isHeld = false
    var wakers: [Waker] = []
  }

  let capabilities: OperationFlags
  private let kinds: Set<OperationKind>
  private let isAsync: Bool
  let state = Guarded(State())

  init(
    _ capabilities: OperationFlags = [], kinds: Set<OperationKind> = Set(OperationKind.allCases),
    isAsync: Bool = false
  ) {
    self.capabilities = capabilities
    self.kinds = kinds
    self.isAsync = isAsync
  }

  var asked: [Asked] { state.withLock { $0.asked } }

  func set<T>(_ path: WritableKeyPath<State, T>, _ value: T) {
    state.withLock { $0[keyPath: path] = value }
  }

  func supports(_ kind: OperationKind) -> Bool { kinds.contains(kind) }
  func hasProperty(_ property: FutureProperty) -> Bool { isAsync }

  func makeJob(for operation: Operation) throws(VDMError) -> OperationJob {
    if let error = state.withLock({ $0.makeError }) { throw error }
    return OperationJob(owner: self, token: 0)
  }

  func start(
    _ job: inout OperationJob, of operation: Operation, _ notifier: inout Notifier
  ) -> FutureProgress<VDMError?> {
    state.withLock {
      $0.asked.append(
        Asked(kind: operation.kind, flags: operation.flags, byteCount: operation.byteCount))
    }
    return step(operation, isStart: true, &notifier)
  }

  func check(
    _ job: inout OperationJob, of operation: Operation, _ notifier: inout Notifier
  ) -> FutureProgress<VDMError?> {
    step(operation, isStart: false, &notifier)
  }

  private func step(
    _ operation: Operation, isStart: Bool, _ notifier: inout Notifier
  ) -> FutureProgress<VDMError?> {
    let (waits, error) = state.withLock { state -> (Bool, VDMError?) in
      if state.isHeld {
        if let waker = notifier.takeWaker() { state.wakers.append(waker) }
        return (true, nil)
      }
      if isStart, state.checks > 0 { return (true, nil) }
      return (false, state.error)
    }
    if waits { return .running }
    if let error { return .complete(error) }
    switch operation.kind {
    case .memcpy: Glibc.memcpy(operation.destination, operation.source, operation.byteCount)
    case .memmove: Glibc.memmove(operation.destination, operation.source, operation.byteCount)
    case .memset: Glibc.memset(operation.destination, CInt(operation.value), operation.byteCount)
    case .flush: break
    }
    state.withLock { $0.done += 1 }
    return .complete(nil)
  }

  func cancel(_ job: inout OperationJob, of operation: Operation) -> Bool {
    state.withLock { $0.canCancel }
  }

  func endJob(_ token: UInt64) { state.withLock { $0.ended += 1 } }

  /// Lets operations be done, and wakes who waits.
  func release() {
    let wakers = state.withLock { state in
      state.isHeld = false
      defer { state.wakers = [] }
      return state.wakers
    }
    for waker in wakers { waker.wake() }
  }
}
