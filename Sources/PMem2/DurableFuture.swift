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
  private let operation: Operation
  /// What the mover makes of it; `nil` if the calling thread does it, and once it is complete.
  private var future: OperationFuture<MapMover>?
  // INVARIANT: the map counts it exactly until it is complete.
  /// Where the operation stands.
  public var progress: FutureProgress<DurableOutput>

  init(_ map: Map, _ wanted: Operation) {
    self.map = map
    operation = wanted.with(flags: map.durability.moverFlags(wanted.flags))
    future = nil
    progress = .idle
    do throws(PMem2Error) {
      unsafe try map.checkWritable(operation.destination, operation.byteCount)
      guard map.beginOperation() else { throw .mappingNotFound }
    } catch {
      progress = .complete(DurableOutput(operation, error: error))
      return
    }
    if map.performs(operation) { return }
    future = OperationFuture(map.mover, operation)
    settle()
  }

  deinit {
    if progress.isComplete { return }
    guard let future, future.state == .running else {
      map.endOperations(1)
      return
    }
    var group = FutureGroup<OperationFuture<MapMover>>(minimumCapacity: 1)
    group.add(future)
    map.adopt(group)
  }

  /// Starts the operation, or looks whether it is done; called by `poll`.
  public mutating func advance(_ notifier: inout Notifier) -> FutureProgress<DurableOutput> {
    if future == nil {
      // SAFETY: the destination was checked; the future's maker answers for the source.
      unsafe operation.perform(with: map.system.memory)
      if !operation.flags.isEmpty { map.system.memory.drain() }
      complete(nil)
    } else {
      _ = future?.poll(&notifier)
      settle()
    }
    return progress
  }

  /// Takes over what the mover's future has come to.
  private mutating func settle() {
    let reached = future?.progress ?? .idle
    switch reached {
    case .idle: return
    case .running: progress = .running
    case .complete(let output):
      future = nil
      complete(output.error)
    }
  }

  private mutating func complete(_ error: VDMError?) {
    progress = .complete(DurableOutput(operation, error: finish(error)))
    map.endOperations(1)
  }

  /// Makes durable what the mover has done.
  private func finish(_ error: VDMError?) -> PMem2Error? {
    if let error { return .operation(error) }
    do throws(PMem2Error) {
      unsafe try map.makeDurable(operation.destination, operation.byteCount)
      return nil
    } catch {
      return error
    }
  }

  /// Whether the mover's futures have `property`; a complete one has none.
  public borrowing func hasProperty(_ property: FutureProperty) -> Bool {
    future?.hasProperty(property) ?? false
  }

  /// Completes the operation with `VDMError.cancelled` if the mover has not begun it.
  public mutating func cancel() {
    if progress.isComplete { return }
    guard future != nil else { return complete(.cancelled) }
    future?.cancel()
    settle()
  }
}

extension DurableFuture: Sendable {}
