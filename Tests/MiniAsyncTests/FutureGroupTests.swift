import MiniAsync
import Synchronization
import TestSupport
import Testing

@Suite struct FutureGroupTests {
  @Test func `an empty group has nothing to wait for`() {
    var group = FutureGroup<Repeated>()
    expect(group.isEmpty && group.count == 0)
    expect(group.takeCompleted() == nil)
    expect(Runtime().next(&group) == nil)
    var notifier = Notifier()
    expect(group.poll(&notifier))
    group.cancelAll()
  }

  @Test func `futures are numbered and taken in the order of completion`() {
    var group = FutureGroup<Signalled>()
    let signals = (0..<4).map { _ in Signal() }
    for (index, signal) in signals.enumerated() {
      let id = group.add(Signalled(signal, value: index * 10))
      #expect(id == index)
    }
    expectEqual(group.count, 4)
    let runtime = Runtime()
    var ids: [Int] = []
    for index in [2, 0, 3, 1] {
      signals[index].fire()
      let done = runtime.next(&group)
      #expect(done?.output == (done?.id ?? 0) * 10)
      ids.append(done?.id ?? -1)
    }
    #expect(ids == [2, 0, 3, 1])
    expect(group.isEmpty)
    expect(runtime.next(&group) == nil)
  }

  @Test func `several at once keep the order of their wakes, after asynchronous ones`() {
    var group = FutureGroup<Signalled>()
    let signals = (0..<6).map { _ in Signal() }
    for (index, signal) in signals.enumerated() {
      group.add(Signalled(signal, isAsync: index % 2 == 1))
    }
    let target = RecordingTarget()
    var notifier = Notifier(waker: target.waker)
    expect(!group.poll(&notifier))
    for index in [4, 1, 0, 3] { signals[index].fire() }
    #expect(target.count == 1)
    var again = Notifier(waker: target.waker)
    expect(group.poll(&again))
    var ids: [Int] = []
    while let done = group.takeCompleted() { ids.append(done.id) }
    #expect(ids == [1, 3, 4, 0])
    expectEqual(group.count, 2)
  }

  @Test func `only what was woken is polled`() {
    let probes = (0..<100).map { _ in Probe() }
    let signals = (0..<100).map { _ in Signal() }
    var group = FutureGroup<Signalled>(minimumCapacity: 100)
    for index in 0..<100 { group.add(Signalled(signals[index], probe: probes[index])) }
    let runtime = Runtime()
    for index in 0..<100 {
      signals[index].fire()
      expectEqual(runtime.next(&group)?.id, index)
      #expect(probes[index].polls.value <= 2)
    }
    #expect(probes.reduce(0) { $0 + $1.polls.value } <= 200)
  }

  @Test(arguments: [1, 15, 16, 17, 100])
  func `a group grows while its futures wait`(count: Int) {
    let drops = Counter()
    let signals = (0..<count).map { _ in Signal() }
    do {
      var group = FutureGroup<Dropping<Signalled>>()
      for index in 0..<count {
        group.add(Dropping(Signalled(signals[index], value: index), drops))
        var notifier = Notifier(waker: RecordingTarget().waker)
        expect(!group.poll(&notifier))
      }
      #expect(drops.value == 0)
      for signal in signals.reversed() { signal.fire() }
      let runtime = Runtime()
      var seen = Set<Int>()
      while let done = runtime.next(&group) {
        #expect(done.id == done.output)
        seen.insert(done.id)
      }
      #expect(seen.count == count)
      #expect(drops.value == count)
    }
    #expect(drops.value == count)
  }

  @Test func `places are used again, and a window of futures may run for long`() {
    let drops = Counter()
    var group = FutureGroup<Dropping<AnyFuture<Int>>>(minimumCapacity: 4)
    let runtime = Runtime()
    var sum = 0
    let word = Word()
    word.set(1)
    for index in 0..<1000 {
      let signal = Signal()
      let future: AnyFuture<Int> =
        switch index % 4 {
        case 0: AnyFuture(Repeated(polls: 1 + index % 5, value: index))
        case 1: AnyFuture(SelfWaking(polls: 1 + index % 5).map { _ in index })
        case 2: AnyFuture(Watching(word: word).map { _ in index })
        default: AnyFuture(Signalled(signal, value: index))
        }
      group.add(Dropping(future, drops))
      if index % 4 == 3 { signal.fire() }
      if group.count == 4, let done = runtime.next(&group) {
        #expect(done.id == done.output)
        sum += done.output
      }
    }
    while let done = runtime.next(&group) { sum += done.output }
    #expect(sum == 1000 * 999 / 2)
    #expect(drops.value == 1000)
  }

  /// Takes the waker of every poll, and completes at the `polls`th.
  struct Keeping: Future {
    let wakers: Collected<Waker>
    var polls: Int
    let probe: Probe
    var progress = FutureProgress<Int>.idle
    mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Int> {
      probe.polls.add()
      if let waker = notifier.takeWaker() { wakers.append(waker) }
      polls -= 1
      return polls > 0 ? .running : .complete(0)
    }
  }

  @Test func `a stale wake does not reach the next future in the place`() {
    let stale = Collected<Waker>()
    let probes = [Probe(), Probe()]
    let target = RecordingTarget()
    var group = FutureGroup<Keeping>(minimumCapacity: 1)
    group.add(Keeping(wakers: stale, polls: 1, probe: probes[0]))
    var notifier = Notifier(waker: target.waker)
    expect(group.poll(&notifier))
    expectEqual(group.takeCompleted()?.id, 0)

    let fresh = Collected<Waker>()
    group.add(Keeping(wakers: fresh, polls: 2, probe: probes[1]))
    expect(!group.poll(&notifier))
    #expect(!stale.all[0].wakesSame(as: fresh.all[0]))
    for _ in 0..<3 { stale.all[0].wake() }
    #expect(target.count == 0)
    expect(!group.poll(&notifier))
    #expect(probes[1].polls.value == 1)
    fresh.all[0].wake()
    #expect(target.count == 1)
    expect(group.poll(&notifier))
    #expect(probes.map(\.polls.value) == [1, 2])
  }

  @Test func `a wake left over in a place costs its next future a poll at most`() {
    let wakers = Collected<Waker>()
    let target = RecordingTarget()
    let probe = Probe()
    struct WakingItself: Future {
      let wakers: Collected<Waker>
      var progress = FutureProgress<Int>.idle
      mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Int> {
        if let waker = notifier.takeWaker() { waker.wake() }
        return .complete(0)
      }
    }
    var group = FutureGroup<AnyFuture<Int>>(minimumCapacity: 1)
    group.add(AnyFuture(WakingItself(wakers: wakers)))
    var notifier = Notifier(waker: target.waker)
    expect(group.poll(&notifier))
    expectEqual(group.takeCompleted()?.id, 0)
    group.add(AnyFuture(Keeping(wakers: wakers, polls: 10, probe: probe)))
    expect(!group.poll(&notifier))
    expect(!group.poll(&notifier))
    #expect(probe.polls.value <= 2)
    let polls = probe.polls.value
    wakers.all[0].wake()
    expect(!group.poll(&notifier))
    #expect(probe.polls.value == polls + 1)
  }

  /// Asynchronous until its first poll.
  struct Changing: Future {
    let signal: Signal
    let probe: Probe
    var isAsync = true
    var progress = FutureProgress<Int>.idle
    mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Int> {
      probe.polls.add()
      isAsync.toggle()
      signal.cell.register(&notifier)
      return signal.isUp ? .complete(0) : .running
    }
    func hasProperty(_ property: FutureProperty) -> Bool { isAsync }
  }

  @Test func `a future whose property changes in its poll is polled once per wake`() {
    let probes = [Probe(), Probe()]
    let signals = [Signal(), Signal()]
    var group = FutureGroup<Changing>()
    for index in 0..<2 { group.add(Changing(signal: signals[index], probe: probes[index])) }
    var notifier = Notifier(waker: RecordingTarget().waker)
    expect(!group.poll(&notifier))
    #expect(probes.map(\.polls.value) == [1, 1])
    for polls in 2..<6 {
      for signal in signals { signal.cell.wake() }
      expect(!group.poll(&notifier))
      #expect(probes.map(\.polls.value) == [polls, polls])
    }
  }

  // MARK: What the group asks for

  @Test func `a group asks for what its futures ask for`() {
    let word = Word()
    let others = [Word(), Word()]
    func use(_ futures: [AnyFuture<Int>]) -> Notifier.Use {
      var group = FutureGroup<AnyFuture<Int>>()
      for future in futures { group.add(future) }
      var notifier = Notifier(waker: RecordingTarget().waker)
      expect(!group.poll(&notifier))
      if notifier.used.contains(.poller) {
        expect(notifier.poller?.address == UnsafePointer(word.address))
      }
      return notifier.used
    }
    #expect(use([AnyFuture(Signalled())]) == .waker)
    #expect(use([AnyFuture(Signalled()), AnyFuture(Watching(word: word))]) == [.waker, .poller])
    #expect(use([AnyFuture(Repeated(polls: 9))]) == [.waker, .repeatedPolls])
    #expect(use(others.map { AnyFuture(Watching(word: $0)) }) == [.waker, .repeatedPolls])
  }

  @Test func `a wake of a woken group does not wake its waiter twice`() {
    let signals = (0..<3).map { _ in Signal() }
    var group = FutureGroup<Signalled>()
    for signal in signals { group.add(Signalled(signal)) }
    let target = RecordingTarget()
    var notifier = Notifier(waker: target.waker)
    expect(!group.poll(&notifier))
    for signal in signals { signal.fire() }
    #expect(target.count == 1)
  }

  @Test func `a wake during the poll wakes the waiter of the group`() {
    var group = FutureGroup<SelfWaking>()
    group.add(SelfWaking(polls: 3))
    let target = RecordingTarget()
    var notifier = Notifier(waker: target.waker)
    expect(!group.poll(&notifier))
    #expect(target.count == 1)
  }

  @Test func `the waiter of a group may change`() {
    let signal = Signal()
    var group = FutureGroup<Signalled>()
    group.add(Signalled(signal))
    let targets = [RecordingTarget(), RecordingTarget()]
    for target in targets {
      var notifier = Notifier(waker: target.waker)
      expect(!group.poll(&notifier))
    }
    signal.fire()
    #expect(targets.map(\.count) == [0, 1])
  }

  @Test func `a group in a group`() {
    let signals = (0..<20).map { _ in Signal() }
    var outer = FutureGroup<AllOf<Signalled>>()
    for part in 0..<4 {
      outer.add(AllOf((0..<5).map { Signalled(signals[part * 5 + $0], value: part * 5 + $0) }))
    }
    let thread = TestThread { for signal in signals.shuffled() { signal.fire() } }
    let runtime = Runtime()
    var outputs: [Int] = []
    while let done = runtime.next(&outer) { outputs += done.output }
    thread.join()
    #expect(outputs.sorted() == Array(0..<20))
  }

  // MARK: Cancelling and dropping

  @Test func `cancelling a group cancels what is not complete, polled or not`() {
    let probes = (0..<3).map { _ in Probe() }
    let signals = (0..<3).map { _ in Signal() }
    var group = FutureGroup<Signalled>()
    group.add(Signalled(signals[0], probe: probes[0]))
    group.add(Signalled(signals[1], probe: probes[1]))
    signals[0].fire()
    var notifier = Notifier(waker: RecordingTarget().waker)
    expect(group.poll(&notifier))
    group.add(Signalled(signals[2], probe: probes[2]))
    group.cancelAll()
    #expect(probes.map(\.cancels.value) == [0, 1, 1])
    let runtime = Runtime()
    var count = 0
    while runtime.next(&group) != nil { count += 1 }
    #expect(count == 3)
  }

  @Test func `a cancelled future that has no waker is polled`() {
    /// Cancelled, it is complete at the next poll; it does not wake.
    struct Quiet: Future {
      var isCancelled = false
      var progress = FutureProgress<Int>.idle
      mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Int> {
        _ = notifier.takeWaker()
        return isCancelled ? .complete(1) : .running
      }
      mutating func cancel() { isCancelled = true }
    }
    var group = FutureGroup<Quiet>()
    for _ in 0..<3 { group.add(Quiet()) }
    let target = RecordingTarget()
    var notifier = Notifier(waker: target.waker)
    expect(!group.poll(&notifier))
    group.cancelAll()
    #expect(target.count == 1)
    expect(group.poll(&notifier))
    expectEqual(group.takeCompleted()?.output, 1)
  }

  @Test func `dropping a group drops each future once, whatever its state`() {
    let drops = Counter()
    let signals = (0..<40).map { _ in Signal() }
    do {
      var group = FutureGroup<Dropping<Signalled>>()
      for signal in signals[..<20] { group.add(Dropping(Signalled(signal), drops)) }
      var notifier = Notifier(waker: RecordingTarget().waker)
      expect(!group.poll(&notifier))
      for signal in signals[..<10] { signal.fire() }
      expect(group.poll(&notifier))
      for _ in 0..<5 { expect(group.takeCompleted() != nil) }
      for signal in signals[20...] { group.add(Dropping(Signalled(signal), drops)) }
      #expect(drops.value == 10)
      expectEqual(group.count, 35)
    }
    #expect(drops.value == 40)
    // Their wakers lead to a list that is still alive, and to nobody.
    for signal in signals { signal.fire() }
  }

  @Test func `outputs that were taken are not kept by a group that never runs dry`() {
    final class Payload: Sendable {
      let token: Counter
      init(_ token: Counter) { self.token = token }
      deinit { token.add() }
    }
    struct Giving: Future {
      let freed: Counter
      var progress = FutureProgress<Payload>.idle
      mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Payload> {
        .complete(Payload(freed))
      }
    }
    let freed = Counter()
    var group = FutureGroup<Giving>()
    group.add(Giving(freed: freed))
    for _ in 0..<100 {
      group.add(Giving(freed: freed))
      var notifier = Notifier()
      expect(group.poll(&notifier))
      expect(group.takeCompleted() != nil)
    }
    #expect(freed.value >= 98)
  }
}
