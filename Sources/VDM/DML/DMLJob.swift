/// The memory of a libdml job, and the calls that act on it.
///
/// It stays where it is, because libdml's jobs point into themselves. Used by one thread at a time.
@safe
final class DMLJob {
  let library: any DMLLibrary
  private let memory: UnsafeMutableRawPointer
  private let crc: UnsafeMutablePointer<UInt32>
  /// For whom the job was initialised last.
  private var engine: DMLEngine?
  /// The memory of lists; made when first needed, and kept.
  private var list: UnsafeMutableRawBufferPointer?

  init(_ library: any DMLLibrary) {
    self.library = library
    let size = max(library.jobByteCount(for: .device), library.jobByteCount(for: .processor))
    unsafe memory = .allocate(byteCount: max(size, 1), alignment: 64)
    unsafe crc = .allocate(capacity: 1)
    unsafe crc.initialize(to: 0)
  }

  deinit {
    if engine != nil { unsafe library.finalize(memory) }
    unsafe memory.deallocate()
    unsafe crc.deallocate()
    unsafe list?.deallocate()
  }

  /// How a transfer has ended.
  struct End {
    /// Why it has failed, if it has.
    var error: VDMError?
  }

  /// Takes a transfer as far as it goes; `nil` if that is not to its end.
  func run(_ transfer: inout DMLTransfer) -> End? {
    var step = transfer.resume()
    while true {
      switch step {
      case .submit(let engine):
        unsafe crc.pointee = transfer.crc
        // The status of the submission decides: a job that was refused is never checked.
        var status = prepare(for: engine)
        if status == .ok {
          status = unsafe library.submit(memory, transfer.command(crc: crc))
        }
        step = transfer.submitted(status)
      case .check:
        let report = unsafe library.check(memory)
        step = unsafe transfer.checked(report, crc: crc.pointee)
      case .doNatively:
        unsafe transfer.nativePart?.perform()
        step = transfer.doneNatively()
      case .wait: return nil
      case .complete(let error): return End(error: error)
      }
    }
  }

  private func prepare(for engine: DMLEngine) -> DMLStatus {
    if self.engine == engine { return .ok }
    if self.engine != nil { unsafe library.finalize(memory) }
    let status = unsafe library.initialize(memory, for: engine)
    self.engine = status == .ok ? engine : nil
    return status
  }

  /// Takes a batch as far as it goes, and tells whether that is to its end.
  func run(_ batch: inout DMLBatch) -> Bool {
    var step = batch.resume()
    while true {
      switch step {
      case .submit(let engine): step = submitList(of: &batch, to: engine)
      case .check:
        let status = unsafe library.check(memory).status
        step = batch.checked(status) { unsafe library.batchItemStatus(memory, $0) }
      case .alone(let number):
        guard let end = run(&batch.transfers[number]) else { return false }
        step = batch.ended(end.error)
      case .wait: return false
      case .complete: return true
      }
    }
  }

  private func submitList(of batch: inout DMLBatch, to engine: DMLEngine) -> DMLBatch.Step {
    var status = prepare(for: engine)
    let count = max(batch.list.count, DMLBatch.shortestList)
    let size = status == .ok ? unsafe library.batchByteCount(memory, count) : 0
    if status == .ok && size == 0 { status = .batchSizeError }
    guard status == .ok else { return batch.submitted(status, by: engine) }
    if unsafe (list?.count ?? 0) < size {
      unsafe list?.deallocate()
      unsafe list = .allocate(byteCount: size, alignment: 64)
    }
    guard let start = unsafe list?.baseAddress else {
      return batch.submitted(.batchSizeError, by: engine)
    }
    unsafe library.openBatch(memory, start, byteCount: size)
    for (place, number) in batch.list.enumerated() {
      var command = batch.transfers[number].wholeCommand
      if engine == .processor { command.writesToCache = false }
      if unsafe library.setBatchItem(memory, place, command) != .ok {
        return batch.rejected(number, by: engine)
      }
    }
    for place in batch.list.count..<count {
      _ = unsafe library.setBatchItem(memory, place, DMLCommand(.nop))
    }
    let numaNode = batch.policy.numaNode
    return batch.submitted(unsafe library.submitBatch(memory, numaNode: numaNode), by: engine)
  }
}
