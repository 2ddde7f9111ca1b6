import Fibers
import MiniAsync
import Synchronization
import TestSupport
import Testing

@Suite("Bridge: cancelling a wait for a future")
struct BridgeCancelTests {
  @Test("wait(for:) leaves the future running with the caller, who may wait again")
  func waitAgain() throws {
    let runtime = try FiberRuntime()
    let probe = Signalled(value: 5)
    let fiber = try runtime.spawn {
      var future = probe
      #expect(throws: FiberCancelled.self) { try Fiber.wait(for: &future) }
      #expect(future.state == .running)
      #expect(probe.cancels.value == 0)
      return try Fiber.wait(for: &future)
    }
    try runtime.spawn {
      fiber.cancel()
      try Fiber.yield()
      #expect(fiber.status == .parked)
      probe.signal.fire()
    }
    try runtime.run()
    #expect(try fiber.join() == 5)
  }

  @Test("wait(for:) delivers a pending cancellation before it starts the future")
  func pendingBefore() throws {
    let runtime = try FiberRuntime()
    let probe = Signalled()
    let fiber = try runtime.spawn {
      Fiber.current?.cancel()
      var future = probe
      #expect(throws: FiberCancelled.self) { try Fiber.wait(for: &future) }
      #expect(future.state == .idle)
    }
    try runtime.run()
    try fiber.join()
    #expect(probe.polls.value == 0)
  }

  @Test("value() passes a cancellation on once, waits to the end, and keeps it pending")
  func valueWaits() throws {
    let runtime = try FiberRuntime()
    let probe = Signalled()
    let fiber = try runtime.spawn {
      let output = probe.value()
      #expect(throws: FiberCancelled.self) { try Fiber.yield() }
      try Fiber.yield()  // delivered once
      return output
    }
    try runtime.spawn {
      fiber.cancel()
      for _ in 0..<10 {
        try Fiber.yield()
        fiber.cancel()
      }
      #expect(fiber.status == .parked)
      #expect(probe.cancels.value == 1)
      probe.signal.fire()
    }
    try runtime.run()
    #expect(try fiber.join() == -1)
    #expect(probe.cancels.value == 1)
  }

  @Test("value() of a future that cannot be cancelled or notified ends all the same")
  func valueOfDeaf() throws {
    let runtime = try FiberRuntime()
    for kind in Countdown.Kind.allCases {
      let fiber = try runtime.spawn {
        Fiber.current?.cancel()
        let output = Countdown(kind, polls: 40).value()
        #expect(throws: FiberCancelled.self) { try Fiber.checkCancellation() }
        return output
      }
      try runtime.run()
      #expect(try fiber.join() == 40)
    }
  }

  @Test("Inside a shield both wait to the end, and the cancellation comes after it")
  func shield() throws {
    let runtime = try FiberRuntime()
    let first = Signalled()
    let second = Signalled()
    let fiber = try runtime.spawn {
      let outputs = try Fiber.shield {
        var future = first
        return (try Fiber.wait(for: &future), second.value())
      }
      #expect(outputs == (1, 1))
      #expect(throws: FiberCancelled.self) { try Fiber.yield() }
    }
    try runtime.spawn {
      fiber.cancel()
      first.signal.fire()
      try Fiber.yield()
      second.signal.fire()
    }
    try runtime.run()
    try fiber.join()
    #expect(second.cancels.value == 0)
  }

  @Test("A shutdown waits for value(), and ends wait(for:)")
  func shutdown() throws {
    let runtime = try FiberRuntime()
    let probe = Signalled()
    let waiting = try runtime.spawn {
      var future = Signalled()
      return try Fiber.wait(for: &future)
    }
    let value = try runtime.spawn { probe.value() }
    try runtime.spawn {}.join()
    let signal = probe.signal
    let cancels = probe.cancels
    let thread = OwnThread { () -> Bool in
      waitUntil { cancels.value == 1 }
      signal.fire()
      return true
    }
    runtime.shutdown()
    #expect(thread.wait())
    #expect(throws: FiberCancelled.self) { try waiting.join() }
    #expect(try value.join() == -1)
  }

  @Test("Wakes of many threads race with cancellations: every wait ends, with its own output")
  func race() throws {
    var seed = Seed()
    for _ in 0..<10 * stressFactor {
      let runtime = try FiberRuntime()
      let signals = Guarded<[Signal]>([])
      let done = Flag()
      let threads = (0..<3).map { _ in
        OwnThread { () -> Bool in
          while !done.isRaised {
            // All three fire the same ones: wakes come twice, and late.
            for signal in signals.withLock({ $0 }) { signal.fire() }
          }
          return true
        }
      }
      let ended = LocalCounter()
      let interrupted = LocalCounter()
      let fibers = try (0..<30).map { number in
        try runtime.spawn {
          for round in 0..<10 {
            let signal = Signal()
            signals.withLock {
              $0.removeAll { $0.isUp }
              $0.append(signal)
            }
            var future = Signalled(signal, value: number * 100 + round)
            let late = number % 2 == 0
            if late {
              let output = future.value()
              #expect(output == number * 100 + round || output == -1)
            } else {
              while future.state != .complete {
                do {
                  let output = try Fiber.wait(for: &future)
                  #expect(output == number * 100 + round)
                } catch {
                  interrupted.value += 1
                }
              }
            }
            ended.value += 1
          }
        }
      }
      try runtime.spawn {
        for _ in 0..<200 {
          fibers[Int.random(in: 0..<30, using: &seed)].cancel()
          try Fiber.yield()
        }
      }
      try runtime.run()
      done.raise()
      for thread in threads { #expect(thread.wait()) }
      #expect(ended.value == 300, "\(seed)")
    }
  }
}
