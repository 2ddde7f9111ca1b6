import Glibc
import MiniAsync
import Synchronization
import Testing

@Suite struct WorkerThreadSignalTests {
  @Test func `a worker thread blocks the program's signals, not those of its own instructions`()
    throws
  {
    let blocked = Collected()
    let thread = try WorkerThread(name: "signals") {
      var mask = sigset_t()
      pthread_sigmask(SIG_BLOCK, nil, &mask)
      let set = (1..<32).map { CInt($0) }.filter { sigismember(&mask, $0) == 1 }
      blocked.signals.withLock { $0 = set }
    }
    thread.join()
    let set = blocked.signals.withLock { $0 }
    for signal in [SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGPIPE, SIGUSR1] {
      #expect(set.contains(signal))
    }
    for signal in [SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT] {
      #expect(!set.contains(signal))
    }
  }
}

private final class Collected: Sendable {
  let signals = Mutex<[CInt]>([])
}
