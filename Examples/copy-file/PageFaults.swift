import Glibc
import Synchronization

/// Turns what would end the process while files are written and read into errors.
func prepareForFailingFiles() {
  // A file larger than the limit (`ulimit -f`) and a closed standard output: `EFBIG`, `EPIPE`.
  signal(SIGXFSZ, SIG_IGN)
  signal(SIGPIPE, SIG_IGN)
  PageFaults.catchThem()
}

/// Pages of a mapped file that cannot be had: the file became shorter, or its disk has failed.
///
/// The thread that touches such a page gets `SIGBUS`. It may be a mover's thread, deep inside
/// `memcpy`, from where nothing can be thrown. So the handler puts a page of zeros there and
/// remembers that it did; the copy goes on, and fails when its current chunks are done.
enum PageFaults {
  private static let happened = Atomic<Bool>(false)

  /// Installs the handler.
  static func catchThem() {
    // Initialises the variable, which the handler must not be the first to do.
    happened.store(false, ordering: .relaxed)
    var action = sigaction()
    action.sa_flags = SA_SIGINFO
    action.__sigaction_handler.sa_sigaction = { _, info, _ in PageFaults.handle(info) }
    sigaction(SIGBUS, &action, nil)
  }

  /// Throws if a page was missing.
  static func check() throws(CopyError) {
    // ORDER: relaxed, for a chunk is known to be complete by an acquiring load that comes before.
    if happened.load(ordering: .relaxed) {
      throw .failed("a file became shorter, or its disk failed, while it was mapped")
    }
  }

  /// Runs in the faulting thread: only system calls and one atomic store.
  private static func handle(_ info: UnsafeMutablePointer<siginfo_t>?) {
    happened.store(true, ordering: .relaxed)
    if let info, info.pointee.si_code == BUS_ADRERR, replacePage(info.pointee) { return }
    // Something else, such as broken memory: when the handler returns, the access ends the process.
    signal(SIGBUS, SIG_DFL)
  }

  private static func replacePage(_ info: siginfo_t) -> Bool {
    let pageSize = UInt(getpagesize())
    let address = UInt(bitPattern: info._sifields._sigfault.si_addr) & ~(pageSize - 1)
    // SAFETY: only mapped files give `BUS_ADRERR`, and this program maps whole files of its own.
    let page = mmap(
      UnsafeMutableRawPointer(bitPattern: address), Int(pageSize), PROT_READ | PROT_WRITE,
      MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    return page != MAP_FAILED
  }
}
