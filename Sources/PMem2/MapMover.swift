import MiniAsync
import VDM

/// The mover of a map: the user's, or the calling thread with the map's own durable functions.
///
/// It hides the user's type, so that a map has one type whatever moves its bytes; the default one
/// is called statically.
enum MapMover: DataMover {
  case native(SynchronousMover)
  case custom(any DataMover)

  init(_ mover: (any DataMover)?) {
    self = mover.map { .custom($0) } ?? .native(SynchronousMover())
  }

  var capabilities: OperationFlags {
    switch self {
    case .native(let mover): mover.capabilities
    case .custom(let mover): mover.capabilities
    }
  }

  func supports(_ kind: OperationKind) -> Bool {
    switch self {
    case .native(let mover): mover.supports(kind)
    case .custom(let mover): mover.supports(kind)
    }
  }

  func hasProperty(_ property: FutureProperty) -> Bool {
    switch self {
    case .native(let mover): mover.hasProperty(property)
    case .custom(let mover): mover.hasProperty(property)
    }
  }

  func makeJob(for operation: Operation) throws(VDMError) -> OperationJob {
    switch self {
    case .native(let mover): try mover.makeJob(for: operation)
    case .custom(let mover): try mover.makeJob(for: operation)
    }
  }

  func start(
    _ job: inout OperationJob, of operation: Operation, _ notifier: inout Notifier
  ) -> FutureProgress<VDMError?> {
    switch self {
    case .native(let mover): mover.start(&job, of: operation, &notifier)
    case .custom(let mover): mover.start(&job, of: operation, &notifier)
    }
  }

  func check(
    _ job: inout OperationJob, of operation: Operation, _ notifier: inout Notifier
  ) -> FutureProgress<VDMError?> {
    switch self {
    case .native(let mover): mover.check(&job, of: operation, &notifier)
    case .custom(let mover): mover.check(&job, of: operation, &notifier)
    }
  }

  func cancel(_ job: inout OperationJob, of operation: Operation) -> Bool {
    switch self {
    case .native(let mover): mover.cancel(&job, of: operation)
    case .custom(let mover): mover.cancel(&job, of: operation)
    }
  }
}
