import Glibc

/// What sysfs tells about DAX devices: character devices that are persistent memory.
extension System {
  /// Where a character device is described; `nil` if it is none for persistent memory.
  func daxDevice(_ number: dev_t) -> String? {
    // As `major` and `minor` of <sys/sysmacros.h>, which are macros.
    let major = (number >> 8) & 0xfff | (number >> 32) & ~0xfff
    let minor = number & 0xff | (number >> 12) & ~0xff
    let path = "\(sysfs)/dev/char/\(major):\(minor)"
    guard let subsystem = target(ofLink: "\(path)/subsystem") else { return nil }
    return subsystem.split(separator: "/").last == "dax" ? path : nil
  }

  func deviceSize(_ device: String) throws(PMem2Error) -> Int {
    let path = "\(device)/size"
    guard let size = line(of: path).flatMap(number(in:)) else {
      throw .invalidDevice(.sizeFormat, path: path)
    }
    return size
  }

  func deviceAlignment(_ device: String) throws(PMem2Error) -> Int {
    let path = "\(device)/device/align"
    guard let alignment = line(of: path).flatMap(number(in:)) else {
      throw .invalidDevice(.alignmentFormat, path: path)
    }
    guard alignment > 0, alignment & (alignment - 1) == 0 else {
      throw .invalidDevice(.alignmentValue, path: path)
    }
    return alignment
  }

  /// Has the memory's own buffers written, too, that a power cut would find full.
  func flushDeeply(_ device: String) throws(PMem2Error) {
    let idPath = "\(device)/device/dax_region/id"
    guard let id = line(of: idPath).flatMap(number(in:)) else {
      throw .invalidDevice(.regionFormat, path: idPath)
    }
    let path = "\(sysfs)/bus/nd/devices/region\(id)/deep_flush"
    guard let state = line(of: path) else { throw .invalidDevice(.regionNotFound, path: path) }
    if state == "0" { return }  // It has no such buffers.
    let descriptor = unsafe open(path, O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system(call: "open", errno: errno) }
    defer { close(descriptor) }
    guard unsafe write(descriptor, "1", 1) == 1 else {
      throw .system(call: "write", errno: errno)
    }
  }

  /// A number as sysfs writes it: decimal, or hexadecimal after `0x`; not negative.
  private func number(in text: String) -> Int? {
    guard let number = text.hasPrefix("0x") ? Int(text.dropFirst(2), radix: 16) : Int(text),
      number >= 0
    else { return nil }
    return number
  }
}
