import Glibc

/// What Linux tells of accelerators, in small files.
package struct SystemFiles: Sendable {
  /// Where `/proc`, `/sys` and `/dev` are; tests have a place of their own.
  private let root: String
  /// The shared library that libdml configures its devices with.
  package let configurationLibrary: String

  /// The system as it is, or as it stands in a directory.
  package init(root: String = "", configurationLibrary: String = "libaccel-config.so.1") {
    self.root = root
    self.configurationLibrary = configurationLibrary
  }

  /// A shared work queue, or one that could be.
  struct WorkQueue {
    let name: String
    let device: String
    let isEnabled: Bool
    let isShared: Bool
    /// The most bytes of one operation, if it says so.
    let transferLimit: Int?
    /// Whether this process may open its device file for writing.
    let isAccessible: Bool

    var isUsable: Bool { isEnabled && isShared && isAccessible }
  }

  private static let devicesDirectory = "/sys/bus/dsa/devices"

  /// Whether the CPU submits to shared queues; `nil` if it does not say what it has.
  var hasEnqcmd: Bool? {
    guard let text = read("/proc/cpuinfo") else { return nil }
    for line in text.split(separator: "\n") where line.hasPrefix("flags") {
      return line.split(whereSeparator: { " \t:".contains($0) }).contains("enqcmd")
    }
    return false
  }

  /// Whether the kernel has a driver for accelerators.
  var hasDriver: Bool { unsafe access(root + Self.devicesDirectory, F_OK) == 0 }

  /// The accelerators, and whether each is enabled.
  var devices: [(name: String, isEnabled: Bool)] {
    names(Self.devicesDirectory).filter { $0.hasPrefix("dsa") }.map {
      ($0, attribute($0, "state") == "enabled")
    }
  }

  /// The work queues of all accelerators.
  var workQueues: [WorkQueue] {
    names(Self.devicesDirectory).filter { $0.hasPrefix("wq") }.map { name in
      // Queue 1 of dsa0 is called wq0.1; one of another kind of accelerator has no DSA of its
      // number.
      WorkQueue(
        name: name, device: "dsa" + name.dropFirst(2).prefix { $0 != "." },
        isEnabled: attribute(name, "state") == "enabled",
        isShared: attribute(name, "mode") == "shared",
        transferLimit: attribute(name, "max_transfer_size").flatMap { Int($0) },
        isAccessible: unsafe access(root + "/dev/dsa/" + name, R_OK | W_OK) == 0)
    }
  }

  /// The most bytes that every usable work queue takes; `nil` if none says so.
  var smallestTransferLimit: Int? {
    guard let limit = workQueues.filter(\.isUsable).compactMap(\.transferLimit).min() else {
      return nil
    }
    return min(max(limit, 4096), Int(UInt32.max))
  }

  /// Why the configuration library cannot be loaded; `nil` if it can.
  var configurationLibraryProblem: String? {
    if let handle = unsafe dlopen(configurationLibrary, RTLD_LAZY) {
      unsafe dlclose(handle)
      return nil
    }
    return unsafe dlerror().map { unsafe String(cString: $0) } ?? "unknown error"
  }

  private func attribute(_ device: String, _ name: String) -> String? {
    guard let text = read("\(Self.devicesDirectory)/\(device)/\(name)") else { return nil }
    return text.split(separator: "\n").first.map(String.init)
  }

  private func read(_ path: String) -> String? {
    let descriptor = unsafe open(root + path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = unsafe part.withUnsafeMutableBytes {
        unsafe Glibc.read(descriptor, $0.baseAddress, $0.count)
      }
      if count < 0 && errno == EINTR { continue }
      // The first processor tells what all have.
      guard count > 0, bytes.count < 1 << 16 else { break }
      bytes += part.prefix(count)
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private func names(_ path: String) -> [String] {
    guard let directory = unsafe opendir(root + path) else { return [] }
    defer { unsafe closedir(directory) }
    var names: [String] = []
    while let entry = unsafe readdir(directory) {
      let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names.sorted()
  }
}
