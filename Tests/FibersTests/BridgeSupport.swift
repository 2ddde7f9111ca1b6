import Fibers
import MiniAsync
import Synchronization
import TestSupport

/// Something that happens once, announced through a waker.
final class Signal: Sendable {
  let cell = WakerCell()
  private let flag = Flag()

  var isUp: Bool { flag.isRaised }

  func fire() {
    flag.raise()
    cell.wake()
  }
}

/// Completes with `value` when its signal was fired; cancelled, with -1 then.
struct Signalled: Future {
  let signal: Signal
  var value = 1
  let polls = Counter()
  let cancels = Counter()
  private var isCancelled = false
  var progress = FutureProgress<Int>.idle

  init(_ signal: Signal = Signal(), value: Int = 1) {
    self.signal = signal
    self.value = value
  }

  mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Int> {
    polls.add()
    signal.cell.register(&notifier)
    return signal.isUp ? .complete(isCancelled ? -1 : value) : .running
  }

  mutating func cancel() {
    cancels.add()
    isCancelled = true
  }
}

/// Completes at the `polls`th poll; how it is notified in between is up to `kind`.
struct Countdown: Future {
  enum Kind: CaseIterable {
    /// No notifier used.
    case nothing
    /// A word that never changes.
    case word
    /// Wakes itself during the poll, twice.
    case selfWake
    /// Another thread wakes, and then calls the wakers of all earlier polls too.
    case foreignWakes
    /// The waker of the poll before is called in this one, and another thread calls this one's.
    case lateWakes
    /// Takes the waker, and wants to be polled repeatedly as well.
    case both
  }

  let kind: Kind
  var left: Int
  let polls = Counter()
  private let word = Word()
  private let kept = Guarded<[Waker]>([])
  var progress = FutureProgress<Int>.idle

  init(_ kind: Kind, polls: Int) {
    self.kind = kind
    left = polls
  }

  mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Int> {
    polls.add()
    left -= 1
    if left == 0 { return .complete(polls.value) }
    switch kind {
    case .nothing: break
    case .word: notifier.watch(Poller(address: word.address, value: 0))
    case .selfWake:
      notifier.takeWaker()?.wake()
      notifier.takeWaker()?.wake()
    case .foreignWakes:
      let wakers = kept
      if let waker = notifier.takeWaker() { wakers.withLock { $0.insert(waker, at: 0) } }
      TestThread { for waker in wakers.withLock({ $0 }) { waker.wake() } }.detach()
    case .lateWakes:
      for waker in kept.withLock({ $0 }) { waker.wake() }
      guard let waker = notifier.takeWaker() else { break }
      kept.withLock { $0 = [waker] }
      TestThread { waker.wake() }.detach()
    case .both:
      _ = notifier.takeWaker()
      notifier.pollRepeatedly()
    }
    return .running
  }
}

/// A runtime that serves on a thread of its own until it is stopped, and is shut down then.
final class ServedRuntime: Sendable {
  let remote: FiberRemote
  private let thread: OwnThread<Int?>

  init(_ configuration: FiberRuntime.Configuration = .init()) {
    let slot = Guarded<FiberRemote?>(nil)
    thread = OwnThread {
      guard let runtime = try? FiberRuntime(configuration) else { return nil }
      slot.withLock { $0 = runtime.remote }
      defer { runtime.shutdown() }
      do throws(FiberDeadlock) {
        try runtime.serve()
        return 0
      } catch {
        return error.fibers.count
      }
    }
    var remote: FiberRemote?
    waitUntil {
      remote = slot.withLock { $0 }
      return remote != nil
    }
    guard let remote else { preconditionFailure("ServedRuntime: no runtime") }
    self.remote = remote
  }

  /// Blocks the calling thread.
  ///
  /// - Returns: How many fibers were left that nothing could wake.
  func stop() -> Int? {
    remote.stop()
    return thread.wait()
  }

  /// The same for tests that are async.
  func stopped() async -> Int? { await onThread { self.stop() } }
}

/// Parks the running fiber until it is cancelled, in a way that lets `serve()` return: with two
/// more, in a circle of joins.
func waitForNobody() throws {
  var second: Fiber<Void, any Error>?
  let first = try Fiber.spawn { () throws(any Error) in try second?.join() }
  second = try Fiber.spawn { () throws(any Error) in try first.join() }
  defer { first.cancel() }
  try first.join()
}

struct TestError: Error, Equatable {
  var number = 0
}
