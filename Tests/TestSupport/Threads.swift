import CTestSupport
import Glibc

/// A thread of its own, which may block without keeping a task from running.
///
/// Swift Testing runs tests on the few threads of the cooperative pool: what blocks until a *task*
/// has made progress must not block one of these. See ``onThread(_:)``.
public struct TestThread: ~Copyable {
  private let id: pthread_t

  /// Starts a thread that runs `body`.
  public init(_ body: @escaping @Sendable () -> Void) {
    let box = Unmanaged.passRetained(Box(body))
    var id = pthread_t()
    let result = pthread_create(
      &id, nil,
      { context in
        guard let context else { return nil }
        Unmanaged<Box>.fromOpaque(context).takeRetainedValue().body()
        return nil
      }, box.toOpaque())
    precondition(result == 0, "TestThread: pthread_create failed with \(result)")
    self.id = id
  }

  /// Blocks until the thread has ended.
  public consuming func join() { pthread_join(id, nil) }

  private final class Box: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
}

/// Runs `body` on `count` threads of their own at once, and blocks until all have ended.
public func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
  let ended = Counter()
  for index in 0..<count {
    TestThread {
      body(index)
      ended.add()
    }.detach()
  }
  waitUntil { ended.value == count }
}

extension TestThread {
  /// Lets the thread run to its end by itself.
  public consuming func detach() { pthread_detach(id) }
}

/// Runs `body`, which may block, on a thread of its own, while the task is suspended.
public func onThread<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
  await withCheckedContinuation { continuation in
    TestThread { continuation.resume(returning: body()) }.detach()
  }
}

/// The number of the calling thread, for ``isAsleep(thread:)``.
public func currentThreadID() -> Int { Int(ctest_thread_id()) }

/// Whether a thread of this process sleeps in the kernel now (state S in /proc).
public func isAsleep(thread: Int) -> Bool {
  guard let file = fopen("/proc/self/task/\(thread)/stat", "r") else { return false }
  defer { fclose(file) }
  var text = [UInt8](repeating: 0, count: 512)
  let length = fread(&text, 1, text.count, file)
  // The state follows the name, which stands in parentheses and may hold any character.
  guard let end = text[..<length].lastIndex(of: UInt8(ascii: ")")), end + 2 < length else {
    return false
  }
  return text[end + 2] == UInt8(ascii: "S")
}

/// Lets other threads run until `condition` holds.
///
/// Ends the process when it does not within a minute: something hangs then.
public func waitUntil(
  _ condition: () -> Bool, file: StaticString = #file, line: UInt = #line
) {
  let limit = ContinuousClock.now + .seconds(60)
  var looks = 0
  while !condition() {
    looks += 1
    if looks % 64 == 0 { usleep(50) } else { sched_yield() }
    if looks % 1024 == 0 && ContinuousClock.now > limit {
      fatalError("waitUntil: nothing has happened for a minute", file: file, line: line)
    }
  }
}

/// Lets other tasks run until `condition` holds; as ``waitUntil(_:file:line:)`` in async code.
public func eventually(
  _ condition: () -> Bool, file: StaticString = #file, line: UInt = #line
) async {
  let limit = ContinuousClock.now + .seconds(60)
  while !condition() {
    await Task.yield()
    if ContinuousClock.now > limit {
      fatalError("eventually: nothing has happened for a minute", file: file, line: line)
    }
  }
}
