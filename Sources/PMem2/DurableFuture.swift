public import MiniAsync
import VDM

/// A copy or fill of a ``Map`` that is complete when the bytes are durable.
///
/// Made by ``Map/memcpyAsync(to:from:byteCount:flags:)`` and its like. The mover does it; then,
/// where the mover does not, the poll that finds it done makes it durable, which blocks on a map of
/// page granularity (`msync`).
///
/// It keeps its map mapped. It may be dropped in any state: what is under way is finished by the
/// mover, and the map waits for that before it unmaps. ``cancel()`` completes an operation that
/// the mover has not begun with `VDMError.cancelled`.
///
/// Corresponds to C's `struct pmem2_future`.
public struct DurableFuture: Future, ~Copyable {
  private let map: Map
  private let request: Request
  // INVARIANT: `nil` exactly if the future is complete or was refused; else the map counts it.
  private var operation: OperationFuture<MapMover>?
  /// Where the operation stands.
  public var progress: FutureProgress<DurableOutput>

  init(_ map: Map, _ request: Request, _ flags: OperationFlags) {
    self.map = map
    self.request = request
    do throws(PMem2Error) {
      unsafe try map.checkWritable(request.destination, request.byteCount)
      guard map.beginOperation() else { throw .mappingNotFound }
      operation = request.makeFuture(map.mover, map.durability.moverFlags(flags))
      progress = .idle
    } catch {
      operation = nil
      progress = .complete(DurableOutput(request, error: error))
      return
    }
    settle()
  }

  deinit {
    guard let operation else { return }
    if operation.state == .running {
      var group = FutureGroup<OperationFuture<MapMover>>(minimumCapacity: 1)
      group.add(operation)
      map.adopt(group)
    } else {
      map.endOperations(1)
    }
  }

  /// Starts the operation, or looks whether it is done; called by `poll`.
  public mutating func advance(_ notifier: inout Notifier) -> FutureProgress<DurableOutput> {
    _ = operation?.poll(&notifier)
    settle()
    return progress
  }

  /// Takes over what the operation has come to.
  private mutating func settle() {
    let reached = operation?.progress ?? .idle
    switch reached {
    case .idle: return
    case .running: progress = .running
    case .complete(let output):
      operation = nil
      progress = .complete(DurableOutput(request, error: finish(output.error)))
      map.endOperations(1)
    }
  }

  /// Makes durable what the mover has done.
  private func finish(_ error: VDMError?) -> PMem2Error? {
    if let error { return .operation(error) }
    do throws(PMem2Error) {
      unsafe try map.makeDurable(request.destination, request.byteCount)
      return nil
    } catch {
      return error
    }
  }

  /// Whether the mover's futures have `property`; a complete one has none.
  public borrowing func hasProperty(_ property: FutureProperty) -> Bool {
    operation?.hasProperty(property) ?? false
  }

  /// Completes the operation with `VDMError.cancelled` if the mover has not begun it.
  public mutating func cancel() {
    operation?.cancel()
    settle()
  }
}

extension DurableFuture: Sendable {}
