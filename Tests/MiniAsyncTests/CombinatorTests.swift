import MiniAsync
import TestSupport
import Testing

@Suite struct CombinatorTests {
  // MARK: map, then

  @Test func `map makes the output once`() {
    let calls = Counter()
    var future = Repeated(polls: 2, value: 4).map { value in
      calls.add()
      return "\(value)"
    }
    #expect(future.poll() == .running)
    #expect(future.output == nil)
    #expect(future.poll() == .complete)
    future.poll()
    #expect(future.output == "4" && calls.value == 1)
  }

  @Test func `map passes state, properties and cancellation on`() {
    let probe = Probe()
    var future = Signalled(isAsync: true, probe: probe).map { $0 }
    #expect(future.hasProperty(.async))
    future.poll()
    #expect(future.state == .running)
    future.cancel()
    #expect(probe.cancels.value == 1)
    #expect(future.poll() == .complete)
  }

  @Test func `then runs one after the other`() {
    let second = Signal()
    let probe = Probe()
    var future = Repeated(polls: 2, value: 4)
      .then { value in Signalled(second, value: value + 1, isAsync: true, probe: probe) }
    #expect(!future.hasProperty(.async))
    #expect(future.poll() == .running)
    #expect(future.poll() == .running)
    #expect(future.hasProperty(.async))
    #expect(probe.polls.value == 1)
    future.cancel()
    #expect(probe.cancels.value == 1)
    #expect(future.poll() == .complete && future.output == 5)
  }

  // MARK: and, or

  @Test(arguments: 1..<4, 1..<4)
  func `and completes with the last, or with the first`(a: Int, b: Int) {
    var both = Repeated(polls: a, value: 1).and(Repeated(polls: b, value: 2))
    var polls = 1
    while both.poll() != .complete { polls += 1 }
    #expect(polls == max(a, b))
    let output = both.output
    #expect(output?.0 == 1 && output?.1 == 2)

    var either = Repeated(polls: a, value: 1).or(Repeated(polls: b, value: 2))
    polls = 1
    while either.poll() != .complete { polls += 1 }
    #expect(polls == min(a, b))
    #expect(either.output == (a <= b ? .first(1) : .second(2)))
  }

  @Test func `and polls the asynchronous part first`() {
    let order = Collected<String>()
    struct Noting: Future {
      let name: String
      let order: Collected<String>
      let isAsync: Bool
      var progress = FutureProgress<Int>.idle
      mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Int> {
        order.append(name)
        return .complete(0)
      }
      func hasProperty(_ property: FutureProperty) -> Bool { isAsync }
    }
    var both = Noting(name: "a", order: order, isAsync: false)
      .and(Noting(name: "b", order: order, isAsync: true))
    #expect(both.hasProperty(.async))
    both.poll()
    #expect(order.all == ["b", "a"])
    #expect(!both.hasProperty(.async))
  }

  @Test func `or cancels the other once`() {
    let probes = [Probe(), Probe()]
    let first = Signal()
    var either = Signalled(first, value: 1, probe: probes[0])
      .or(Signalled(value: 2, isAsync: true, probe: probes[1]))
    #expect(either.hasProperty(.async))
    either.poll()
    first.fire()
    #expect(either.poll() == .complete)
    #expect(either.output == .first(1))
    #expect(probes.map(\.cancels.value) == [0, 1])
    either.cancel()
    #expect(probes.map(\.cancels.value) == [0, 1])
    #expect(!either.hasProperty(.async))
  }

  @Test func `cancelling both cancels what is not complete`() {
    let probes = [Probe(), Probe()]
    let first = Signal()
    first.fire()
    var both = Signalled(first, probe: probes[0]).and(Signalled(probe: probes[1]))
    #expect(both.poll() == .running)
    both.cancel()
    #expect(probes.map(\.cancels.value) == [0, 1])
    #expect(both.poll() == .complete)
    both.cancel()
    #expect(probes.map(\.cancels.value) == [0, 1])
  }

  @Test func `cancelling either cancels both`() {
    let probes = [Probe(), Probe()]
    var either = Signalled(probe: probes[0]).or(Signalled(probe: probes[1]))
    either.poll()
    either.cancel()
    #expect(probes.map(\.cancels.value) == [1, 1])
    #expect(either.poll() == .complete)
  }

  // MARK: AllOf, FirstOf

  @Test(arguments: [0, 1, 2, 17, 100])
  func `all of many keep their order`(count: Int) {
    var all = AllOf((0..<count).map { Repeated(polls: 1 + (count - $0) % 7, value: $0) })
    let output = Runtime().wait(&all)
    #expect(output == Array(0..<count))
    expect(all.output == Array(0..<count))
  }

  @Test func `all of mixed kinds, among them complete ones`() {
    let word = Word()
    let signal = Signal()
    var group = FutureGroup<AnyFuture<Int>>()
    group.add(AnyFuture(CompletedFuture(0)))
    group.add(AnyFuture(Signalled(signal, value: 1)))
    group.add(AnyFuture(Watching(word: word, target: 2)))
    group.add(AnyFuture(Repeated(polls: 30, value: 3)))
    group.add(AnyFuture(SelfWaking(polls: 30)))
    var all = AllOf(group)
    let thread = TestThread {
      word.set(1)
      signal.fire()
      word.set(2)
    }
    let output = Runtime().wait(&all)
    thread.join()
    #expect(output == [0, 1, 2, 3, 0])
  }

  @Test func `completions of all of many do not cost polls of the others`() {
    let probe = Probe()
    var group = FutureGroup<AnyFuture<Int>>()
    for _ in 0..<100 { group.add(AnyFuture(CompletedFuture(0))) }
    group.add(AnyFuture(Repeated(polls: 1000, probe: probe)))
    var all = AllOf(group)
    all.poll()
    #expect(probe.polls.value < 5)
    let output = all.busyPoll()
    #expect(output.count == 101)
    #expect(probe.polls.value == 1000)
  }

  @Test(arguments: [1, 2, 50])
  func `the first of many`(count: Int) {
    let drops = Counter()
    let probes = (0..<count).map { _ in Probe() }
    let signals = (0..<count).map { _ in Signal() }
    var group = FutureGroup<Dropping<Signalled>>()
    for index in 0..<count {
      group.add(
        Dropping(
          Signalled(signals[index], value: index * 10, isAsync: true, probe: probes[index]),
          drops))
    }
    var first = FirstOf(group)
    expect(first.hasProperty(.async))
    expect(first.poll() == .running)
    signals[count / 2].fire()
    let output = Runtime().wait(&first)
    #expect(output.id == count / 2 && output.output == count / 2 * 10)
    #expect(drops.value == count)
    #expect(probes.map(\.cancels.value) == (0..<count).map { $0 == count / 2 ? 0 : 1 })
    expect(!first.hasProperty(.async))
    first.cancel()
    #expect(probes.reduce(0) { $0 + $1.cancels.value } == count - 1)
  }

  @Test func `the first of a sequence, one of which is complete`() {
    var first = FirstOf([Repeated(polls: 5), Repeated(polls: 1, value: 2), Repeated(polls: 1)])
    let output = Runtime().wait(&first)
    #expect(output.id == 1 && output.output == 2)
  }

  @Test func `cancelling all of many reaches each`() {
    let probes = (0..<10).map { _ in Probe() }
    var all = AllOf(probes.map { Signalled(value: 1, isAsync: true, probe: $0) })
    expect(all.hasProperty(.async))
    expect(all.poll() == .running)
    expect(all.hasProperty(.async))
    all.cancel()
    let output = Runtime().wait(&all)
    #expect(output == Array(repeating: 1, count: 10))
    #expect(probes.allSatisfy { $0.cancels.value == 1 })
    expect(!all.hasProperty(.async))
  }

  @Test func `asking all of many for a property does not look at each, once they are polled`() {
    struct Asked: Future {
      let asked: Counter
      var progress = FutureProgress<Int>.idle
      mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Int> {
        _ = notifier.takeWaker()
        return .running
      }
      func hasProperty(_ property: FutureProperty) -> Bool {
        asked.add()
        return false
      }
    }
    let asked = Counter()
    var all = AllOf((0..<100).map { _ in Asked(asked: asked) })
    all.poll()
    let before = asked.value
    for _ in 0..<10 { expect(!all.hasProperty(.async)) }
    #expect(asked.value - before < 100)
  }

  // MARK: AnyFuture, Skippable

  @Test func `any future behaves as the one inside`() {
    let probe = Probe()
    var future = AnyFuture(Signalled(value: 3, isAsync: true, probe: probe))
    #expect(future.state == .idle && future.hasProperty(.async))
    #expect(future.poll() == .running)
    future.cancel()
    #expect(probe.cancels.value == 1)
    #expect(future.poll() == .complete && future.output == 3)
    #expect(AnyFuture(CompletedFuture(1)).state == .complete)
  }

  @Test func `any future drops the one inside`() {
    let drops = Counter()
    do {
      let future = AnyFuture(Dropping(Repeated(polls: 1), drops))
      let copy = future
      #expect(copy.state == .idle && drops.value == 0)
    }
    #expect(drops.value == 1)
  }

  @Test func `a skippable future behaves as the one inside, if there is one`() {
    let probe = Probe()
    var some = Skippable(Signalled(value: 3, isAsync: true, probe: probe))
    #expect(some.hasProperty(.async))
    #expect(some.poll() == .running)
    some.cancel()
    #expect(some.poll() == .complete)
    #expect(some.output == .some(3))
    var none = Skippable<Signalled>(nil)
    none.cancel()
    #expect(!none.hasProperty(.async))
    #expect(none.poll() == .complete)
    #expect(none.output == .some(nil))
  }

  // MARK: Drops

  @Test(arguments: 0..<4)
  func `combinators drop what they hold once, whatever the state`(polls: Int) {
    let drops = (0..<6).map { _ in Counter() }
    do {
      var map = Dropping(Repeated(polls: 2), drops[0]).map { $0 }
      var then = Dropping(Repeated(polls: 1), drops[1])
        .then { _ in Dropping(Repeated(polls: 2), drops[1]) }
      var both = Dropping(Repeated(polls: 1), drops[2])
        .and(Dropping(Repeated(polls: 3), drops[2]))
      var either = Dropping(Repeated(polls: 2), drops[3])
        .or(Dropping(Repeated(polls: 3), drops[3]))
      var allGroup = FutureGroup<Dropping<Repeated>>()
      var firstGroup = FutureGroup<Dropping<Repeated>>()
      for index in 0..<20 {
        allGroup.add(Dropping(Repeated(polls: 1 + index % 3), drops[4]))
        firstGroup.add(Dropping(Repeated(polls: 2 + index % 3), drops[5]))
      }
      var all = AllOf(allGroup)
      var first = FirstOf(firstGroup)
      for _ in 0..<polls {
        map.poll()
        then.poll()
        both.poll()
        either.poll()
        all.poll()
        first.poll()
      }
    }
    #expect(drops.map(\.value) == [1, polls > 0 ? 2 : 1, 2, 2, 20, 20])
  }

  // MARK: With a runtime

  @Test func `parts of every kind side by side make progress`() {
    let signal = Signal()
    let word = Word()
    let other = Word()
    let thread = TestThread {
      word.set(1)
      other.set(1)
      signal.fire()
    }
    var future = Signalled(signal, value: 1).and(Repeated(polls: 100, value: 2))
      .and(Watching(word: word).and(Watching(word: other)))
      .and(SelfWaking(polls: 100))
    let output = Runtime().wait(&future)
    thread.join()
    #expect(output.0.0.0 == 1 && output.0.0.1 == 2)
    #expect(output.0.1 == (1, 1))
  }
}
