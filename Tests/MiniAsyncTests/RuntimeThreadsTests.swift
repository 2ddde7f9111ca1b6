import MiniAsync
import Synchronization
import TestSupport
import Testing

/// Waits and wakes from several threads, under load.
@Suite struct RuntimeThreadsTests {
  @Test func `a waiter sleeps while nothing can progress, and is woken`() {
    let signal = Signal()
    let probe = Probe()
    let thread = Collected<Int>()
    let output = Collected<Int>()
    let runtime = Runtime(configuration: .init(spinLimit: 0))
    let waiter = TestThread {
      thread.append(currentThreadID())
      var future = Signalled(signal, value: 9, probe: probe)
      output.append(runtime.wait(&future))
    }
    waitUntil { probe.polls.value == 1 }
    // Many looks in a row: a sanitizer's own locks put a thread to sleep for moments, too.
    var looks = 0
    waitUntil {
      looks = isAsleep(thread: thread.all[0]) ? looks + 1 : 0
      return looks == 200
    }
    #expect(output.all.isEmpty)
    signal.fire()
    waiter.join()
    #expect(output.all == [9])
    #expect(runtime.statistics == statistics(polls: 2, wakes: 1, sleeps: 1))
  }

  @Test func `ten thousand futures woken in random order from other threads`() {
    var seed = Seed()
    let count = 10_000
    let signals = (0..<count).map { _ in Signal() }
    let started = Counter()
    let order = signals.indices.shuffled(using: &seed)
    let threads = TestThread {
      waitUntil { started.value == 1 }
      onThreads(3) { thread in
        for position in stride(from: thread, to: count, by: 3) { signals[order[position]].fire() }
      }
    }
    /// Completes at once, last of all: so all others were polled.
    struct Last: Future {
      let started: Counter
      var progress = FutureProgress<Int>.idle
      mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Int> {
        started.add()
        return .complete(0)
      }
    }
    var futures = signals.indices.map { AnyFuture(Signalled(signals[$0], value: $0)) }
    futures.append(AnyFuture(Last(started: started)))
    let runtime = Runtime()
    runtime.waitMultiple(&futures)
    threads.join()
    #expect(futures.dropLast().map(\.output) == (0..<count).map { $0 })
    // Each was polled first, and then when it was woken.
    #expect(runtime.statistics.polls == 2 * count + 1, "\(seed)")
    #expect(runtime.statistics.wakes == count, "\(seed)")
  }

  @Test func `a group of ten thousand woken in random order`() {
    var seed = Seed()
    let count = 10_000
    let signals = (0..<count).map { _ in Signal() }
    var group = FutureGroup<Signalled>()
    for index in 0..<count { group.add(Signalled(signals[index], value: index)) }
    let order = signals.indices.shuffled(using: &seed)
    let thread = TestThread { for index in order { signals[index].fire() } }
    let runtime = Runtime()
    var seen = [Bool](repeating: false, count: count)
    while let done = runtime.next(&group) { seen[done.output] = true }
    thread.join()
    #expect(seen.allSatisfy { $0 }, "\(seed)")
  }

  /// The other side waits a varying moment after the poll and then wakes: between the poll, the
  /// announcement of the sleep, and the sleep. A lost wake would hang.
  @Test(arguments: [0, 8, 512])
  func `a wake at every moment between poll and sleep`(spinLimit: Int) {
    let rounds = 20_000 * stressFactor
    let exchange = Exchange()
    let thread = TestThread {
      for round in 1...rounds {
        waitUntil { exchange.polled.load(ordering: .acquiring) == round }
        // From at once to well after the waiter has gone to sleep.
        spin((round % 97) * (round % 7))
        exchange.answered.store(round, ordering: .releasing)
        exchange.cell.wake()
      }
    }
    let runtime = Runtime(configuration: .init(spinLimit: spinLimit))
    for round in 1...rounds {
      var future = Exchange.Question(exchange: exchange, round: round)
      runtime.wait(&future)
    }
    thread.join()
    #expect(runtime.statistics.polls >= rounds)
  }

  @Test func `a wake at every moment, through a group`() {
    let rounds = 5_000 * stressFactor
    let exchanges = (0..<2).map { _ in Exchange() }
    let threads = exchanges.map { exchange in
      Joined {
        for round in 1...rounds {
          waitUntil { exchange.polled.load(ordering: .acquiring) == round }
          spin((round % 97) * (round % 7))
          exchange.answered.store(round, ordering: .releasing)
          exchange.cell.wake()
        }
      }
    }
    let runtime = Runtime(configuration: .init(spinLimit: 8))
    var group = FutureGroup<Exchange.Question>()
    var taken = 0
    for exchange in exchanges { group.add(.init(exchange: exchange, round: 1)) }
    while let done = runtime.next(&group) {
      taken += 1
      let exchange = exchanges[done.output.exchange === exchanges[0] ? 0 : 1]
      if done.output.round < rounds {
        group.add(.init(exchange: exchange, round: done.output.round + 1))
      }
    }
    for thread in threads { thread.join() }
    #expect(taken == 2 * rounds)
  }

  /// One thread asks by polling, another answers.
  final class Exchange: Sendable {
    let polled = Atomic<Int>(0)
    let answered = Atomic<Int>(0)
    let cell = WakerCell()

    struct Answer: Sendable {
      let exchange: Exchange
      let round: Int
    }

    struct Question: Future {
      let exchange: Exchange
      let round: Int
      var progress = FutureProgress<Answer>.idle
      mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Answer> {
        exchange.cell.register(&notifier)
        exchange.polled.store(round, ordering: .releasing)
        guard exchange.answered.load(ordering: .acquiring) == round else { return .running }
        return .complete(Answer(exchange: exchange, round: round))
      }
    }
  }

  @Test func `one runtime used from several threads at once`() {
    let runtime = Runtime()
    let sums = Collected<Int>()
    onThreads(4) { thread in
      var sum = 0
      for round in 0..<100 {
        let signals = (0..<5).map { _ in Signal() }
        var futures = signals.map { Signalled($0, value: thread) }
        let other = TestThread { for signal in signals { signal.fire() } }
        runtime.waitMultiple(&futures)
        other.join()
        var repeated = Repeated(polls: round % 10 + 1, value: thread)
        sum += runtime.wait(&repeated)
        sum += futures.reduce(0) { $0 + ($1.output ?? -1000) }
      }
      sums.append(sum)
    }
    #expect(sums.all.sorted() == [0, 600, 1200, 1800])
  }

  @Test func `wakers left behind do not disturb later waits, whatever thread calls them`() {
    let runtime = Runtime()
    let rounds = 300 * stressFactor
    struct Leaving: Future {
      let box: LeftBehind
      var polls: Int
      var progress = FutureProgress<Int>.idle
      mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Int> {
        if let waker = notifier.takeWaker() {
          box.wakers.withLock { $0.append(waker) }
          waker.wake()
        }
        polls -= 1
        return polls > 0 ? .running : .complete(1)
      }
    }
    let box = LeftBehind()
    let stop = Flag()
    let thread = TestThread {
      while !stop.isRaised {
        let some = box.wakers.withLock { wakers in
          let some = wakers.suffix(200)
          if wakers.count > 5000 { wakers.removeFirst(wakers.count - 500) }
          return some
        }
        for waker in some { waker.wake() }
      }
    }
    for round in 0..<rounds {
      // From many futures to few: late wakes of places that the next wait does not have.
      var futures = (0..<(round % 2 == 0 ? 50 : 1)).map { _ in Leaving(box: box, polls: 3) }
      runtime.waitMultiple(&futures)
      #expect(futures.allSatisfy { $0.output == 1 })
      let signal = Signal()
      let other = TestThread { signal.fire() }
      var one = Signalled(signal, value: 2)
      #expect(runtime.wait(&one) == 2)
      other.join()
    }
    stop.raise()
    thread.join()
  }

  final class LeftBehind: Sendable {
    let wakers = Guarded<[Waker]>([])
  }

  @Test func `wakers are called while their runtime goes away`() {
    for _ in 0..<100 * stressFactor {
      let signals = (0..<3).map { _ in Signal() }
      let started = Flag()
      let thread = TestThread {
        waitUntil { started.isRaised }
        for signal in signals { signal.fire() }
        for signal in signals { signal.fire() }
      }
      do {
        let runtime = Runtime()
        var futures = signals.map { Signalled($0) }
        started.raise()
        runtime.waitMultiple(&futures)
      }
      thread.join()
    }
  }

  @Test func `groups are dropped while their futures are woken`() {
    for _ in 0..<100 * stressFactor {
      let signals = (0..<20).map { _ in Signal() }
      let started = Flag()
      let drops = Counter()
      let thread = TestThread {
        waitUntil { started.isRaised }
        for signal in signals { signal.fire() }
      }
      do {
        var group = FutureGroup<Dropping<Signalled>>()
        for signal in signals { group.add(Dropping(Signalled(signal), drops)) }
        let target = RecordingTarget()
        var notifier = Notifier(waker: target.waker)
        _ = group.poll(&notifier)
        started.raise()
        _ = group.poll(&notifier)
      }
      thread.join()
      #expect(drops.value == 20)
    }
  }

  @Test func `a future that is moved to another thread after its first poll`() {
    let signal = Signal()
    let runtime = Runtime()
    let first = Signalled(signal, value: 3)
    let output = Collected<Int>()
    var notifier = Notifier(waker: RecordingTarget().waker)
    var future = first
    future.poll(&notifier)
    let moved = future
    let thread = TestThread {
      var future = moved
      output.append(runtime.wait(&future))
    }
    signal.fire()
    thread.join()
    #expect(output.all == [3])
  }
}

/// A thread in an array.
final class Joined: Sendable {
  private let ended = Flag()

  init(_ body: @escaping @Sendable () -> Void) {
    let ended = ended
    TestThread {
      body()
      ended.raise()
    }.detach()
  }

  func join() { waitUntil { ended.isRaised } }
}

/// Passes a moment that depends on `steps`.
@inline(never)
func spin(_ steps: Int) {
  let counter = Counter()
  for _ in 0..<steps { counter.add() }
}
