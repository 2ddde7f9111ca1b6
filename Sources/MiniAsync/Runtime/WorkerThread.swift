import CMiniAsync
import Glibc

/// A thread of our own, not of Swift's pool: it may block.
///
/// It receives no signals, so that those of the program go to its own threads; but for those that
/// its own instructions cause, which would end the process, past any handler, if it blocked them.
package struct WorkerThread: Sendable {
  private let handle: pthread_t

  /// Starts a thread.
  ///
  /// - Parameters:
  ///   - name: What debuggers and `top` show; 15 bytes at most.
  ///   - processor: The only processor it may run on; `nil` for those of the calling thread.
  ///   - body: What the thread does.
  /// - Throws: The error number of `pthread_create`.
  package init(
    name: String, processor: Int? = nil, _ body: @escaping @Sendable () -> Void
  ) throws(StartError) {
    var attributes = pthread_attr_t()
    unsafe pthread_attr_init(&attributes)
    defer { unsafe pthread_attr_destroy(&attributes) }
    if let processor {
      let status = unsafe mini_pin(&attributes, CInt(clamping: processor))
      if status != 0 { throw StartError(errno: status) }
    }

    var blocked = sigset_t()
    var before = sigset_t()
    unsafe sigfillset(&blocked)
    for signal in [SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT] {
      unsafe sigdelset(&blocked, signal)
    }
    unsafe pthread_sigmask(SIG_SETMASK, &blocked, &before)
    defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }

    var handle = pthread_t()
    let box = unsafe Unmanaged.passRetained(
      Body {
        unsafe mini_name_thread(name)
        body()
      })
    // SAFETY: the new thread takes over the reference that was retained for it.
    let status = unsafe pthread_create(&handle, &attributes, threadMain, box.toOpaque())
    guard status == 0 else {
      unsafe box.release()
      throw StartError(errno: status)
    }
    self.handle = handle
  }

  /// Why a thread could not be started.
  package struct StartError: Error {
    /// The error number of `pthread_create`.
    package let errno: CInt
  }

  /// Waits for the end of the thread, or lets it end by itself if it is the calling one.
  ///
  /// Once.
  package func join() {
    if pthread_equal(pthread_self(), handle) != 0 {
      pthread_detach(handle)
    } else {
      pthread_join(handle, nil)
    }
  }

  /// The number of processors that threads may run on, at least 1.
  package static var availableProcessors: Int { Int(mini_available_cpus()) }
}

private final class Body: Sendable {
  let run: @Sendable () -> Void

  init(run: @escaping @Sendable () -> Void) { self.run = run }
}

private func threadMain(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let argument = unsafe argument else { return nil }
  // SAFETY: `init` retained a `Body` for this thread.
  unsafe Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
  return nil
}
