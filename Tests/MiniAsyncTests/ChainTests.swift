import MiniAsync
import TestSupport
import Testing

@Suite struct ChainTests {
  @Test func `entries run in order, each map once, into the next entry and the output`() {
    let log = Collected<String>()
    var chain = Chain(output: "", extra: 10, first: Repeated(polls: 2, value: 1))
      .then(Repeated(polls: 2)) { chain, output, next in
        log.append("eager \(output)")
        next.value = output + chain.extra
        chain.extra += 1
      }
      .thenLazily { chain, output in
        log.append("lazy \(output)")
        return Repeated(polls: 2, value: output * chain.extra)
      }
      .mapOutput { chain, output in
        log.append("output \(output)")
        chain.output = "\(output)"
      }
    #expect(chain.entryCount == 3)
    #expect(chain.state == .idle && chain.output == nil)
    var polls = 1
    while chain.poll() != .complete { polls += 1 }
    #expect(polls == 4)
    chain.poll()
    #expect(chain.output == "121")
    #expect(chain.extra == 11)
    #expect(log.all == ["eager 1", "lazy 11", "output 121"])
  }

  @Test func `a poll goes on from entry to entry as long as they complete`() {
    var chain = Chain(output: 0, first: CompletedFuture(1))
      .then(Repeated(polls: 1)) { _, output, next in next.value = output + 1 }
      .thenLazily { _, output in CompletedFuture(output + 1) }
      .mapOutput { chain, output in chain.output = output }
    #expect(chain.poll() == .complete)
    #expect(chain.output == 3)
  }

  @Test func `which entries exist and which are processed, after each poll`() {
    var chain = Chain(output: (), first: Repeated(polls: 2))
      .then(Repeated(polls: 2)) { _, _, _ in }
      .thenLazily { _, _ in Repeated(polls: 2) }
    func initialized() -> [Bool] { (0..<3).map { chain.isInitialized($0) } }
    func processed() -> [Bool] { (0..<3).map { chain.isProcessed($0) } }
    #expect(initialized() == [true, true, false])
    #expect(processed() == [false, false, false])
    chain.poll()
    #expect(initialized() == [true, true, false])
    #expect(processed() == [false, false, false])
    chain.poll()
    #expect(initialized() == [true, true, false])
    #expect(processed() == [true, false, false])
    chain.poll()
    #expect(initialized() == [true, true, true])
    #expect(processed() == [true, true, false])
    chain.poll()
    #expect(processed() == [true, true, true])
    #expect(chain.state == .complete)
  }

  @Test func `an eager entry that was complete from the start is not processed before its turn`() {
    var chain = Chain(output: 0, first: Repeated(polls: 2))
      .then(CompletedFuture(5)) { _, _, _ in }
      .then(CompletedFuture(6)) { _, _, _ in }
      .mapOutput { chain, output in chain.output = output }
    chain.poll()
    #expect((0..<3).map { chain.isProcessed($0) } == [false, false, false])
    chain.poll()
    #expect((0..<3).map { chain.isProcessed($0) } == [true, true, true])
    #expect(chain.output == 6)
  }

  @Test(arguments: 0..<4)
  func `a map at any position ends the chain`(position: Int) {
    let log = Collected<Int>()
    let probes = (0..<3).map { _ in Probe() }
    var chain = Chain(output: -1, extra: position, first: Repeated(polls: 1, probe: probes[0]))
      .then(Repeated(polls: 1, probe: probes[1])) { chain, _, _ in
        log.append(0)
        chain.output = 0
        if chain.extra == 0 { chain.finish() }
      }
      .thenLazily { chain, _ in
        log.append(1)
        chain.output = 1
        if chain.extra == 1 { chain.finish() }
        return Repeated(polls: 1, probe: probes[2])
      }
      .mapOutput { chain, _ in
        log.append(2)
        chain.output = 2
        if chain.extra == 2 { chain.finish() }
      }
      .mapOutput { chain, _ in
        log.append(3)
        chain.output = 3
        if chain.extra == 3 { chain.finish() }
      }
    #expect(Runtime().wait(&chain) == position)
    #expect(log.all == Array(0...position))
    #expect(probes.map(\.polls.value) == [1, position > 0 ? 1 : 0, position > 1 ? 1 : 0])
    #expect((0..<3).map { chain.isProcessed($0) } == (0..<3).map { $0 <= position })
    chain.poll()
    chain.cancel()
    #expect(log.all.count == position + 1)
    #expect(probes.allSatisfy { $0.cancels.value == 0 })
  }

  @Test func `a lazy entry is left out by making it without a future`() {
    var chain = Chain(output: 0, first: CompletedFuture(1))
      .thenLazily { _, _ in Skippable<Repeated>(nil) }
      .thenLazily { _, output in
        Skippable(output == nil ? Repeated(polls: 2, value: 7) : nil)
      }
      .mapOutput { chain, output in chain.output = output ?? -1 }
    #expect(chain.busyPoll() == 7)
  }

  @Test func `an eager entry is left out by skipping it`() {
    let probe = Probe()
    var chain = Chain(output: 0, first: CompletedFuture(true))
      .then(Skippable(Repeated(polls: 2, probe: probe))) { _, skip, next in
        if skip { next.skip() }
      }
      .mapOutput { chain, output in chain.output = output ?? -1 }
    #expect(chain.poll() == .complete)
    #expect(chain.output == -1)
    #expect(probe.polls.value == 0)
  }

  @Test func `a chain is an entry of a chain`() {
    let inner = Chain(output: 0, first: Repeated(polls: 2, value: 3))
      .mapOutput { chain, output in chain.output = output * 2 }
    var outer = Chain(output: 0, extra: 0, first: inner)
      .thenLazily { _, output in
        Chain(output: 0, extra: output, first: Repeated(polls: 2, value: 4))
          .mapOutput { chain, value in chain.output = value + chain.extra }
      }
      .mapOutput { chain, output in chain.output = output }
    #expect(outer.entryCount == 2)
    #expect(Runtime().wait(&outer) == 10)
  }

  @Test func `finishing an inner chain does not finish the outer one`() {
    var outer = Chain(
      output: 0,
      first: Chain(output: 5, first: CompletedFuture(1))
        .then(Repeated(polls: 1)) { chain, _, _ in chain.finish() }
    )
    .then(Repeated(polls: 2)) { _, output, next in next.value = output }
    .mapOutput { chain, output in chain.output = output }
    #expect(outer.busyPoll() == 5)
  }

  @Test func `a chain has the properties of its current entry`() {
    let first = Signal()
    let third = Signal()
    var chain = Chain(output: 0, first: Signalled(first, isAsync: true))
      .then(Repeated(polls: 2)) { _, _, _ in }
      .thenLazily { _, _ in Signalled(third, isAsync: true) }
    #expect(chain.hasProperty(.async))
    first.fire()
    chain.poll()
    #expect(!chain.hasProperty(.async))
    chain.poll()
    #expect(chain.hasProperty(.async))
    third.fire()
    chain.poll()
    #expect(chain.state == .complete && !chain.hasProperty(.async))
  }

  @Test func `cancelling passes to the current entry only`() {
    let probes = (0..<3).map { _ in Probe() }
    let signals = (0..<3).map { _ in Signal() }
    var chain = Chain(output: 0, first: Signalled(signals[0], probe: probes[0]))
      .then(Signalled(signals[1], probe: probes[1])) { _, _, _ in }
      .thenLazily { _, _ in Signalled(signals[2], probe: probes[2]) }
    for entry in 0..<3 {
      chain.poll()
      chain.cancel()
      #expect(probes.map(\.cancels.value) == (0..<3).map { $0 <= entry ? 1 : 0 })
    }
    #expect(chain.poll() == .complete)
    chain.cancel()
    #expect(probes.map(\.cancels.value) == [1, 1, 1])
  }

  @Test func `a chain's copy goes its own way`() {
    var chain = Chain(output: 0, first: Repeated(polls: 2, value: 1))
      .mapOutput { chain, output in chain.output += output }
    chain.poll()
    var copy = chain
    #expect(copy.poll() == .complete)
    #expect(chain.state == .running)
    #expect(chain.poll() == .complete)
    #expect(chain.output == 1 && copy.output == 1)
  }

  // MARK: Drops

  /// A chain of three non-copyable entries, dropped after `polls` polls.
  @Test(arguments: 0..<5)
  func `non-copyable entries are dropped once, whatever the state`(polls: Int) {
    let drops = (0..<3).map { _ in Counter() }
    let made = Counter()
    do {
      var chain = Chain(output: 0, first: Dropping(Repeated(polls: 2), drops[0]))
        .then(Dropping(Repeated(polls: 2), drops[1])) { _, _, _ in }
        .thenLazily { _, _ in
          made.add()
          return Dropping(Repeated(polls: 2, value: 3), drops[2])
        }
        .mapOutput { chain, output in chain.output = output }
      for _ in 0..<polls { chain.poll() }
      #expect(drops.map(\.value) == [0, 0, 0])
      expect((chain.state == .complete) == (polls > 3))
    }
    #expect(made.value == (polls > 2 ? 1 : 0))
    #expect(drops.map(\.value) == [1, 1, made.value])
  }

  @Test func `a skipped future is dropped when it is skipped`() {
    let drops = Counter()
    var skippable = Skippable(Dropping(Repeated(polls: 2), drops))
    skippable.skip()
    #expect(drops.value == 1)
    let state = skippable.poll()
    #expect(state == .complete)
    #expect(drops.value == 1)
  }
}
