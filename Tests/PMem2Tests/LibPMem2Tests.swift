import Glibc
import TestSupport
import Testing

@testable import PMem2

/// The same configurations and the same copies, here and in Debian's libpmem2.
///
/// Each runs in a process of its own: the library reads the forced granularity only when it is
/// loaded, and nothing of it is left in the tests' process.
@Suite(
  .enabled(
    if: LibPMem2.isInstalled,
    "libpmem2.so.1 is not installed: nothing is compared with it (apt-get install libpmem2-dev)"),
  .disabled(if: isSanitized, "libpmem2 is not instrumented"))
struct LibPMem2Tests {
  @Test(arguments: ["", "BYTE", "CACHE_LINE", "PAGE", "page", "cacheline", "nonsense"])
  func `random configurations have the same granularity, the same refusals, the same bytes`(
    forced: String
  ) async {
    let seed = Seed().seed
    // A difference is told on standard error, not by the exit status, to be shown when it fails.
    let result = await #expect(
      processExitsWith: .success,
      observing: [\.standardErrorContent, \.standardOutputContent]
    ) { [forced = forced as String, seed = seed as UInt64] in
      if forced.isEmpty {
        unsetenv("PMEM2_FORCE_GRANULARITY")
      } else {
        setenv("PMEM2_FORCE_GRANULARITY", forced, 1)
      }
      var comparison = try LibraryComparison(seed: seed)
      for _ in 0..<400 * stressFactor { try comparison.step() }
      // So that this test cannot pass by refusing everything.
      precondition(comparison.maps > 20 && comparison.refusals.count >= 6)
      print("compared \(comparison.maps) maps, and refusals \(comparison.refusals)")
    }
    guard let result else { return }
    let errors = String(decoding: result.standardErrorContent, as: UTF8.self)
    #expect(errors == "")
    let output = String(decoding: result.standardOutputContent, as: UTF8.self)
    #expect(errors != "" || output.contains("compared"))
  }
}

/// Random configurations of two files that begin with the same bytes, one for each library.
private struct LibraryComparison {
  private let library: LibPMem2
  private var seed: Seed
  private let directory: String
  private let text: [UInt8]
  private(set) var maps = 0
  /// How often each error was met.
  private(set) var refusals: [Int: Int] = [:]

  init(seed: UInt64) throws {
    guard let library = LibPMem2() else { preconditionFailure("libpmem2 has gone") }
    self.library = library
    self.seed = Seed(seed)
    directory = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    text = (0..<50_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
  }

  private mutating func pick<T>(_ values: [T]) -> T {
    values[Int.random(in: 0..<values.count, using: &seed)]
  }

  mutating func step() throws {
    let size = pick([0, 1, 100, 4096, 8192, 12288, 40960, 50_000])
    var config = Config(granularity: pick([.byte, .cacheLine, .page, .page, .page]))
    config.offset = pick([0, 0, 0, 4096, 8192, 100, size, 1 << 40])
    config.length = pick([0, 0, 4096, 8192, 5, 1 << 40, Int.max & ~4095])
    config.sharing = pick([.shared, .shared, .shared, .private])
    config.protection = pick([
      [.read, .write], [.read, .write], .read, [], [.read, .write, .execute],
      Protection(rawValue: 1),
    ])
    let isAnonymous = pick([false, false, false, true])
    let flags = pick([O_RDWR, O_RDWR, O_RDWR, O_RDONLY, O_WRONLY])
    let described = "\(config) of \(size) bytes, open \(flags), anonymous \(isAnonymous)"

    let files = try [makeFile(size, flags), makeFile(size, flags)]
    defer { for file in files { close(file) } }
    let theirs = library.map(isAnonymous ? nil : files[0], byteCount: size, config)
    let ours = makeMap(isAnonymous ? nil : files[1], size, config)
    switch (ours, theirs) {
    case (.failure(let error), .failure(let refusal)):
      refusals[refusal.code, default: 0] += 1
      check(
        expectedCode(refusal.code, config, size) == error.code, "\(described): \(error), \(refusal)"
      )
    case (.success(let map), .success(let other)):
      maps += 1
      compare(map, other, described, isWritten: config.protection.contains(.write))
      if !isAnonymous { check(contents(files[0]) == contents(files[1]), described) }
    case (.success, .failure(let refusal)):
      check(false, "\(described): only they refuse it: \(refusal)")
    case (.failure(let error), .success(let map)):
      check(false, "\(described): only we refuse it: \(error); \(library.size(map))")
    }
  }

  /// Where we know better: the original passes an empty rest of a file on to mmap.
  private func expectedCode(_ code: Int, _ config: Config, _ size: Int) -> Int {
    code == -Int(EINVAL) && config.offset == size ? -100_006 : code
  }

  private func makeMap(
    _ descriptor: CInt?, _ size: Int, _ config: Config
  ) -> Result<Map, PMem2Error> {
    do throws(PMem2Error) {
      guard let descriptor else {
        return .success(try Map(Source.anonymous(byteCount: size), config))
      }
      return .success(try Map(Source(descriptor: descriptor), config))
    } catch {
      return .failure(error)
    }
  }

  /// Compares two maps of the same configuration, and does the same random copies in both.
  private mutating func compare(
    _ ours: Map, _ theirs: LibPMem2.Pointer, _ described: String, isWritten: Bool
  ) {
    var map: LibPMem2.Pointer? = theirs
    check(ours.byteCount == library.size(map), "\(described): \(library.size(map)) bytes")
    check(
      CInt(ours.granularity.rawValue) == library.granularity(map),
      "\(described): \(ours.granularity), \(library.granularity(map))")
    let begin = library.address(map)
    guard let begin, let copy = library.getMemcpy(map), let move = library.getMemmove(map),
      let fill = library.getMemset(map)
    else { return check(false, "no functions") }
    for _ in 0..<(isWritten ? 5 : 0) {
      let count = Int.random(in: 0...min(3000, ours.byteCount), using: &seed)
      let to = Int.random(in: 0...ours.byteCount - count, using: &seed)
      let from = Int.random(in: 0...ours.byteCount - count, using: &seed)
      let flags = UInt32.random(in: 0..<64, using: &seed)
      do {
        switch pick([0, 1, 2]) {
        case 0:
          _ = text.withUnsafeBytes { copy(begin + to, $0.baseAddress, count, flags) }
          try text.withUnsafeBytes {
            try ours.memcpy(
              to: ours.address + to, from: $0.baseAddress!, byteCount: count,
              flags: CopyFlags(rawValue: flags))
          }
        case 1:
          _ = move(begin + to, begin + from, count, flags)
          try ours.memmove(
            to: ours.address + to, from: ours.address + from, byteCount: count,
            flags: CopyFlags(rawValue: flags))
        default:
          let value = UInt8(truncatingIfNeeded: count &+ to)
          _ = fill(begin + to, CInt(value), count, flags)
          try ours.memset(
            ours.address + to, to: value, byteCount: count, flags: CopyFlags(rawValue: flags))
        }
      } catch {
        check(false, "\(described): \(error)")
      }
    }
    if isWritten || ours.protection.contains(.read) {
      check(memcmp(begin, ours.address, ours.byteCount) == 0, "\(described): other bytes")
    }
    for (offset, count) in [(0, ours.byteCount), (1, ours.byteCount), (0, 1), (-1, 1)] {
      if !ours.protection.contains(.read) { break }
      let code = library.deepFlush(map, begin + offset, count)
      let error = refusal { () throws(PMem2Error) in
        try ours.deepFlush(ours.address + offset, byteCount: count)
      }
      check(
        Int(code) == error?.code ?? 0,
        "\(described): deep flush \(offset) \(count): \(code) \(String(describing: error))")
    }
    check(library.mapDelete(&map) == 0, "\(described): not unmapped")
  }

  private func check(_ condition: Bool, _ what: @autoclosure () -> String) {
    if condition { return }
    let text = "\(seed): \(what())\n"
    write(STDERR_FILENO, text, text.utf8.count)
    exit(0)
  }

  /// A file without a name, with bytes in it.
  private func makeFile(_ size: Int, _ flags: CInt) throws -> CInt {
    let path = "\(directory)/pmem2.\(getpid()).\(UInt64.random(in: 0 ... .max))"
    let file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    defer {
      unlink(path)
      close(file)
    }
    check(write(file, text, size) == size, "cannot write \(path)")
    return open(path, flags | O_CLOEXEC)
  }

  private func contents(_ file: CInt) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 60_000)
    let count = pread(file, &bytes, bytes.count, 0)
    return Array(bytes.prefix(max(0, count)))
  }
}
