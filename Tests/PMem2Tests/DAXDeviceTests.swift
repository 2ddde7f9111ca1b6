import Glibc
import TestSupport
import Testing

@testable import PMem2

/// DAX devices, with a sysfs that says `/dev/null` is one.
@Suite struct DAXDeviceTests {
  /// A made-up sysfs for the device 1:3.
  private final class Sysfs {
    let root: ScratchDirectory
    let null: CInt
    let log = SystemLog()

    init(subsystem: String = "../../bus/dax") throws {
      root = try ScratchDirectory()
      null = open("/dev/null", O_RDWR | O_CLOEXEC)
      for path in [
        "dev", "dev/char", "dev/char/1:3", "dev/char/1:3/device",
        "dev/char/1:3/device/dax_region", "bus", "bus/nd", "bus/nd/devices",
        "bus/nd/devices/region4",
      ] { mkdir(root[path], 0o755) }
      symlink(subsystem, root["dev/char/1:3/subsystem"])
      try root.write("dev/char/1:3/size", Array("8388608\n".utf8))
      try root.write("dev/char/1:3/device/align", Array("2097152\n".utf8))
      try root.write("dev/char/1:3/device/dax_region/id", Array("4\n".utf8))
      try root.write("bus/nd/devices/region4/deep_flush", Array("1\n".utf8))
    }

    deinit { close(null) }

    func set(_ path: String, _ text: String?) throws {
      unlink(root[path])
      if let text { try root.write(path, Array(text.utf8)) }
    }

    /// The real `mmap` refuses `/dev/null`: the device's memory is anonymous.
    func source() throws(PMem2Error) -> Source {
      var system = System.fake(log, forced: "CACHE_LINE", sysfs: root.path)
      let map = system.map
      system.map = { address, count, protection, flags, descriptor, offset in
        map(address, count, protection, flags & ~0x80003 | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
      }
      return try Source(descriptor: null, system: system)
    }
  }

  @Test func `size and alignment come from sysfs`() throws {
    let sysfs = try Sysfs()
    let source = try sysfs.source()
    let (size, alignment) = (try source.byteCount, try source.alignment)
    #expect(size == 8 << 20 && alignment == 2 << 20)
    try sysfs.set("dev/char/1:3/size", "0x400000")
    let smaller = try source.byteCount
    #expect(smaller == 4 << 20)
  }

  @Test func `offsets and lengths are multiples of the device's alignment`() throws {
    let sysfs = try Sysfs()
    let source = try sysfs.source()
    var config = Config(granularity: .page)
    config.offset = 4096
    let offset = refusal { () throws(PMem2Error) in _ = try Map(source, config) }
    #expect(offset == .offsetUnaligned(4096, alignment: 2 << 20))
    config.offset = 2 << 20
    config.length = 4096
    let length = refusal { () throws(PMem2Error) in _ = try Map(source, config) }
    #expect(length == .lengthUnaligned(4096, alignment: 2 << 20))
    config.length = 4 << 20
    let map = try Map(source, config)
    #expect(map.byteCount == 4 << 20)
    #expect(UInt(bitPattern: map.address) % (2 << 20) == 0)
  }

  @Test func `a device cannot be mapped privately`() throws {
    let sysfs = try Sysfs()
    let source = try sysfs.source()
    var config = Config(granularity: .page)
    config.sharing = .private
    let error = refusal { () throws(PMem2Error) in _ = try Map(source, config) }
    #expect(error == .privateDevice && error?.code == -100_020)
  }

  @Test func `a character device of another kind is refused`() throws {
    let sysfs = try Sysfs(subsystem: "../../class/mem")
    let error = refusal { () throws(PMem2Error) in _ = try sysfs.source() }
    #expect(error?.code == -100_005)
  }

  typealias Broken = (
    path: String, text: String?, problem: PMem2Error.DeviceProblem, code: Int
  )

  static let brokenDevices: [Broken] = [
    ("dev/char/1:3/size", "many", .sizeFormat, -100_014),
    ("dev/char/1:3/size", "-1", .sizeFormat, -100_014),
    ("dev/char/1:3/size", nil, .sizeFormat, -100_014),
    ("dev/char/1:3/device/align", "", .alignmentFormat, -100_012),
    ("dev/char/1:3/device/align", "2M", .alignmentFormat, -100_012),
    ("dev/char/1:3/device/align", "0", .alignmentValue, -100_013),
    ("dev/char/1:3/device/align", "12288", .alignmentValue, -100_013),
  ]

  @Test(arguments: brokenDevices)
  func `a sysfs that makes no sense is refused`(
    _ broken: Broken
  ) throws {
    let (path, text, problem, code) = broken
    let sysfs = try Sysfs()
    try sysfs.set(path, text)
    let source = try sysfs.source()
    let error = refusal { () throws(PMem2Error) in _ = try Map(source, Config(granularity: .page)) }
    #expect(error == .invalidDevice(problem, path: sysfs.root[path]))
    #expect(error?.code == code)
  }

  @Test func `a deep flush writes to the region, if it has something to flush`() throws {
    let sysfs = try Sysfs()
    let source = try sysfs.source()
    let map = try Map(source, Config(granularity: .cacheLine))
    let region = "bus/nd/devices/region4/deep_flush"
    try sysfs.set(region, "9\n")
    try map.deepFlush(map.address, byteCount: 1)
    #expect(sysfs.root.read(region) == Array("1\n".utf8))
    try sysfs.set(region, "0\n")
    try map.deepFlush(map.address, byteCount: 1)
    #expect(sysfs.root.read(region) == Array("0\n".utf8))
    #expect(sysfs.log.synchronised.isEmpty)
  }

  static let brokenRegions: [Broken] = [
    ("dev/char/1:3/device/dax_region/id", "x", .regionFormat, -100_025),
    ("dev/char/1:3/device/dax_region/id", nil, .regionFormat, -100_025),
    ("bus/nd/devices/region4/deep_flush", nil, .regionNotFound, -100_026),
  ]

  @Test(arguments: brokenRegions)
  func `a region that cannot be found is an error of the deep flush`(
    _ broken: Broken
  ) throws {
    let (path, text, problem, code) = broken
    let sysfs = try Sysfs()
    let map = try Map(try sysfs.source(), Config(granularity: .cacheLine))
    try sysfs.set(path, text)
    let error = refusal { () throws(PMem2Error) in
      try map.deepFlush(map.address, byteCount: 8)
    }
    #expect(error == .invalidDevice(problem, path: sysfs.root[path]))
    #expect(error?.code == code)
  }
}
