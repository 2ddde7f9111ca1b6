import Glibc
import TestSupport
import Testing
import VDM

/// What is said of a system without an accelerator, or with one that cannot be used.
@Suite struct DMLDiagnosisTests {
  /// A system that is right, in a directory; tests then spoil it.
  private final class FakeSystem {
    private let directory: ScratchDirectory

    init() throws {
      directory = try ScratchDirectory()
      try write("proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu enqcmd movdir64b\n")
      try write("sys/bus/dsa/devices/dsa0/state", "enabled\n")
      try write("dev/dsa/wq0.1", "")
      try setQueue()
    }

    func write(_ path: String, _ text: String) throws {
      var parent = ""
      for part in path.split(separator: "/").dropLast() {
        parent += "\(part)"
        mkdir(directory[parent], 0o755)
        parent += "/"
      }
      try directory.write(path, Array(text.utf8))
    }

    func remove(_ path: String) { Glibc.remove(directory[path]) }

    func setQueue(
      _ name: String = "wq0.1", state: String = "enabled", mode: String = "shared",
      limit: String = "1048576"
    ) throws {
      let queue = "sys/bus/dsa/devices/\(name)/"
      try write(queue + "state", state + "\n")
      try write(queue + "mode", mode + "\n")
      try write(queue + "max_transfer_size", limit + "\n")
    }

    /// Any library that can be loaded stands in for the configuration library.
    func files(library: String = "libc.so.6") -> SystemFiles {
      SystemFiles(root: directory.path, configurationLibrary: library)
    }

    func problem(library: String = "libc.so.6") -> String? {
      DMLDiagnosis(of: DoubledDML(), on: files(library: library)).firstProblem
    }
  }

  @Test func `nothing is missing on a system that is right`() throws {
    let system = try FakeSystem()
    let diagnosis = DMLDiagnosis(of: DoubledDML(), on: system.files())
    #expect(diagnosis.firstProblem == nil)
    #expect(diagnosis.lines.allSatisfy { $0.hasPrefix("ok: ") })
    #expect(diagnosis.lines.contains { $0.contains("wq0.1") && $0.contains("1048576") })
    #expect(diagnosis.lines.contains { $0.contains("libdml double") })
  }

  @Test func `the threads that an accelerator is for are told`() throws {
    let system = try FakeSystem()
    for (node, end) in [("-1", "enabled"), ("1", "enabled, for threads of NUMA node 1")] {
      try system.write("sys/bus/dsa/devices/dsa0/numa_node", node + "\n")
      let lines = DMLDiagnosis(of: DoubledDML(), on: system.files()).lines
      #expect(lines.contains("ok: dsa0 is " + end))
    }
  }

  @Test func `the first thing that is missing is told`() throws {
    let system = try FakeSystem()
    func expect(_ text: String, _ problem: String?) {
      #expect(problem?.contains(text) == true, "\(problem ?? "nothing") for \(text)")
    }
    expect("--traits DML", DMLDiagnosis(of: nil, on: system.files()).firstProblem)
    expect("libnone.so cannot be loaded", system.problem(library: "libnone.so"))

    for (state, mode) in [("disabled", "shared"), ("enabled", "dedicated")] {
      try system.setQueue(state: state, mode: mode)
      expect("no work queue can be used", system.problem())
    }
    try system.setQueue()
    system.remove("dev/dsa/wq0.1")
    expect("no work queue can be used", system.problem())
    let lines = DMLDiagnosis(of: DoubledDML(), on: system.files()).lines
    #expect(lines.contains { $0.hasPrefix("note: /dev/dsa/wq0.1 cannot be opened") })

    try system.write("sys/bus/dsa/devices/dsa0/state", "disabled\n")
    expect("no accelerator is enabled", system.problem())
    try system.write("proc/cpuinfo", "flags\t: fpu enqcmds\n")
    expect("no enqcmd", system.problem())
    let empty = try ScratchDirectory()
    let none = SystemFiles(root: empty.path, configurationLibrary: "libc.so.6")
    expect("idxd", DMLDiagnosis(of: DoubledDML(), on: none).firstProblem)
  }

  @Test func `this machine can be looked at in any build`() {
    let lines = DMLMover.diagnose()
    #expect(lines.count >= 3)
    #expect(
      lines.allSatisfy { line in ["ok: ", "missing: ", "note: "].contains { line.hasPrefix($0) } })
    #expect(lines[0].hasPrefix(installedDML() == nil ? "missing: " : "ok: "))
  }

  @Test func `without the trait the error tells how to enable it`() {
    guard installedDML() == nil else { return }
    #expect(throws: VDMError.dmlNotBuilt) { try DMLMover(path: .software) }
    #expect("\(VDMError.dmlNotBuilt)".contains("--traits DML"))
  }

  @Test(arguments: [UInt32](1...45) + [100, 101, 102])
  func `a hardware mover that cannot be throws, and tells what is missing`(code: UInt32) throws {
    let system = try FakeSystem()
    system.remove("dev/dsa/wq0.1")
    let library = DoubledDML()
    let isBusy = code == 24 || code == 102
    for _ in 0..<(isBusy ? 1000 : 1) { library.plan { $0.submit_status = code } }
    let expected = DMLStatus(rawValue: isBusy ? 102 : code)
    do {
      let configuration = DMLMover.Configuration(path: .hardware)
      _ = try DMLMover(configuration: configuration, library: library, system: system.files())
      Issue.record("no error")
    } catch {
      guard case .noAccelerator(expected, let missing) = error else {
        Issue.record("\(error)")
        return
      }
      #expect(missing.description.contains("no work queue"))
      #expect("\(error)".contains("\(code == 24 ? 102 : code)"))
    }
    #expect(library.counts.misuses == 0)
    #expect(library.counts.initialised == library.counts.finalised)
  }

  @Test func `queues that stay full where nothing is missing are told as such`() throws {
    let system = try FakeSystem()
    let library = DoubledDML { $0.queue_size = 0 }
    do {
      let configuration = DMLMover.Configuration(path: .hardware)
      _ = try DMLMover(configuration: configuration, library: library, system: system.files())
      Issue.record("no error")
    } catch {
      guard case .noAccelerator(.workQueuesNotAvailable, let missing) = error else {
        Issue.record("\(error)")
        return
      }
      #expect(missing.description.contains("NUMA node"))
      #expect(missing.description.contains("Configuration.numaNode"))
    }
  }

  @Test(arguments: [UInt32](1...45) + [100, 101])
  func `an automatic mover without a device is a software mover`(code: UInt32) throws {
    let library = DoubledDML()
    library.plan {
      if code == 2 || code == 24 { $0.submit_status = 100 } else { $0.submit_status = code }
    }
    let mover = try DMLMover.doubled(.auto, library)
    #expect(!mover.usesAccelerator)
    let bytes = MoverBytes(count: 8)
    var fill = mover.memset(bytes.start, to: 1, byteCount: 8)
    #expect(waitFor(&fill).isSuccess)
    #expect(library.counts.submissions == 1, "it is asked once")
  }

  @Test func `a device that takes nothing to do and fails at it is none`() throws {
    let library = DoubledDML()
    for checks in [UInt32(0), 5] {
      library.plan {
        $0.checks = checks
        $0.status = 44
      }
      do {
        _ = try DMLMover.doubled(.hardware, library)
        Issue.record("no error")
      } catch let error as VDMError {
        guard case .noAccelerator(.hardwareTimeout, _) = error else {
          Issue.record("\(error)")
          return
        }
      }
    }
  }

  @Test func `a device that is busy at first is used all the same`() throws {
    let library = DoubledDML()
    for _ in 0..<20 { library.plan { $0.submit_status = 102 } }
    library.plan { $0.checks = 10 }
    #expect(try DMLMover.doubled(.hardware, library).usesAccelerator)
    for _ in 0..<1000 { library.plan { $0.submit_status = 102 } }
    #expect(try DMLMover.doubled(.auto, library).usesAccelerator)
  }

  @Test func `pieces are what every usable queue takes`() throws {
    let system = try FakeSystem()
    try system.setQueue("wq0.2", limit: "8192")
    try system.setQueue("wq0.3", state: "disabled", limit: "4096")
    try system.write("dev/dsa/wq0.2", "")
    let library = DoubledDML { $0.is_dry = 1 }
    let mover = try DMLMover(
      configuration: .init(path: .hardware), library: library, system: system.files())
    let before = library.counts.submissions
    let bytes = MoverBytes(count: 81_920)
    var fill = mover.memset(bytes.start, to: 1, byteCount: 81_920)
    #expect(waitFor(&fill).isSuccess)
    #expect(library.counts.submissions - before == 10)
  }
}
