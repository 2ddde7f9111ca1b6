import CBenchmarks
import Glibc

/// A thread that stays on one processor.
final class PinnedThread: Sendable {
  private let thread: pthread_t

  init(on processor: Int, _ body: @escaping @Sendable () -> Void) {
    let start = Start(processor: processor, body: body)
    var thread = pthread_t()
    let code = pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
        _ = bench_pin(CInt(start.processor))
        start.body()
        return nil
      }, Unmanaged.passRetained(start).toOpaque())
    precondition(code == 0, "Benchmarks: no thread could be started")
    self.thread = thread
  }

  func join() { pthread_join(thread, nil) }
}

private final class Start: Sendable {
  let processor: Int
  let body: @Sendable () -> Void

  init(processor: Int, body: @escaping @Sendable () -> Void) {
    self.processor = processor
    self.body = body
  }
}
