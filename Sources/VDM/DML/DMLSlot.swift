import MiniAsync

/// A job of libdml and what to do with it, for one operation after the other.
final class DMLSlot {
  private let job: DMLJob
  /// The operation, unless ``batch`` is one.
  var transfer = DMLTransfer.nothing
  var batch: DMLBatch?

  init(_ library: any DMLLibrary) { job = DMLJob(library) }

  /// Whether anything was begun.
  private var isStarted: Bool { batch?.isStarted ?? transfer.isStarted }
  /// Whether the operation was begun and is not complete: to be finished though nobody waits.
  private(set) var isUnderWay = false

  /// Does what can be done now, without waiting for a device.
  ///
  /// `.idle` means that nothing could be begun, because the device's queues are full.
  func advance() -> FutureProgress<VDMError?> {
    let progress = step()
    isUnderWay = progress.state == .running
    if progress.isComplete { makeDurable() }
    return progress
  }

  private func step() -> FutureProgress<VDMError?> {
    if batch != nil {
      if let isDone = batch?.run(with: job), isDone { return .complete(nil) }
    } else if let end = job.run(&transfer) {
      return .complete(end.error)
    }
    return isStarted ? .running : .idle
  }

  /// Lets the CPU do what a device has no room for.
  func fallBack() {
    transfer.policy.fallsBack = true
    batch?.fallBack()
  }

  /// Makes room for the next operation.
  func clear() {
    if batch != nil { batch = nil }
    isUnderWay = false
  }

  /// Brings what was written to the persistence domain, if that was asked for.
  ///
  /// By the CPU's own flush, whoever has written: what a device has written is coherent with the
  /// caches once it says that it is done. One drain serves all requests of a batch.
  private func makeDurable() {
    var needsDrain = flush(transfer.request)
    for transfer in batch?.transfers ?? [] where flush(transfer.request) { needsDrain = true }
    if needsDrain { NativeMemory.best.drain() }
  }

  /// Flushes what a durable request has written, and tells whether a drain must follow.
  private func flush(_ request: DMLRequest) -> Bool {
    if request.flags.contains(.durable) {
      let memory = NativeMemory.best
      if let start = unsafe request.destination {
        unsafe memory.flush(start, byteCount: request.byteCount)
      }
      if let start = unsafe request.secondDestination {
        unsafe memory.flush(start, byteCount: request.byteCount)
      }
    }
    return !request.flags.isEmpty
  }
}

// @unchecked: a slot is used by one thread at a time: whoever has the future, and once that was
// dropped, whoever took it out of the pool's list. `DMLPool`'s lock hands it over.
extension DMLSlot: @unchecked Sendable {}
