import Glibc

extension PMem2Error: CustomStringConvertible {
  /// The value that was refused, the rule, and what to do about it.
  public var description: String {
    switch self {
    case .invalidDescriptor(let descriptor):
      "descriptor \(descriptor) is not open for reading"
    case .invalidFileType(let mode):
      "a file of type 0o\(String(mode & 0o170000, radix: 8)) cannot be mapped: only regular files and DAX devices can"
    case .invalidDevice(let problem, let path): "'\(path)': \(problem.text)"
    case .sourceEmpty: "the source is empty: there is nothing to map"
    case .offsetOutOfRange(let offset): "the offset \(offset) is negative"
    case .offsetUnaligned(let offset, let alignment):
      "the offset \(offset) is not a multiple of the source's alignment, \(alignment)"
    case .lengthOutOfRange(let length): "the length \(length) is negative"
    case .lengthUnaligned(let length, let alignment):
      "the length \(length) is not a multiple of the source's alignment, \(alignment)"
    case .rangeOutsideSource(let offset, let count, let size):
      "\(count) bytes at offset \(offset) go past the end of the source, at \(size)"
    case .invalidProtection(let protection):
      "the protection 0x\(String(protection.rawValue, radix: 16)) has bits that mean nothing"
    case .privateDevice: "a DAX device cannot be mapped privately: share it"
    case .granularityNotSupported(let required, let available):
      "the memory persists by \(available), but by \(required) or finer is required"
    case .noAccess(let protection):
      "the file or the map was not opened for \(protection)"
    case .mapExists(let address, let count):
      "another map has bytes of the \(count) at 0x\(String(address, radix: 16)): unmap it first"
    case .mappingNotFound: "the map was unmapped"
    case .operationsInFlight(let count):
      "\(count) futures of the map are not complete: wait for them before unmapping"
    case .rangeOutsideMap(let offset, let count, let size),
      .deepFlushRange(let offset, let count, let size):
      "\(count) bytes at offset \(offset) do not lie in the map's \(size)"
    case .unknownFlags(let flags):
      "the flags 0x\(String(flags.rawValue, radix: 16)) have bits that mean nothing"
    case .notSupported(.deepFlushOfAnonymousMemory):
      "anonymous memory cannot be flushed deeply: there is nothing below it"
    case .notSupported(.cacheLineFlush): "this CPU has no instruction that flushes a cache line"
    case .operation(let error): "the data mover has failed: \(error)"
    case .system(let call, let errno):
      unsafe "\(call) has failed: \(String(cString: strerror(errno)))"
    }
  }
}

extension PMem2Error.DeviceProblem {
  fileprivate var text: String {
    switch self {
    case .alignmentFormat: "the device's alignment is not a number"
    case .alignmentValue: "the device's alignment is not a power of two"
    case .sizeFormat: "the device's size is not a number"
    case .regionFormat: "the number of the device's region is not one"
    case .regionNotFound: "the device has no region that can be flushed"
    }
  }
}
