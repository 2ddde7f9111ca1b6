import MiniAsync
import Synchronization
import TestSupport
import Testing

@Suite struct AwaitTests {
  @Test func `an output is awaited, whatever the future uses`() async {
    #expect(await CompletedFuture(1).value() == 1)
    #expect(await Repeated(polls: 40, value: 2).value() == 2)
    #expect(await SelfWaking(polls: 40).value() == 0)
    let word = Word()
    let signal = Signal()
    TestThread {
      word.set(1)
      signal.fire()
    }.detach()
    #expect(await Watching(word: word).value() == 1)
    #expect(await Signalled(signal, value: 3).value() == 3)
  }

  @Test func `parts of every kind are awaited together`() async {
    let word = Word()
    let signal = Signal()
    TestThread {
      signal.fire()
      word.set(1)
    }.detach()
    let output = await Signalled(signal, value: 1).and(Repeated(polls: 30, value: 2))
      .and(Watching(word: word)).value()
    #expect(output.0 == (1, 2) && output.1 == 1)
  }

  @Test func `chains and combinators with closures are awaited`() async {
    let chained = await Chain(output: 0, first: Repeated(polls: 2, value: 4))
      .mapOutput { chain, output in chain.output = output + 1 }
      .value()
    #expect(chained == 5)
    #expect(await Repeated(polls: 3, value: 6).map { "\($0)" }.value() == "6")
    let all = await AllOf((0..<20).map { Repeated(polls: $0 + 1, value: $0) }).value()
    #expect(all == Array(0..<20))
    let first = await FirstOf([Repeated(polls: 9), Repeated(polls: 2, value: 1)]).value()
    #expect(first.id == 1 && first.output == 1)
    #expect(await AnyFuture(Repeated(polls: 2, value: 8)).value() == 8)
  }

  @MainActor
  @Test func `an output is awaited on an actor`() async {
    let output = await Chain(output: 0, first: Repeated(polls: 40, value: 4))
      .mapOutput { chain, output in
        MainActor.assumeIsolated { chain.output = output }
      }
      .value()
    #expect(output == 4)
  }

  @Test func `a non-copyable future is awaited and dropped`() async {
    let drops = Counter()
    let output = await Dropping(Repeated(polls: 3, value: 2), drops).value()
    #expect(output == 2 && drops.value == 1)
  }

  @Test func `only what was woken is polled again`() async {
    let signal = Signal()
    let probe = Probe()
    let task = Task { await Signalled(signal, value: 1, probe: probe).value() }
    await eventually { probe.polls.value == 1 }
    for _ in 0..<100 { await Task.yield() }
    #expect(probe.polls.value == 1)
    signal.fire()
    #expect(await task.value == 1)
    #expect(probe.polls.value == 2)
  }

  @Test func `no thread is blocked by pending awaits`() async {
    // Far more than the pool has threads; all are pending at once before the first is woken.
    let count = 1000
    let signals = (0..<count).map { _ in Signal() }
    let probes = (0..<count).map { _ in Probe() }
    let sum = await withTaskGroup(of: Int.self) { group in
      for index in 0..<count {
        group.addTask { await Signalled(signals[index], value: index, probe: probes[index]).value() }
      }
      await eventually { probes.allSatisfy { $0.polls.value == 1 } }
      TestThread { for signal in signals.shuffled() { signal.fire() } }.detach()
      return await group.reduce(0, +)
    }
    #expect(sum == count * (count - 1) / 2)
    #expect(probes.allSatisfy { $0.polls.value == 2 })
  }

  @Test func `a wake at every moment between poll and suspension`() async {
    for round in 0..<2_000 * stressFactor {
      let signal = Signal()
      let probe = Probe()
      async let other: Void = {
        spin(round % 50)
        signal.fire()
      }()
      #expect(await Signalled(signal, value: round, probe: probe).value() == round)
      await other
      #expect(probe.polls.value <= 3)
    }
  }

  // MARK: Cancellation

  @Test func `cancelling the task cancels the future, once`() async {
    let probe = Probe()
    let task = Task { await Signalled(value: 4, probe: probe).value() }
    await eventually { probe.polls.value == 1 }
    task.cancel()
    #expect(await task.value == 4)
    #expect(probe.cancels.value == 1)
  }

  @Test func `a task that is cancelled already cancels the future after its first poll, once`() async {
    let probe = Probe()
    let start = Flag()
    let task = Task {
      while !start.isRaised { await Task.yield() }
      return await Signalled(value: 4, probe: probe).value()
    }
    task.cancel()
    start.raise()
    #expect(await task.value == 4)
    #expect(probe.cancels.value == 1 && probe.polls.value == 2)
  }

  @Test func `a future that does not support cancellation is waited for to its end`() async {
    let signal = Signal()
    struct Stubborn: Future {
      var base: Signalled
      let probe: Probe
      var progress = FutureProgress<Int>.idle
      mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Int> {
        base.poll(&notifier)
        return base.progress
      }
      mutating func cancel() { probe.cancels.add() }
    }
    let probe = Probe()
    let task = Task {
      await Stubborn(base: Signalled(signal, value: 5, probe: probe), probe: probe).value()
    }
    await eventually { probe.polls.value == 1 }
    task.cancel()
    await eventually { probe.cancels.value == 1 }
    // Once because the cancellation woke the task, once after the cancel, and no more.
    await eventually { probe.polls.value == 3 }
    for _ in 0..<100 { await Task.yield() }
    #expect(probe.polls.value == 3)
    signal.fire()
    #expect(await task.value == 5)
    #expect(probe.cancels.value == 1)
  }

  @Test func `a repeated future is cancelled while it is polled`() async {
    struct Endless: Future {
      let probe: Probe
      var isCancelled = false
      var progress = FutureProgress<Int>.idle
      mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Int> {
        probe.polls.add()
        return isCancelled ? .complete(1) : .running
      }
      mutating func cancel() {
        probe.cancels.add()
        isCancelled = true
      }
    }
    let probe = Probe()
    let task = Task { await Endless(probe: probe).value() }
    await eventually { probe.polls.value > 30 }
    task.cancel()
    #expect(await task.value == 1)
    #expect(probe.cancels.value == 1)
  }

  @Test func `a future that stops using its waker when it is cancelled is polled on`() async {
    struct Winding: Future {
      let probe: Probe
      var left = 5
      var isCancelled = false
      var progress = FutureProgress<Int>.idle
      mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Int> {
        probe.polls.add()
        if !isCancelled {
          _ = notifier.takeWaker()
          return .running
        }
        left -= 1
        return left > 0 ? .running : .complete(6)
      }
      mutating func cancel() { isCancelled = true }
    }
    let probe = Probe()
    let task = Task { await Winding(probe: probe).value() }
    await eventually { probe.polls.value == 1 }
    task.cancel()
    #expect(await task.value == 6)
  }

  // MARK: Groups

  @Test func `a group gives what completes next`() async {
    var group = FutureGroup<Signalled>()
    let signals = (0..<10).map { _ in Signal() }
    for index in 0..<10 { group.add(Signalled(signals[index], value: index)) }
    for index in [3, 1, 9] {
      signals[index].fire()
      let done = await group.next()
      #expect(done?.id == index && done?.output == index)
    }
    TestThread { for signal in signals { signal.fire() } }.detach()
    var rest: [Int] = []
    while let done = await group.next() { rest.append(done.output) }
    #expect(rest.sorted() == [0, 2, 4, 5, 6, 7, 8])
    expect(group.isEmpty)
  }

  @Test func `a group of repeated futures and pollers`() async {
    let word = Word()
    var group = FutureGroup<Dropping<Repeated>>()
    let drops = Counter()
    for index in 0..<10 { group.add(Dropping(Repeated(polls: 30 - index, value: index), drops)) }
    var outputs: [Int] = []
    while let done = await group.next() { outputs.append(done.output) }
    #expect(outputs == Array((0..<10).reversed()))
    #expect(drops.value == 10)
    var watching = FutureGroup<Watching>()
    watching.add(Watching(word: word))
    TestThread { word.set(1) }.detach()
    #expect(await watching.next()?.output == 1)
  }

  @Test func `cancelling the task cancels the futures of the group`() async {
    let probes = (0..<5).map { _ in Probe() }
    let task = Task {
      var group = FutureGroup<Signalled>()
      for probe in probes { group.add(Signalled(value: 1, probe: probe)) }
      var count = 0
      while await group.next() != nil { count += 1 }
      return count
    }
    await eventually { probes.allSatisfy { $0.polls.value == 1 } }
    task.cancel()
    #expect(await task.value == 5)
    #expect(probes.map(\.cancels.value) == [1, 1, 1, 1, 1])
  }
}
