/// A status of libdml, by its number.
///
/// Numbers that this list does not name are kept, too.
///
/// Corresponds to libdml's `dml_status_t`.
public struct DMLStatus: RawRepresentable, Hashable, Sendable, BitwiseCopyable {
  /// The number, as libdml has it.
  public let rawValue: UInt32

  /// Makes a status from its number.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// `DML_STATUS_OK`.
  public static let ok = DMLStatus(rawValue: 0)
  /// `DML_STATUS_BEING_PROCESSED`: not done yet.
  public static let beingProcessed = DMLStatus(rawValue: 2)
  /// `DML_STATUS_INTERNAL_ERROR`.
  public static let internalError = DMLStatus(rawValue: 3)
  /// `DML_STATUS_BATCH_ERROR`: an operation of a batch has failed.
  public static let batchError = DMLStatus(rawValue: 9)
  /// `DML_STATUS_JOB_LENGTH_ERROR`: no bytes, or more than a work queue takes at once.
  public static let lengthError = DMLStatus(rawValue: 15)
  /// `DML_STATUS_DUALCAST_ALIGN_ERROR`: the low 12 bits of two destinations differ.
  public static let dualcastAlignError = DMLStatus(rawValue: 19)
  /// `DML_STATUS_WORK_QUEUE_OVERFLOW_ERROR`: the work queue is full now.
  public static let workQueueOverflow = DMLStatus(rawValue: 24)
  /// `DML_STATUS_PAGE_FAULT_ERROR`: the device met a page that is not in memory.
  public static let pageFault = DMLStatus(rawValue: 25)
  /// `DML_STATUS_BATCH_SIZE_ERROR`.
  public static let batchSizeError = DMLStatus(rawValue: 29)
  /// `DML_STATUS_INTL_INVALID_PAGE_REQUEST`: as ``pageFault``, after the device asked for the page.
  public static let invalidPageRequest = DMLStatus(rawValue: 33)
  /// `DML_STATUS_INTL_HARDWARE_TIMEOUT`.
  public static let hardwareTimeout = DMLStatus(rawValue: 44)
  /// `DML_STATUS_LIBACCEL_NOT_FOUND`: the hardware path cannot be used, for whatever reason.
  public static let libaccelNotFound = DMLStatus(rawValue: 100)
  /// `DML_STATUS_LIBACCEL_ERROR`.
  public static let libaccelError = DMLStatus(rawValue: 101)
  /// `DML_STATUS_WORK_QUEUES_NOT_AVAILABLE`: all work queues of this NUMA node are full, or it has
  /// none.
  public static let workQueuesNotAvailable = DMLStatus(rawValue: 102)

  /// Whether the same submission may succeed later.
  var isBusy: Bool { self == .workQueuesNotAvailable || self == .workQueueOverflow }
  /// Whether the CPU can do what the device could not, by touching the missing page.
  var isPageFault: Bool { self == .pageFault || self == .invalidPageRequest }
  /// Whether there is no device to be used.
  var isWithoutDevice: Bool { self == .libaccelNotFound || self == .libaccelError }
}

extension DMLStatus: CustomStringConvertible {
  /// libdml's name for it, and the number.
  public var description: String {
    let name = Self.names[rawValue] ?? "unknown"
    return "DML status \(rawValue) (\(name))"
  }

  private static let names: [UInt32: String] = {
    let general = [
      "OK", "FALSE_PREDICATE_OK", "BEING_PROCESSED", "INTERNAL_ERROR", "NULL_POINTER_ERROR",
      "LIMITS_ERROR", "PATH_ERROR", "HINT_ERROR", "CRC_ALIGN_ERROR", "BATCH_ERROR",
      "DELTA_ASCENDT_ERROR", "DELTA_OFFSET_ERROR", "DIF_CHECK_ERROR", "JOB_OPERATION_ERROR",
      "JOB_FLAGS_ERROR", "JOB_LENGTH_ERROR", "BATCH_LIMITS_ERROR", "DELTA_RECORD_SIZE_ERROR",
      "OVERLAPPING_BUFFER_ERROR", "DUALCAST_ALIGN_ERROR", "DELTA_ALIGN_ERROR",
      "DELTA_INPUT_SIZE_ERROR", "MEMORY_OVERFLOW_ERROR", "JOB_CORRUPTED",
      "WORK_QUEUE_OVERFLOW_ERROR", "PAGE_FAULT_ERROR", "TC_A_NOT_AVAILABLE",
      "TC_B_NOT_AVAILABLE", "BATCH_TASK_INDEX_OVERFLOW", "BATCH_SIZE_ERROR",
      "DRAIN_PAGE_FAULT_ERROR", "UNKNOWN_CACHE_SIZE_ERROR", "DIF_STRIP_ADJACENT_ERROR",
      "INTL_INVALID_PAGE_REQUEST", "INTL_INVALID_RESERVED_FIELD", "INTL_MISALIGNED_DESC_LA",
      "INTL_INVALID_COMPLETION_HANDLE", "INTL_PAGE_FAULT_ON_TRANSLATION",
      "INTL_MISALIGNED_CR_ADDRESS", "INTL_MISALIGNED_ADDRESS", "INTL_PRIVILEGE_ERROR",
      "INTL_TRAFFIC_CLASS_ERROR", "INTL_READBACK_ADDRESS_PAGE_ERROR",
      "INTL_HARDWARE_READBACK_TIMEOUT", "INTL_HARDWARE_TIMEOUT",
      "INTL_ADDRESS_TRANSLATION_ERROR",
    ]
    let driver = ["LIBACCEL_NOT_FOUND", "LIBACCEL_ERROR", "WORK_QUEUES_NOT_AVAILABLE"]
    var names: [UInt32: String] = [:]
    for (code, name) in general.enumerated() { names[UInt32(code)] = name }
    for (code, name) in driver.enumerated() { names[UInt32(100 + code)] = name }
    return names
  }()
}
