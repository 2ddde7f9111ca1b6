import MiniAsync
import TestSupport
import Testing

@Suite struct RuntimeWaitTests {
  @Test func `waiting for a complete future returns at once`() {
    let runtime = Runtime()
    var complete = CompletedFuture(4)
    #expect(runtime.wait(&complete) == 4)
    var again = Repeated(polls: 2, value: 1)
    #expect(runtime.wait(&again) == 1)
    #expect(runtime.wait(&again) == 1)
    #expect(again.probe.polls.value == 2)
    #expect(again.output == 1)
    #expect(runtime.statistics == statistics(polls: 2, wakes: 0, sleeps: 0))
  }

  @Test func `waiting for many counts those that are complete already`() {
    let runtime = Runtime()
    var futures = (0..<10).map { index in
      Repeated(polls: 3, progress: index % 2 == 0 ? .complete(1) : .idle)
    }
    runtime.waitMultiple(&futures)
    #expect(futures.allSatisfy { $0.state == .complete })
    #expect(futures.map(\.probe.polls.value) == (0..<10).map { $0 % 2 == 0 ? 0 : 3 })
    runtime.waitMultiple(&futures)
    #expect(futures.reduce(0) { $0 + $1.probe.polls.value } == 15)
  }

  @Test func `waiting for none returns at once`() {
    let runtime = Runtime()
    var none: [Repeated] = []
    runtime.waitMultiple(&none)
    var span = MutableSpan<Repeated>()
    runtime.waitMultiple(&span)
    unsafe runtime.waitMultiple(unsafe: UnsafeMutableBufferPointer<Repeated>(start: nil, count: 0))
    #expect(runtime.statistics.polls == 0)
  }

  @Test(arguments: [1, 2, 31, 32, 33, 1000])
  func `waiting for many of one type`(count: Int) {
    let runtime = Runtime()
    var futures = (0..<count).map { Repeated(polls: 1 + $0 % 5, value: $0) }
    runtime.waitMultiple(&futures)
    #expect(futures.map(\.output) == (0..<count).map { $0 })
    #expect(futures.map(\.probe.polls.value) == (0..<count).map { 1 + $0 % 5 })
  }

  @Test func `waiting for two, three and four of different types`() {
    let runtime = Runtime()
    let word = Word()
    let signal = Signal()
    let thread = TestThread {
      word.set(1)
      signal.fire()
    }
    var a = Signalled(signal, value: 1)
    var b = Repeated(polls: 20, value: 2)
    runtime.waitMultiple(&a, &b)
    #expect(a.output == 1 && b.output == 2)
    var c = Watching(word: word)
    var d = SelfWaking(polls: 20)
    runtime.waitMultiple(&a, &c, &d)
    #expect(c.output == 1 && d.output == 0)
    thread.join()
    let drops = Counter()
    do {
      var e = Dropping(Repeated(polls: 3), drops)
      var f = Chain(output: 0, first: Repeated(polls: 2))
      var g = CompletedFuture(0)
      runtime.waitMultiple(&e, &f, &g, &b)
      expect(e.state == .complete)
      #expect(f.state == .complete)
    }
    #expect(drops.value == 1)
  }

  @Test func `waiting for a span of non-copyable futures`() {
    let drops = Counter()
    do {
      var futures: InlineArray<20, Dropping<Repeated>> = InlineArray { index in
        Dropping(Repeated(polls: 1 + index % 3, value: index), drops)
      }
      var span = futures.mutableSpan
      Runtime().waitMultiple(&span)
      for index in 0..<20 {
        let output = futures[index].output
        #expect(output == index)
      }
      #expect(drops.value == 0)
    }
    #expect(drops.value == 20)
  }

  // MARK: Order

  struct Noting: Future {
    let number: Int
    let order: Collected<Int>
    var isAsync: Bool
    var polls = 1
    var progress = FutureProgress<Int>.idle
    mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Int> {
      order.append(number)
      polls -= 1
      if polls == 0 { return .complete(0) }
      notifier.takeWaker()?.wake()
      return .running
    }
    func hasProperty(_ property: FutureProperty) -> Bool { isAsync }
  }

  @Test func `asynchronous futures are polled first`() {
    let order = Collected<Int>()
    var futures = (0..<6).map { Noting(number: $0, order: order, isAsync: $0 % 2 == 1, polls: 2) }
    Runtime().waitMultiple(&futures)
    #expect(order.all == [1, 3, 5, 0, 2, 4, 1, 3, 5, 0, 2, 4])
  }

  @Test func `asynchronous futures of other types are polled first`() {
    let order = Collected<Int>()
    var a = Noting(number: 0, order: order, isAsync: false)
    var b = Noting(number: 1, order: order, isAsync: true).map { $0 }
    var c = Noting(number: 2, order: order, isAsync: false)
    var d = Skippable(Noting(number: 3, order: order, isAsync: true))
    Runtime().waitMultiple(&a, &b, &c, &d)
    #expect(order.all == [1, 3, 0, 2])
  }

  @Test func `a future whose property changes is polled once per wake`() {
    let runtime = Runtime()
    struct Changing: Future {
      var polls = 6
      let probe = Probe()
      var progress = FutureProgress<Int>.idle
      mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Int> {
        probe.polls.add()
        polls -= 1
        if polls == 0 { return .complete(0) }
        notifier.takeWaker()?.wake()
        return .running
      }
      func hasProperty(_ property: FutureProperty) -> Bool { polls % 2 == 0 }
    }
    var futures = [Changing(), Changing()]
    runtime.waitMultiple(&futures)
    #expect(futures.map(\.probe.polls.value) == [6, 6])
    #expect(runtime.statistics == statistics(polls: 12, wakes: 10, sleeps: 0))
  }

  // MARK: Exact wakes

  @Test func `only what was woken is polled again`() {
    let runtime = Runtime()
    let signals = (0..<100).map { _ in Signal() }
    let probes = (0..<100).map { _ in Probe() }
    let thread = TestThread {
      // Not before all were polled once: then each is polled exactly twice.
      waitUntil { probes.allSatisfy { $0.polls.value == 1 } }
      for signal in signals { signal.fire() }
    }
    var futures = (0..<100).map { Signalled(signals[$0], probe: probes[$0]) }
    runtime.waitMultiple(&futures)
    thread.join()
    #expect(probes.map(\.polls.value) == Array(repeating: 2, count: 100))
    #expect(runtime.statistics.polls == 200 && runtime.statistics.wakes == 100)
  }

  @Test func `a future that took its waker is not polled while others make progress`() {
    let runtime = Runtime()
    let signal = Signal()
    let probe = Probe()
    /// Fires `signal` at its last poll.
    struct Last: Future {
      var base: SelfWaking
      let signal: Signal
      var progress = FutureProgress<Int>.idle
      mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Int> {
        base.poll(&notifier)
        if base.state == .complete { signal.fire() }
        return base.progress
      }
    }
    var waiting = Signalled(signal, probe: probe)
    var busy = Last(base: SelfWaking(polls: 500), signal: signal)
    runtime.waitMultiple(&waiting, &busy)
    #expect(probe.polls.value == 2)
    #expect(runtime.statistics == statistics(polls: 502, wakes: 500, sleeps: 0))
  }

  @Test func `futures without a notifier and self-waking ones do not starve each other`() {
    // One poll of a repeated future is owed for each poll of another: they keep step.
    let runtime = Runtime()
    var repeated = (0..<10).map { _ in Repeated(polls: 100) }
    var group = FutureGroup<AnyFuture<Int>>()
    let busy = Probe()
    for future in repeated { group.add(AnyFuture(future)) }
    group.add(AnyFuture(SelfWaking(polls: 1000, probe: busy)))
    var order: [Int] = []
    while let done = runtime.next(&group) { order.append(done.id) }
    #expect(Set(order).count == 11)
    #expect(repeated.map(\.probe.polls.value) == Array(repeating: 100, count: 10))
    #expect(busy.polls.value == 1000)

    // The other way round: endless repeated ones, and a stream of wakes that must come to its end.
    repeated = [Repeated(polls: 1_000_000)]
    var either = SelfWaking(polls: 1000).or(AllOf(repeated))
    if case .first = runtime.wait(&either) {} else { Issue.record("the wakes were starved") }
    #expect(repeated[0].probe.polls.value >= 900)
    #expect(repeated[0].probe.polls.value <= 2200)
  }

  @Test func `pollers are polled when their word has changed, and only then`() {
    let word = Word()
    let probe = Probe()
    let thread = TestThread {
      for step in 1...5 {
        waitUntil { probe.polls.value >= step }
        word.add()
      }
    }
    var future = Watching(word: word, target: 5, probe: probe)
    #expect(Runtime().wait(&future) == 5)
    thread.join()
    #expect(probe.polls.value <= 6)
  }

  @Test(arguments: [2, 10])
  func `many pollers beside others`(count: Int) {
    let words = (0..<count).map { _ in Word() }
    let probes = (0..<count).map { _ in Probe() }
    let signal = Signal()
    let runtime = Runtime()
    let thread = TestThread {
      waitUntil { probes.allSatisfy { $0.polls.value == 1 } }
      for word in words.shuffled() { word.set(1) }
      signal.fire()
    }
    var group = FutureGroup<AnyFuture<Int>>()
    for index in 0..<count {
      group.add(AnyFuture(Watching(word: words[index], probe: probes[index])))
    }
    group.add(AnyFuture(Signalled(signal)))
    while runtime.next(&group) != nil {}
    thread.join()
    var futures = words.map { Watching(word: $0, target: 2) }
    let second = TestThread { for word in words { word.set(2) } }
    runtime.waitMultiple(&futures)
    second.join()
    #expect(futures.allSatisfy { $0.output == 2 && $0.probe.polls.value <= 2 })
  }

  @Test func `a future that both watches a word and took its waker`() {
    let word = Word()
    let signal = Signal()
    struct Two: Future {
      let word: Word
      let signal: Signal
      var progress = FutureProgress<Int>.idle
      mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Int> {
        signal.cell.register(&notifier)
        let seen = word.value
        if seen > 0 { return .complete(1) }
        if signal.isUp { return .complete(2) }
        notifier.watch(Poller(address: word.address, value: seen))
        return .running
      }
    }
    let thread = TestThread { signal.fire() }
    var future = Two(word: word, signal: signal)
    #expect(Runtime().wait(&future) == 2)
    thread.join()
    let second = TestThread { word.set(1) }
    var other = Two(word: word, signal: Signal())
    #expect(Runtime().wait(&other) == 1)
    second.join()
  }

  // MARK: Configuration

  @Test(arguments: [-5, 0, 1, 7, 8, 512])
  func `any spin limit works`(limit: Int) {
    var configuration = Runtime.Configuration()
    configuration.spinLimit = limit
    let runtime = Runtime(configuration: configuration)
    for _ in 0..<40 {
      let signal = Signal()
      let thread = TestThread { signal.fire() }
      var future = Signalled(signal, value: 1)
      #expect(runtime.wait(&future) == 1)
      thread.join()
    }
    #expect(Runtime.Configuration(spinLimit: -1).spinLimit == 0)
  }

  @Test(arguments: [
    Duration.zero, .seconds(-1), .nanoseconds(1), .milliseconds(1), .seconds(Int64.max),
    .seconds(9_223_372_036) + .nanoseconds(999_999_999),
  ])
  func `any longest sleep works`(sleep: Duration) {
    let runtime = Runtime(configuration: .init(longestSleep: sleep))
    var future = Repeated(polls: 140)
    runtime.wait(&future)
    #expect(future.probe.polls.value == 140)
  }

  @Test func `statistics add up over waits`() {
    let runtime = Runtime()
    #expect(runtime.statistics == Runtime.Statistics())
    for count in 1...3 {
      var future = SelfWaking(polls: 4)
      runtime.wait(&future)
      #expect(runtime.statistics == statistics(polls: 4 * count, wakes: 3 * count, sleeps: 0))
    }
    #expect(runtime.configuration.longestSleep == .microseconds(200))
  }

  @Test func `a future may use the runtime that polls it`() {
    let runtime = Runtime()
    struct Nested: Future {
      let runtime: Runtime
      var progress = FutureProgress<Int>.idle
      mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Int> {
        var inner = Repeated(polls: 3, value: 7)
        return .complete(runtime.wait(&inner))
      }
    }
    var future = Nested(runtime: runtime)
    #expect(runtime.wait(&future) == 7)
    #expect(runtime.statistics.polls == 4)
  }
}
