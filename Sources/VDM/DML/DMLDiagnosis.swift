/// Whether an accelerator can be used, and what is missing, in plain lines.
package struct DMLDiagnosis {
  /// A line for each thing that was looked at, in the order in which they are needed.
  package private(set) var lines: [String] = []
  /// The first thing that is missing.
  package private(set) var firstProblem: String?

  /// Looks at a build and a system.
  package init(of library: (any DMLLibrary)?, on system: SystemFiles) {
    if let library {
      add("this build has the trait DML, and libdml \(library.version)")
    } else {
      lack("this build is without the trait DML (swift build --traits DML; docs/dml.md)")
    }
    switch system.hasEnqcmd {
    case true: add("the CPU has enqcmd, with which shared work queues are reached")
    case false: lack("the CPU has no enqcmd: no accelerator can be reached (4th generation Xeon)")
    default: note("/proc/cpuinfo does not tell whether the CPU has enqcmd")
    }
    if let problem = system.configurationLibraryProblem {
      lack("\(system.configurationLibrary) cannot be loaded (package libaccel-config1): \(problem)")
    } else {
      add("\(system.configurationLibrary) can be loaded")
    }
    lookAtDevices(of: system)
  }

  private mutating func lookAtDevices(of system: SystemFiles) {
    guard system.hasDriver else {
      return lack("no /sys/bus/dsa/devices: the kernel has no idxd driver loaded (modprobe idxd)")
    }
    let devices = system.devices
    if devices.isEmpty { return lack("no accelerator in /sys/bus/dsa/devices") }
    for device in devices {
      if device.isEnabled {
        add("\(device.name) is enabled")
      } else {
        note("\(device.name) is not enabled (accel-config enable-device \(device.name))")
      }
    }
    if !devices.contains(where: \.isEnabled) { return lack("no accelerator is enabled") }
    let names = devices.filter(\.isEnabled).map(\.name)
    let queues = system.workQueues.filter { names.contains($0.device) }
    for queue in queues { describe(queue) }
    if !queues.contains(where: \.isUsable) {
      lack("no work queue can be used: it must be enabled, shared and open to this user")
    }
  }

  private mutating func describe(_ queue: SystemFiles.WorkQueue) {
    let name = queue.name
    if !queue.isEnabled {
      note("\(name) is not enabled (accel-config enable-wq \(queue.device)/\(name))")
    } else if !queue.isShared {
      note("\(name) is dedicated: libdml uses shared queues only (--mode=shared)")
    } else if !queue.isAccessible {
      note("/dev/dsa/\(name) cannot be opened for reading and writing by this user")
    } else {
      let limit = queue.transferLimit.map { "\($0) bytes at once" } ?? "unknown transfer limit"
      add("\(name) is enabled, shared and accessible (\(limit))")
    }
  }

  private mutating func add(_ text: String) { lines.append("ok: " + text) }
  private mutating func note(_ text: String) { lines.append("note: " + text) }

  private mutating func lack(_ text: String) {
    lines.append("missing: " + text)
    if firstProblem == nil { firstProblem = text }
  }
}
