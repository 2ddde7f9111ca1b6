import Glibc
import TestSupport
import Testing
import VDM

/// Making a thread mover.
@Suite struct ThreadMoverStartTests {
  /// Whether a sanitizer is at work: it needs address space that the test below takes away.
  static let isSanitized =
    dlsym(nil, "__asan_init") != nil || dlsym(nil, "__tsan_init") != nil

  @Test func `the default configuration suits the machine`() throws {
    let configuration = ThreadMover.Configuration()
    #expect(configuration.threads >= 1)
    #expect(configuration.threads <= sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    #expect(ThreadMover.Configuration(threads: 7).threads == 7)
    let mover = try ThreadMover()
    #expect(mover.configuration.threads == configuration.threads)
    let bytes = MoverBytes(count: 10)
    var future = mover.memset(bytes.start, to: 1, byteCount: 10)
    #expect(waitFor(&future).isSuccess)
  }

  @Test func `many movers may be made and dropped`() throws {
    for round in 0..<100 * stressFactor {
      let mover = try ThreadMover(configuration: .init(threads: 1 + round % 4))
      if round % 2 == 0 { mover.shutdown() }
    }
  }

  @Test(.enabled(if: !isSanitized))
  func `threads that cannot be started are an error, and none is left`() async {
    await #expect(processExitsWith: .success) {
      // Room for a few stacks of 8 MiB, not for a thousand.
      var limit = rlimit()
      getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
      let before = limit.rlim_cur
      var pages = 0
      if let file = fopen("/proc/self/statm", "r") {
        withUnsafeMutablePointer(to: &pages) { pages in
          _ = withVaList([pages]) { vfscanf(file, "%ld", $0) }
        }
        fclose(file)
      }
      limit.rlim_cur = rlim_t(pages * 4096 + 64 << 20)
      setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
      #expect(throws: VDMError.threadsNotStarted(errno: EAGAIN)) {
        try ThreadMover(configuration: .init(threads: 1000))
      }
      limit.rlim_cur = before
      setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
      // All is well again.
      let mover = try ThreadMover(configuration: .init(threads: 2))
      let bytes = MoverBytes(count: 10)
      let output = await mover.memset(bytes.start, to: 1, byteCount: 10).value()
      #expect(output.isSuccess)
      mover.shutdown()
      #expect(mover.slotsInUse == 0)
    }
  }

  @Test(arguments: ["threads", "queueCapacity", "slotCapacity", "splitThreshold"])
  func `a configuration that makes no sense is a precondition failure`(what: String) async {
    await #expect(processExitsWith: .failure) { [what = what as String] in
      var configuration = ThreadMover.Configuration(threads: 1)
      switch what {
      case "threads": configuration.threads = 0
      case "queueCapacity": configuration.queueCapacity = 0
      case "slotCapacity": configuration.slotCapacity = 0
      default: configuration.splitThreshold = 0
      }
      _ = try ThreadMover(configuration: configuration)
    }
  }
}
