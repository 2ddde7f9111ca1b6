import Fibers

/// Runs a fiber in a runtime of its own on a pinned thread.
func fiberThread(on processor: Int, _ body: @escaping @Sendable () throws -> Void)
  -> PinnedThread
{
  PinnedThread(on: processor) {
    do {
      let runtime = try FiberRuntime()
      try runtime.spawn { try body() }.join()
      runtime.shutdown()
    } catch {
      preconditionFailure("Benchmarks: a fiber failed: \(error)")
    }
  }
}
