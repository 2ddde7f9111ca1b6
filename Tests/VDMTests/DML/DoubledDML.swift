import CDMLDouble
import VDM

/// The mover's libdml, played by the test double.
final class DoubledDML: DMLLibrary {
  private nonisolated(unsafe) let device: OpaquePointer
  let version = "double"

  /// Makes one; by default with a device that takes everything.
  init(_ change: (inout dmldouble_setup_t) -> Void = { _ in }) {
    var setup = dmldouble_setup_t()
    setup.has_device = 1
    setup.queue_size = 1024
    change(&setup)
    device = dmldouble_new(setup)
  }

  deinit { dmldouble_delete(device) }

  // MARK: What a test wants

  /// What is to become of the next submission to the device.
  func plan(_ change: (inout dmldouble_plan_t) -> Void) { plan(software: false, change) }

  /// What is to become of the next submission to the CPU.
  func planSoftware(_ change: (inout dmldouble_plan_t) -> Void) { plan(software: true, change) }

  private func plan(software: Bool, _ change: (inout dmldouble_plan_t) -> Void) {
    var plan = dmldouble_plan_t()
    change(&plan)
    dmldouble_plan(device, software ? 1 : 0, plan)
  }

  func failNextInitialisation(_ status: UInt32) { dmldouble_fail_init(device, status) }

  var counts: dmldouble_counts_t { dmldouble_counts(device) }

  // MARK: libdml

  func jobByteCount(for engine: DMLEngine) -> Int {
    var size: UInt32 = 0
    dmldouble_get_job_size(path(engine), &size)
    return Int(size)
  }

  func initialize(_ job: UnsafeMutableRawPointer, for engine: DMLEngine) -> DMLStatus {
    own(dmldouble_init_job(device, path(engine), typed(job)))
  }

  func finalize(_ job: UnsafeMutableRawPointer) { dmldouble_finalize_job(typed(job)) }

  func submit(_ job: UnsafeMutableRawPointer, _ command: DMLCommand) -> DMLStatus {
    let job = typed(job)
    job.pointee.operation =
      switch command.operation {
      case .nop: DMLDOUBLE_OP_NOP
      case .move: DMLDOUBLE_OP_MEM_MOVE
      case .fill: DMLDOUBLE_OP_FILL
      case .compare: DMLDOUBLE_OP_COMPARE
      case .crc: DMLDOUBLE_OP_CRC
      case .copyCRC: DMLDOUBLE_OP_COPY_CRC
      case .dualcast: DMLDOUBLE_OP_DUALCAST
      }
    job.pointee.source_first_ptr = bytes(command.source)
    job.pointee.source_second_ptr = bytes(command.secondSource)
    job.pointee.destination_first_ptr = bytes(command.destination)
    job.pointee.destination_second_ptr = bytes(command.secondDestination)
    job.pointee.source_length = command.byteCount
    job.pointee.destination_length = command.byteCount
    withUnsafeMutableBytes(of: &job.pointee.pattern) {
      $0.storeBytes(of: command.pattern, as: UInt64.self)
    }
    job.pointee.crc_checksum_ptr = command.crc
    job.pointee.numa_id = command.numaNode
    job.pointee.flags = flags(command)
    return own(dmldouble_submit_job(job))
  }

  func check(_ job: UnsafeMutableRawPointer) -> DMLReport {
    let job = typed(job)
    var report = DMLReport(status: own(dmldouble_check_job(job)))
    report.differs = job.pointee.result != 0
    report.offset = job.pointee.offset
    return report
  }

  func batchByteCount(_ job: UnsafeMutableRawPointer, _ count: Int) -> Int {
    var size: UInt32 = 0
    return dmldouble_get_batch_size(typed(job), UInt32(count), &size) == DMLDOUBLE_STATUS_OK
      ? Int(size) : 0
  }

  func openBatch(_ job: UnsafeMutableRawPointer, _ list: UnsafeMutableRawPointer, byteCount: Int) {
    let job = typed(job)
    job.pointee.operation = DMLDOUBLE_OP_BATCH
    job.pointee.destination_first_ptr = bytes(list)
    job.pointee.destination_length = UInt32(byteCount)
  }

  func setBatchItem(
    _ job: UnsafeMutableRawPointer, _ index: Int, _ command: DMLCommand
  ) -> DMLStatus {
    let (job, index) = (typed(job), UInt32(index))
    switch command.operation {
    case .nop: return own(dmldouble_batch_set_nop_by_index(job, index, 0))
    case .move:
      return own(
        dmldouble_batch_set_mem_move_by_index(
          job, index, bytes(command.source), bytes(command.destination), command.byteCount,
          flags(command)))
    case .fill:
      return withUnsafeBytes(of: command.pattern) { pattern in
        own(
          dmldouble_batch_set_fill_by_index(
            job, index, pattern.bindMemory(to: UInt8.self).baseAddress,
            bytes(command.destination), command.byteCount, flags(command)))
      }
    case .dualcast:
      return own(
        dmldouble_batch_set_dualcast_by_index(
          job, index, bytes(command.source), bytes(command.destination),
          bytes(command.secondDestination), command.byteCount, flags(command)))
    case .compare, .crc, .copyCRC: return own(DMLDOUBLE_STATUS_JOB_OPERATION_ERROR)
    }
  }

  func submitBatch(_ job: UnsafeMutableRawPointer, numaNode: UInt32) -> DMLStatus {
    let job = typed(job)
    job.pointee.numa_id = numaNode
    job.pointee.flags = 0
    return own(dmldouble_submit_job(job))
  }

  func batchItemStatus(_ job: UnsafeMutableRawPointer, _ index: Int) -> DMLStatus {
    var status = DMLDOUBLE_STATUS_OK
    let asked = dmldouble_batch_get_status(typed(job), UInt32(index), &status)
    return own(asked == DMLDOUBLE_STATUS_OK ? status : asked)
  }

  private func path(_ engine: DMLEngine) -> dmldouble_path_t {
    engine == .device ? DMLDOUBLE_PATH_HW : DMLDOUBLE_PATH_SW
  }

  private func flags(_ command: DMLCommand) -> UInt64 {
    (command.writesToCache ? UInt64(DMLDOUBLE_FLAG_PREFETCH_CACHE) : 0)
      | (command.crc != nil ? UInt64(DMLDOUBLE_FLAG_CRC_READ_SEED) : 0)
  }

  private func own(_ status: dmldouble_status_t) -> DMLStatus {
    DMLStatus(rawValue: status.rawValue)
  }

  private func typed(_ job: UnsafeMutableRawPointer) -> UnsafeMutablePointer<dmldouble_job_t> {
    job.assumingMemoryBound(to: dmldouble_job_t.self)
  }

  private func bytes(_ pointer: UnsafeMutableRawPointer?) -> UnsafeMutablePointer<UInt8>? {
    pointer?.assumingMemoryBound(to: UInt8.self)
  }
}
