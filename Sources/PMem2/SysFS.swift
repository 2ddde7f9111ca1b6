import Glibc

/// The small files in which the kernel describes devices.
extension System {
  /// The first line of a file, without what is blank at its ends; `nil` if it cannot be read.
  func line(of path: String) -> String? {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 256)
    let count = unsafe bytes.withUnsafeMutableBytes {
      unsafe read(descriptor, $0.baseAddress, $0.count)
    }
    guard count >= 0 else { return nil }
    let line = bytes[..<count].prefix { $0 != UInt8(ascii: "\n") }
    return String(decoding: line, as: UTF8.self).trimmingBlanks
  }

  /// Where a symbolic link leads to; `nil` if it is none.
  func target(ofLink path: String) -> String? {
    var bytes = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = unsafe readlink(path, &bytes, bytes.count)
    guard count >= 0 else { return nil }
    return String(decoding: bytes[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Whether the CPU caches keep their contents in a power cut: every region says so (eADR).
  func cachesPersist() -> Bool {
    let devices = "\(sysfs)/bus/nd/devices"
    guard let directory = unsafe opendir(devices) else { return false }
    defer { unsafe closedir(directory) }
    var regions = 0
    while let entry = unsafe readdir(directory) {
      let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      guard name.hasPrefix("region") else { continue }
      guard line(of: "\(devices)/\(name)/persistence_domain") == "cpu_cache" else { return false }
      regions += 1
    }
    return regions > 0
  }
}

extension String {
  /// Without spaces, tabs and the like at both ends.
  fileprivate var trimmingBlanks: String {
    let head = drop { $0.isWhitespace }
    return String(head.reversed().drop { $0.isWhitespace }.reversed())
  }
}
