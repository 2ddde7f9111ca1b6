import Glibc

/// Threads of a test's own, which may block.
public struct MoverThread: @unchecked Sendable {
  // @unchecked: a thread's handle is a number.
  private let handle: pthread_t

  /// Starts a thread that runs `body`.
  public init(_ body: @escaping @Sendable () -> Void) {
    let box = Unmanaged.passRetained(Body(run: body))
    var handle = pthread_t()
    let status = pthread_create(&handle, nil, runBody, box.toOpaque())
    precondition(status == 0, "MoverThread: pthread_create failed with \(status)")
    self.handle = handle
  }

  /// Waits for the end of the thread.
  ///
  /// Once.
  public func join() { pthread_join(handle, nil) }

  /// Runs `body` on `count` threads at once, each with its number, and waits for all.
  public static func run(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    let gate = MoverGate()
    let threads = (0..<count).map { number in
      MoverThread {
        gate.pass()
        body(number)
      }
    }
    gate.waitForArrivals(count)
    gate.open()
    for thread in threads { thread.join() }
  }
}

private final class Body: Sendable {
  let run: @Sendable () -> Void

  init(run: @escaping @Sendable () -> Void) { self.run = run }
}

private func runBody(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  if let argument { Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run() }
  return nil
}
