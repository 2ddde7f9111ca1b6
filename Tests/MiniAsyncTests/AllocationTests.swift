import MiniAsync
import TestSupport
import Testing

/// Polls, wakes and warm waits allocate nothing.
///
/// Counted for the thread of the test, in release builds only: in debug, generic code that is not
/// specialised may box values. Not under sanitizers, which have an allocator of their own.
@Suite(
  .enabled(if: countsAllocations, "a sanitizer has its own allocator"),
  .disabled(if: isDebugBuild, "unspecialised generic code may allocate: swift test -c release"))
struct AllocationTests {
  @Test func `the counter counts`() {
    var array: [Int] = []
    let count = allocations { array.reserveCapacity(100) }
    #expect(count == 1)
    #expect(allocations {} == 0)
  }

  @Test func `polling and waking allocate nothing`() {
    let signal = Signal()
    var future = Signalled(signal)
    let target = RecordingTarget()
    var notifier = Notifier(waker: target.waker)
    future.poll(&notifier)
    signal.cell.wake()
    let count = allocations {
      for _ in 0..<100 {
        future.poll(&notifier)
        future.poll()
      }
    }
    #expect(count == 0)
  }

  @Test func `polling a chain allocates nothing`() {
    var chain = Chain(output: 0, extra: 3, first: Repeated(polls: 50, value: 1))
      .then(Repeated(polls: 50)) { chain, output, next in next.value = output + chain.extra }
      .thenLazily { [probe = Probe()] _, output in
        Repeated(polls: 50, value: output, probe: probe)
      }
      .mapOutput { chain, output in chain.output = output }
    var polls = 0
    let count = allocations { while chain.poll() != .complete { polls += 1 } }
    #expect(chain.output == 4 && polls == 147)
    #expect(count == 0)
  }

  @Test func `a warm wait allocates nothing, for one or many`() {
    let runtime = Runtime()
    func futures() -> [Repeated] { (0..<100).map { _ in Repeated(polls: 20) } }
    var warm = futures()
    runtime.waitMultiple(&warm)
    var many = futures()
    #expect(allocations { runtime.waitMultiple(&many) } == 0)
    var one = SelfWaking(polls: 100)
    #expect(allocations { runtime.wait(&one) } == 0)
    var few = SelfWaking(polls: 100)
    let count = allocations { for _ in 0..<10 { runtime.wait(&few) } }
    #expect(count == 0)
  }

  @Test func `a wait allocates nothing after one that left wakers behind`() {
    let runtime = Runtime()
    let signals = (0..<20).map { _ in Signal() }
    // Fired before the wait: the only poll leaves a waker in each cell.
    for signal in signals { signal.fire() }
    var futures = signals.map { Signalled($0) }
    var warm = signals.map { Signalled($0) }
    var one = Signalled(signals[0])
    runtime.waitMultiple(&warm)
    #expect(allocations { runtime.waitMultiple(&futures) } == 0)
    #expect(allocations { runtime.wait(&one) } == 0)
    // What was left behind wakes nobody, and is no trouble.
    let count = allocations { for signal in signals { signal.cell.wake() } }
    #expect(count == 0)
    var last = SelfWaking(polls: 10)
    #expect(allocations { runtime.wait(&last) } == 0)
    #expect(last.probe.polls.value == 10)
  }

  @Test func `a wait allocates nothing after one that was woken when it was over`() {
    let runtime = Runtime()
    /// Wakes itself even when it completes.
    struct Eager: Future {
      var polls = 3
      var progress = FutureProgress<Int>.idle
      mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Int> {
        notifier.takeWaker()?.wake()
        polls -= 1
        return polls > 0 ? .running : .complete(0)
      }
    }
    var futures = [Eager](repeating: Eager(), count: 50)
    runtime.waitMultiple(&futures)
    var again = [Eager](repeating: Eager(), count: 50)
    #expect(allocations { runtime.waitMultiple(&again) } == 0)
  }

  @Test func `a window of futures in a group allocates nothing once it is warm`() {
    let runtime = Runtime()
    var group = FutureGroup<Signalled>(minimumCapacity: 8)
    let signals = (0..<8).map { _ in Signal() }
    let probe = Probe()
    for signal in signals { signal.fire() }
    func round() {
      for signal in signals { group.add(Signalled(signal, probe: probe)) }
      while runtime.next(&group) != nil {}
    }
    for _ in 0..<3 { round() }
    #expect(allocations { for _ in 0..<10 { round() } } == 0)
  }

  @Test func `two threads that wait with one runtime allocate nothing once it is warm`() {
    let runtime = Runtime()
    struct Nested: Future {
      let runtime: Runtime
      let probe: Probe
      var progress = FutureProgress<Int>.idle
      mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Int> {
        var inner = SelfWaking(polls: 3, probe: probe)
        return .complete(runtime.wait(&inner))
      }
    }
    // Two waits at once, of which a second thread would make one.
    let probe = Probe()
    var warm = Nested(runtime: runtime, probe: probe)
    runtime.wait(&warm)
    var nested = Nested(runtime: runtime, probe: probe)
    #expect(allocations { runtime.wait(&nested) } == 0)
  }
}
