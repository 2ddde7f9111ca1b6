#if DML
  import CDML
  import Glibc

  /// libdml as it is installed.
  struct InstalledDML: DMLLibrary {
    var version: String {
      guard let version = unsafe dml_get_library_version()?.pointee else { return "unknown" }
      return "\(version.major).\(version.minor).\(version.patch)"
    }

    func jobByteCount(for engine: DMLEngine) -> Int {
      var size: UInt32 = 0
      let status = unsafe dml_get_job_size(path(engine), &size)
      return status == DML_STATUS_OK ? Int(size) : 0
    }

    @unsafe
    func initialize(_ job: UnsafeMutableRawPointer, for engine: DMLEngine) -> DMLStatus {
      unsafe own(dml_init_job(path(engine), typed(job)))
    }

    @unsafe
    func finalize(_ job: UnsafeMutableRawPointer) { _ = unsafe dml_finalize_job(typed(job)) }

    @unsafe
    func submit(_ job: UnsafeMutableRawPointer, _ command: DMLCommand) -> DMLStatus {
      let job = unsafe typed(job)
      let operation: dml_operation_t
      switch command.operation {
      case .nop: operation = DML_OP_NOP
      case .move: operation = DML_OP_MEM_MOVE
      case .fill: operation = DML_OP_FILL
      case .compare: operation = DML_OP_COMPARE
      case .crc: operation = DML_OP_CRC
      case .copyCRC: operation = DML_OP_COPY_CRC
      case .dualcast: operation = DML_OP_DUALCAST
      }
      unsafe job.pointee.operation = operation
      unsafe job.pointee.source_first_ptr = bytes(command.source)
      unsafe job.pointee.source_second_ptr = bytes(command.secondSource)
      unsafe job.pointee.destination_first_ptr = bytes(command.destination)
      unsafe job.pointee.destination_second_ptr = bytes(command.secondDestination)
      unsafe job.pointee.source_length = command.byteCount
      unsafe job.pointee.destination_length = command.byteCount
      unsafe withUnsafeMutableBytes(of: &job.pointee.pattern) {
        unsafe $0.storeBytes(of: command.pattern, as: UInt64.self)
      }
      unsafe job.pointee.crc_checksum_ptr = command.crc
      unsafe job.pointee.numa_id = command.numaNode
      unsafe job.pointee.flags = flags(command)
      return unsafe own(dml_submit_job(job))
    }

    @unsafe
    func check(_ job: UnsafeMutableRawPointer) -> DMLReport {
      let job = unsafe typed(job)
      var report = unsafe DMLReport(status: own(dml_check_job(job)))
      unsafe report.differs = job.pointee.result != 0
      unsafe report.offset = job.pointee.offset
      return report
    }

    // MARK: Batches

    @unsafe
    func batchByteCount(_ job: UnsafeMutableRawPointer, _ count: Int) -> Int {
      var size: UInt32 = 0
      let status = unsafe dml_get_batch_size(typed(job), UInt32(count), &size)
      return status == DML_STATUS_OK ? Int(size) : 0
    }

    @unsafe
    func openBatch(
      _ job: UnsafeMutableRawPointer, _ list: UnsafeMutableRawPointer, byteCount: Int
    ) {
      let job = unsafe typed(job)
      unsafe job.pointee.operation = DML_OP_BATCH
      unsafe job.pointee.destination_first_ptr = bytes(list)
      unsafe job.pointee.destination_length = UInt32(byteCount)
    }

    @unsafe
    func setBatchItem(
      _ job: UnsafeMutableRawPointer, _ index: Int, _ command: DMLCommand
    ) -> DMLStatus {
      let (job, index) = unsafe (typed(job), UInt32(index))
      let status: dml_status_t
      switch command.operation {
      case .nop: status = unsafe dml_batch_set_nop_by_index(job, index, 0)
      case .move:
        status = unsafe dml_batch_set_mem_move_by_index(
          job, index, bytes(command.source), bytes(command.destination), command.byteCount,
          flags(command))
      case .fill:
        status = unsafe withUnsafeBytes(of: command.pattern) { pattern in
          unsafe dml_batch_set_fill_by_index(
            job, index, pattern.bindMemory(to: UInt8.self).baseAddress, bytes(command.destination),
            command.byteCount, flags(command))
        }
      case .dualcast:
        status = unsafe dml_batch_set_dualcast_by_index(
          job, index, bytes(command.source), bytes(command.destination),
          bytes(command.secondDestination), command.byteCount, flags(command))
      case .compare, .crc, .copyCRC: status = DML_STATUS_JOB_OPERATION_ERROR
      }
      return own(status)
    }

    @unsafe
    func submitBatch(_ job: UnsafeMutableRawPointer, numaNode: UInt32) -> DMLStatus {
      let job = unsafe typed(job)
      unsafe job.pointee.numa_id = numaNode
      unsafe job.pointee.flags = 0
      return unsafe own(dml_submit_job(job))
    }

    @unsafe
    func batchItemStatus(_ job: UnsafeMutableRawPointer, _ index: Int) -> DMLStatus {
      var status = DML_STATUS_OK
      let asked = unsafe dml_batch_get_status(typed(job), UInt32(index), &status)
      return own(asked == DML_STATUS_OK ? status : asked)
    }

    // MARK: Types

    private func path(_ engine: DMLEngine) -> dml_path_t {
      engine == .device ? DML_PATH_HW : DML_PATH_SW
    }

    private func flags(_ command: DMLCommand) -> dml_operation_flags_t {
      var flags: UInt32 = 0
      switch command.operation {
      case .move, .fill, .copyCRC, .dualcast:
        if command.writesToCache { flags |= UInt32(DML_FLAG_PREFETCH_CACHE) }
      case .nop, .compare, .crc: break
      }
      if unsafe command.crc != nil { flags |= UInt32(DML_FLAG_CRC_READ_SEED) }
      return dml_operation_flags_t(flags)
    }

    private func own(_ status: dml_status_t) -> DMLStatus { DMLStatus(rawValue: status.rawValue) }

    @unsafe
    private func typed(_ job: UnsafeMutableRawPointer) -> UnsafeMutablePointer<dml_job_t> {
      // SAFETY: memory of a job is nothing but a job, from its initialisation on.
      unsafe job.assumingMemoryBound(to: dml_job_t.self)
    }

    @unsafe
    private func bytes(_ pointer: UnsafeMutableRawPointer?) -> UnsafeMutablePointer<UInt8>? {
      unsafe pointer?.assumingMemoryBound(to: UInt8.self)
    }
  }
#endif

/// libdml, if this package was built with the trait `DML`.
package func installedDML() -> (any DMLLibrary)? {
  #if DML
    return InstalledDML()
  #else
    return nil
  #endif
}
