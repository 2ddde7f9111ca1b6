public import VDM

/// Why something could not be done with persistent memory: the value that was refused, and the rule.
///
/// Nothing was changed, unless a case says otherwise. What the original refuses and Swift's types
/// make impossible (no granularity set, a sharing that does not exist) has no case.
///
/// Corresponds to C's `PMEM2_E_*`.
public enum PMem2Error: Error, Hashable, Sendable {
  // MARK: Sources

  /// The descriptor is not open, or not for reading.
  case invalidDescriptor(CInt)
  /// The descriptor is neither of a regular file nor of a DAX device: its `st_mode`.
  case invalidFileType(mode: UInt32)
  /// The kernel describes a DAX device in a way that is not understood.
  case invalidDevice(DeviceProblem, path: String)

  // MARK: Configuration

  /// There is nothing in the source that could be mapped.
  case sourceEmpty
  /// The offset is negative.
  case offsetOutOfRange(Int)
  /// The offset is not a multiple of the source's alignment.
  case offsetUnaligned(Int, alignment: Int)
  /// The length is negative.
  case lengthOutOfRange(Int)
  /// The length is not a multiple of the source's alignment.
  case lengthUnaligned(Int, alignment: Int)
  /// The range goes past the end of the source.
  case rangeOutsideSource(offset: Int, byteCount: Int, sourceByteCount: Int)
  /// The protection has bits that mean nothing.
  case invalidProtection(Protection)
  /// A DAX device cannot be mapped privately.
  case privateDevice
  /// Persisting takes more than the configuration allows.
  case granularityNotSupported(required: Granularity, available: Granularity)
  /// The file was not opened, or the memory not mapped, for what was asked.
  case noAccess(Protection)

  // MARK: Maps

  /// Another map has bytes of this range.
  case mapExists(address: UInt, byteCount: Int)
  /// The map was unmapped.
  case mappingNotFound
  /// Futures of the map are not complete: that many. Wait for them before unmapping.
  case operationsInFlight(Int)
  /// The range does not lie in the map; its offset there.
  case rangeOutsideMap(offset: Int, byteCount: Int, mapByteCount: Int)
  /// The range to be flushed deeply does not lie in the map; its offset there.
  case deepFlushRange(offset: Int, byteCount: Int, mapByteCount: Int)
  /// A copy was given flags that mean nothing.
  case unknownFlags(CopyFlags)
  /// This cannot be done on memory, or a CPU, of this kind.
  case notSupported(Unsupported)

  // MARK: Doing

  /// The data mover has failed; the destination's contents are undefined unless it says otherwise.
  case operation(VDMError)
  /// A system call has failed. After `msync` it is not known what has reached the disk.
  case system(call: String, errno: CInt)

  /// What of a DAX device is not understood.
  public enum DeviceProblem: Hashable, Sendable {
    /// Its alignment is not a number.
    case alignmentFormat
    /// Its alignment is not a power of two.
    case alignmentValue
    /// Its size is not a number.
    case sizeFormat
    /// The number of its region is not one.
    case regionFormat
    /// It has no region that can be flushed.
    case regionNotFound
  }

  /// What is not supported.
  public enum Unsupported: Hashable, Sendable {
    /// Deep flushes of anonymous memory: there is nothing below the caches.
    case deepFlushOfAnonymousMemory
    /// Flushes of cache lines, on a CPU that is not known.
    case cacheLineFlush
  }
}

extension PMem2Error {
  /// The number of the original's error; the negated `errno` for failed system calls; `nil` for
  /// what the original did not report.
  public var code: Int? {
    switch self {
    case .notSupported: -100_001
    case .invalidDescriptor: -100_004
    case .invalidFileType: -100_005
    case .rangeOutsideSource: -100_006
    case .granularityNotSupported: -100_009
    case .offsetOutOfRange: -100_010
    case .offsetUnaligned: -100_011
    case .invalidDevice(.alignmentFormat, _): -100_012
    case .invalidDevice(.alignmentValue, _): -100_013
    case .invalidDevice(.sizeFormat, _): -100_014
    case .lengthUnaligned: -100_015
    case .mappingNotFound: -100_016
    case .sourceEmpty: -100_018
    case .privateDevice: -100_020
    case .deepFlushRange: -100_024
    case .invalidDevice(.regionFormat, _): -100_025
    case .invalidDevice(.regionNotFound, _): -100_026
    case .lengthOutOfRange: -100_030
    case .invalidProtection: -100_031
    case .noAccess: -100_032
    case .mapExists: -100_034
    case .system(_, let errno): -Int(errno)
    case .operationsInFlight, .rangeOutsideMap, .unknownFlags, .operation: nil
    }
  }
}
