import Fibers
import MiniAsync
import TestSupport
import Testing
import VDM

@Suite("Bridge: a fiber waits for a future")
struct BridgeWaitTests {
  @Test("A complete future returns at once: no other fiber has a turn")
  func complete() throws {
    let runtime = try FiberRuntime()
    let log = Log()
    try runtime.spawn {
      var future = CompletedFuture(7)
      let output = try Fiber.wait(for: &future)
      #expect(output == 7)
      #expect(CompletedFuture(8).value() == 8)
      log.add("waited")
    }
    try runtime.spawn { log.add("other") }
    try runtime.run()
    #expect(log.entries == ["waited", "other"])
  }

  @Test("A complete future is waited for anywhere, and delivers no cancellation")
  func completeElsewhere() throws {
    var future = CompletedFuture(7)
    #expect(try Fiber.wait(for: &future) == 7)
    let runtime = try FiberRuntime()
    let fiber = try runtime.spawn {
      Fiber.current?.cancel()
      var future = CompletedFuture(7)
      _ = try Fiber.wait(for: &future)
      _ = future.value()
      #expect(throws: FiberCancelled.self) { try Fiber.yield() }
    }
    try runtime.run()
    try fiber.join()
  }

  @Test("However a future is notified, it is polled to its end", arguments: Countdown.Kind.allCases)
  func everyKind(kind: Countdown.Kind) throws {
    let runtime = try FiberRuntime()
    let polls = 30
    let turns = LocalCounter()
    let other = try runtime.spawn {
      while true {
        turns.value += 1
        try Fiber.yield()
      }
    }
    try runtime.spawn {
      defer { other.cancel() }
      for _ in 0..<2 {
        turns.value = 0
        var future = Countdown(kind, polls: polls)
        let output = try Fiber.wait(for: &future)
        #expect(output == polls)
        // The others had their turns in between. (A wake may come in the moment of parking.)
        #expect(turns.value >= polls / 2, "\(kind)")
        #expect(Countdown(kind, polls: polls).value() == polls)
      }
    }
    try runtime.run()
  }

  @Test("A future that took its waker is polled when it is woken, and only then")
  func exactPolls() throws {
    let runtime = try FiberRuntime()
    let future = Signalled()
    let fiber = try runtime.spawn {
      var future = future
      return try Fiber.wait(for: &future)
    }
    try runtime.spawn {
      for _ in 0..<100 { try Fiber.yield() }
      #expect(future.polls.value == 1)
      #expect(fiber.status == .parked)
      future.signal.fire()
    }
    try runtime.run()
    #expect(try fiber.join() == 1)
    #expect(future.polls.value == 2)
  }

  @Test("Chains and combinators, with parts of every kind, polled in one fiber")
  func combined() throws {
    let runtime = try FiberRuntime()
    let fiber = try runtime.spawn {
      let signal = Signal()
      TestThread { signal.fire() }.detach()
      let both = Signalled(signal, value: 3).and(Countdown(.nothing, polls: 30))
        .and(Countdown(.word, polls: 20)).value()
      #expect(both.0.0 == 3)
      let chained = Chain(output: 0, first: Countdown(.foreignWakes, polls: 4))
        .mapOutput { chain, output in chain.output = output + 1 }
        .value()
      #expect(chained == 5)
      let all = AllOf((1...20).map { Countdown(.lateWakes, polls: $0) }).value()
      #expect(all.count == 20)
      let first = FirstOf([Countdown(.nothing, polls: 9), Countdown(.nothing, polls: 2)]).value()
      #expect(first.id == 1)
      return AnyFuture(Countdown(.selfWake, polls: 8)).value()
    }
    try runtime.run()
    #expect(try fiber.join() == 8)
  }

  @Test("A copy of a data mover leaves the thread to the other fibers")
  func copy() throws {
    let gate = MoverGate()
    var configuration = ThreadMover.Configuration()
    configuration.threads = 1
    configuration.memcpy = { to, from, count, _ in
      gate.pass()
      to.copyMemory(from: from, byteCount: count)
    }
    let mover = try ThreadMover(configuration: configuration)
    let source = MoverBytes(patternOf: 4096)
    let destination = MoverBytes(count: 4096)
    let runtime = try FiberRuntime()
    let turns = LocalCounter()
    let copier = try runtime.spawn {
      let output = mover.memcpy(to: destination.start, from: source.start, byteCount: 4096).value()
      #expect(output.error == nil)
    }
    try runtime.spawn {
      while gate.arrivals == 0 { try Fiber.yield() }
      for _ in 0..<100 {
        turns.value += 1
        try Fiber.yield()
      }
      #expect(copier.status == .parked)
      gate.open()
    }
    try runtime.run()
    try copier.join()
    #expect(turns.value == 100)
    #expect(destination.equals(source) && destination.areGuardsIntact)
  }

  @Test("Waiting allocates nothing, once warm")
  func allocation() throws {
    guard countsAllocations, !isDebugBuild else { return }
    let runtime = try FiberRuntime()
    let signals = (0..<101).map { _ in Signal() }
    let futures = signals.map { Signalled($0) }
    let turn = LocalCounter()
    let fiber = try runtime.spawn {
      var future = futures[100]
      _ = try Fiber.wait(for: &future)
      return allocations {
        for index in 0..<100 {
          turn.value = index
          var future = futures[index]
          if index % 2 == 0 {
            _ = try? Fiber.wait(for: &future)
          } else {
            _ = future.value()
          }
        }
      }
    }
    let done = LocalCounter()
    try runtime.spawn {
      signals[100].fire()
      while done.value == 0 {
        signals[turn.value].fire()
        try Fiber.yield()
      }
    }
    try runtime.spawn {
      _ = try fiber.join()
      done.value = 1
    }
    try runtime.run()
    #expect(try fiber.join() == 0)
  }
}
