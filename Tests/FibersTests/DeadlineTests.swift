import Fibers
import TestSupport
import Testing

private struct Boom: Error, Equatable {}

@Suite("Deadlines")
struct DeadlineTests {
  @Test("A deadline cuts each kind of park short, exactly then", arguments: EndlessPark.allCases)
  func cuts(park: EndlessPark) throws {
    let runtime = try virtualRuntime()
    let place = try EndlessPark.Place(runtime)
    try runtime.spawn {
      try Fiber.yield()
      if park.receives { try place.drain() }
      expectExceeded(at: 1000) {
        try Fiber.withTimeout(.nanoseconds(1000)) { try park.wait(at: place) }
      }
      #expect(nanosecondsNow() == 1000)
      #expect(Fiber.deadline == nil)
      // It is out of whatever it waited in: a wake finds nobody.
      if park.receives { #expect(place.channels.allSatisfy { $0.count == 0 }) }
      place.condition.signal()
      // And nothing is left of it: suspensions work as before.
      try Fiber.yield()
      try Fiber.sleep(for: .nanoseconds(10))
      #expect(nanosecondsNow() == 1010)
      place.end.close()
      try place.holder.join()
    }
    try runtime.run()
  }

  @Test("A wake at the same instant, but first, counts; then the deadline is still met by the next")
  func wakeFirst() throws {
    for park in EndlessPark.wakeable {
      let runtime = try virtualRuntime()
      let place = try EndlessPark.Place(runtime)
      // Lies down first: of two timers at one instant its own comes first, and it has its turn
      // after both have fired. So the wake comes from a timer armed earlier.
      let waiter = try runtime.spawn(name: "\(park)") {
        try Fiber.yield()
        if park.receives { try place.drain() }
        try Fiber.withTimeout(.nanoseconds(1001)) {
          try park.wait(at: place)
          // Woken at 1000; the deadline passes before its turn has come.
          #expect(nanosecondsNow() == 1000)
        }
      }
      try runtime.spawn {
        try Fiber.sleep(for: .nanoseconds(1000))
        try park.wake(at: place)
        place.end.close()
      }
      try runtime.run()
      try waiter.join()
    }
  }

  @Test(
    "Expired first, woken in the same turn: nothing is lost, the next one gets it",
    arguments: EndlessPark.wakeable)
  func expiredThenWoken(park: EndlessPark) throws {
    let runtime = try virtualRuntime()
    let place = try EndlessPark.Place(runtime)
    var turns: [String] = []
    // The waker's timer fires first and it runs first, but the deadline has fired by then, too.
    try runtime.spawn {
      try Fiber.sleep(for: .nanoseconds(1000))
      turns.append("wake")
      try park.wake(at: place)
    }
    let first = try runtime.spawn {
      try Fiber.yield()
      if park.receives { try place.drain() }
      defer { turns.append("first") }
      try Fiber.withTimeout(.nanoseconds(1000)) { try park.wait(at: place) }
    }
    let second = try runtime.spawn {
      try Fiber.yield()
      try Fiber.yield()
      try park.wait(at: place)
      turns.append("second")
    }
    try runtime.spawn {
      try Fiber.sleep(for: .nanoseconds(2000))
      place.end.close()
    }
    try runtime.run()
    expectExceeded { try first.join() }
    try second.join()
    #expect(turns == ["wake", "first", "second"])
  }

  @Test("A yield under a deadline that has passed throws, again and again, until it is left")
  func everySuspension() throws {
    try inVirtualTime {
      try Fiber.withTimeout(.zero) {
        let gate = Channel<Int>(capacity: 1)
        for _ in 0..<3 {
          expectThrows(FiberCancelled(.deadline)) { try Fiber.yield() }
          expectThrows(FiberCancelled(.deadline)) { try Fiber.checkCancellation() }
          expectThrows(FiberCancelled(.deadline)) { try Fiber.sleep(for: .zero) }
          expectThrows(FiberCancelled(.deadline)) { try Fiber.sleep(for: .seconds(1)) }
          expectThrows(FiberCancelled(.deadline)) { try Fiber.park { _ in } }
          expectThrows(FiberCancelled(.deadline)) { _ = try gate.receive() }
          // What need not wait goes on working.
          try gate.send(1)
          expectThrows(ChannelSendError.cancelled(FiberCancelled(.deadline))) {
            try gate.send(2)
          }
          #expect(try gate.receive() == 1)
        }
      }
      #expect(nanosecondsNow() == 0)
      try Fiber.yield()
    }
  }

  @Test(
    "In the past at entry: the first suspension throws",
    arguments: [Duration.zero, .nanoseconds(-1), .seconds(-5), .seconds(Int64.min)])
  func past(limit: Duration) throws {
    try inVirtualTime {
      try Fiber.sleep(for: .seconds(1))
      let log = Log()
      expectExceeded {
        try Fiber.withTimeout(limit) {
          log.add("in")
          try Fiber.yield()
          log.add("never")
        }
      }
      #expect(log.entries == ["in"])
      try Fiber.yield()
    }
  }

  @Test("The last instant there is never comes")
  func farAway() throws {
    try inVirtualTime {
      try Fiber.withTimeout(.seconds(Int64.max)) {
        #expect(Fiber.deadline?.nanoseconds == .max)
        try Fiber.sleep(for: .seconds(1_000_000))
      }
    }
  }

  @Test("A body that ends in time leaves no deadline behind")
  func inTime() throws {
    try inVirtualTime {
      #expect(try Fiber.withTimeout(.seconds(1)) { Fiber.deadline?.nanoseconds } == 1_000_000_000)
      try Fiber.withTimeout(.seconds(1)) { try Fiber.sleep(for: .milliseconds(999)) }
      try Fiber.sleep(for: .seconds(10))
      try Fiber.withTimeout(.seconds(1)) { try Fiber.yield() }
      #expect(nanosecondsNow() == 10_999_000_000)
    }
  }

  @Test("A sleep that ends at the deadline is cut short, one a nanosecond earlier is not")
  func equalInstants() throws {
    try inVirtualTime {
      try Fiber.withTimeout(.nanoseconds(100)) { try Fiber.sleep(for: .nanoseconds(99)) }
      expectExceeded {
        try Fiber.withTimeout(.nanoseconds(100)) { try Fiber.sleep(for: .nanoseconds(100)) }
      }
      #expect(nanosecondsNow() == 199)
    }
  }

  @Test(
    "Nested: whichever is earlier fires and says so",
    arguments: [(100, 200), (200, 100), (100, 100), (0, 100), (100, 0), (0, 0)])
  func nested(outer: Int64, inner: Int64) throws {
    try inVirtualTime {
      let log = Log()
      do {
        try Fiber.withTimeout(.nanoseconds(outer)) {
          do {
            try Fiber.withTimeout(.nanoseconds(inner)) {
              #expect(Fiber.deadline?.nanoseconds == min(outer, inner))
              try Fiber.sleep(for: .seconds(1))
            }
          } catch let error as DeadlineExceeded {
            #expect(error.deadline.nanoseconds == inner)
            log.add("inner")
            #expect(Fiber.deadline?.nanoseconds == outer)
            // The outer one goes on.
            try Fiber.sleep(for: .seconds(1))
          }
        }
      } catch let error as DeadlineExceeded {
        #expect(error.deadline.nanoseconds == outer)
        log.add("outer")
      }
      #expect(log.entries == (inner < outer ? ["inner", "outer"] : ["outer"]))
      #expect(nanosecondsNow() == outer)
    }
  }

  @Test("Ten inside each other, each fires for itself, from the innermost to the outermost")
  func tenDeep() throws {
    func nest(_ depth: Int64, _ log: Log) throws {
      do {
        try Fiber.withDeadline(Self.instant(depth * 100)) {
          if depth > 1 { try nest(depth - 1, log) }
          try Fiber.sleep(for: .seconds(1))
        }
      } catch let error as DeadlineExceeded {
        #expect(error.deadline.nanoseconds == depth * 100)
        log.add("\(depth) at \(nanosecondsNow())")
      }
    }
    try inVirtualTime {
      let log = Log()
      try nest(10, log)
      #expect(log.entries == (1...10).map { "\($0) at \($0 * 100)" })
    }
  }

  /// An instant of virtual time, in a fiber.
  static func instant(_ nanoseconds: Int64) -> FiberClock.Instant {
    FiberClock.now.advanced(by: .nanoseconds(nanoseconds - nanosecondsNow()))
  }

  @Test("An outer one that has passed meanwhile throws at the first suspension after the inner one")
  func bothPassed() throws {
    try inVirtualTime {
      try Fiber.sleep(for: .nanoseconds(500))
      let log = Log()
      expectExceeded {
        try Fiber.withDeadline(Self.instant(400)) {
          expectThrows(FiberCancelled(.deadline)) { try Fiber.yield() }
          expectExceeded {
            try Fiber.withDeadline(Self.instant(300)) { try Fiber.yield() }
          }
          log.add("left the inner one")
          try Fiber.yield()
          log.add("not thrown")
        }
      }
      #expect(log.entries == ["left the inner one"])
    }
  }

  @Test("The body's own error and result pass, also when the deadline has passed")
  func ownError() throws {
    try inVirtualTime {
      expectThrows(Boom()) {
        try Fiber.withTimeout(.nanoseconds(1)) {
          try? Fiber.sleep(for: .seconds(1))
          throw Boom()
        }
      }
      let value = try Fiber.withTimeout(.nanoseconds(1)) {
        try? Fiber.sleep(for: .seconds(1))
        return "too late, but here"
      }
      #expect(value == "too late, but here")
      // A send that was cut short is the deadline's as well.
      expectExceeded {
        try Fiber.withTimeout(.nanoseconds(1)) { try Channel<Int>(capacity: 0).send(1) }
      }
      // The cancellation is not the deadline's.
      expectThrows(FiberCancelled(.cancel)) {
        try Fiber.withTimeout(.nanoseconds(1)) {
          Fiber.current?.cancel()
          try Fiber.yield()
        }
      }
    }
  }

  @Test("A cancellation and the deadline at once: both are delivered, the first one first")
  func cancelAndExpire() throws {
    for cancelFirst in [true, false] {
      let runtime = try virtualRuntime()
      var victim: Fiber<[FiberCancelled], any Error>?
      try runtime.spawn {
        try Fiber.sleep(for: .nanoseconds(cancelFirst ? 99 : 100))
        victim?.cancel()
      }
      victim = try runtime.spawn {
        var errors: [FiberCancelled] = []
        try Fiber.withTimeout(.nanoseconds(100)) {
          for _ in 0..<4 {
            do throws(FiberCancelled) {
              try Fiber.sleep(for: .seconds(1))
            } catch {
              errors.append(error)
            }
          }
        }
        try Fiber.sleep(for: .seconds(1))
        return errors
      }
      try runtime.run()
      let causes = try victim?.join().map(\.cause)
      let wanted: [FiberCancelled.Cause] =
        cancelFirst
        ? [.cancel, .deadline, .deadline, .deadline] : [.deadline, .cancel, .deadline, .deadline]
      #expect(causes == wanted)
    }
  }

  @Test("A shield keeps the deadline out; after it the first suspension throws")
  func shieldInside() throws {
    try inVirtualTime {
      expectExceeded(at: 100) {
        try Fiber.withTimeout(.nanoseconds(100)) {
          try Fiber.shield {
            #expect(Fiber.deadline == nil)
            try Fiber.sleep(for: .nanoseconds(500))
            try Fiber.shield { try Fiber.sleep(for: .nanoseconds(500)) }
          }
          #expect(nanosecondsNow() == 1000)
          #expect(Fiber.deadline?.nanoseconds == 100)
          try Fiber.yield()
          Issue.record("not thrown")
        }
      }
      // A shield that ends in time changes nothing.
      expectExceeded {
        try Fiber.withTimeout(.nanoseconds(100)) {
          try Fiber.shield { try Fiber.sleep(for: .nanoseconds(50)) }
          try Fiber.sleep(for: .seconds(1))
        }
      }
      #expect(nanosecondsNow() == 1100)
      // An expired one comes back.
      expectExceeded {
        try Fiber.withTimeout(.nanoseconds(100)) {
          try? Fiber.sleep(for: .seconds(1))
          try Fiber.shield { try Fiber.sleep(for: .nanoseconds(50)) }
          try Fiber.yield()
          Issue.record("not thrown")
        }
      }
    }
  }

  @Test("A deadline inside a shield is in force there; cancellations still wait")
  func shieldAround() throws {
    try inVirtualTime {
      let log = Log()
      try Fiber.withTimeout(.nanoseconds(10)) {
        Fiber.current?.cancel()
        Fiber.shield {
          expectExceeded {
            try Fiber.withTimeout(.nanoseconds(300)) { try Fiber.sleep(for: .seconds(1)) }
          }
          log.add("shield \(nanosecondsNow())")
        }
        expectThrows(FiberCancelled(.cancel)) { try Fiber.yield() }
        expectThrows(FiberCancelled(.deadline)) { try Fiber.yield() }
      }
      #expect(log.entries == ["shield 300"])
    }
  }

  @Test("A condition takes its mutex back also when the deadline passes while it is taken")
  func conditionTakesBack() throws {
    let runtime = try virtualRuntime()
    let mutex = FiberMutex(0)
    let condition = FiberCondition()
    try runtime.spawn {
      expectExceeded {
        try mutex.withLock { value in
          defer { #expect(nanosecondsNow() == 500) }
          try Fiber.withTimeout(.nanoseconds(100)) { try condition.wait(releasing: mutex, &value) }
        }
      }
    }
    try runtime.spawn { try mutex.withLock { _ in try Fiber.sleep(for: .nanoseconds(500)) } }
    try runtime.run()
  }

  @Test("A deadline is no deadlock, and a fiber it has spawned does not have it")
  func notInherited() throws {
    try inVirtualTime {
      let child = try Fiber.withTimeout(.nanoseconds(100)) {
        let child = try Fiber.spawn {
          try Fiber.sleep(for: .nanoseconds(500))
          return nanosecondsNow()
        }
        expectThrows(FiberCancelled(.deadline)) { _ = try child.join() }
        return child
      }
      #expect(try child.join() == 500)
    }
  }

  @Test(
    "A scope inside a deadline: its children are cancelled, once, and waited for",
    arguments: [false, true])
  func scope(joinsInBody: Bool) throws {
    try inVirtualTime {
      let log = Log()
      expectExceeded(at: 100) {
        try Fiber.withTimeout(.nanoseconds(100)) {
          try withFiberScope { scope in
            for id in 0..<3 {
              let child = try scope.spawn {
                defer { log.add("\(id) ended") }
                do { try Fiber.sleep(for: .seconds(1)) } catch {
                  // Cleaning up takes time, and the scope waits for it.
                  try Fiber.sleep(for: .nanoseconds(50))
                  throw error
                }
              }
              if joinsInBody, id == 2 { try child.join() }
            }
          }
        }
      }
      #expect(log.entries.count == 3)
      #expect(nanosecondsNow() == 150)
    }
  }

  @Test("A scope that is cancelled again while it waits hands that on, under a deadline too")
  func scopeCancelled() throws {
    let runtime = try virtualRuntime()
    let log = Log()
    let parent = try runtime.spawn {
      try Fiber.withTimeout(.nanoseconds(100)) {
        try withFiberScope { scope in
          try scope.spawn {
            for _ in 0..<2 {
              do { try Fiber.sleep(for: .seconds(1)) } catch { log.add("\(nanosecondsNow())") }
            }
          }
        }
      }
    }
    try runtime.spawn {
      try Fiber.sleep(for: .nanoseconds(200))
      parent.cancel()
    }
    try runtime.run()
    #expect(log.entries == ["100", "200"])
    expectExceeded { _ = try parent.join() }
  }

  @Test("A cancelled sleeper's old timer does not make a later deadline pass")
  func staleTimer() throws {
    // On the real clock: only there can an instant pass between the cancellation and the turn.
    func spin(_ duration: Duration) {
      let end = FiberClock.now.advanced(by: duration)
      while FiberClock.now < end {}
    }
    let runtime = try FiberRuntime()
    let rounds = 40
    let sleeper = try runtime.spawn {
      try Fiber.withTimeout(.seconds(3600)) {
        for _ in 0..<rounds {
          // The sleep may end before it is cancelled, on a busy machine.
          for _ in 0..<2 {
            do throws(FiberCancelled) {
              try Fiber.sleep(for: .milliseconds(2))
              try Fiber.yield()
            } catch {
              #expect(error.cause == .cancel)
            }
          }
        }
      }
    }
    try runtime.spawn {
      // After long turns the clock is looked at before each turn, so in some rounds before its.
      while sleeper.status != .finished {
        if sleeper.status == .parked {
          sleeper.cancel()
          spin(.milliseconds(3))
        }
        try Fiber.yield()
      }
    }
    try runtime.run()
    try sleeper.join()
  }

  @Test("Waiting for a waker under a deadline, on the real clock")
  func externalPark() throws {
    let runtime = try FiberRuntime()
    var kept: FiberWaker?
    let fiber = try runtime.spawn {
      try Fiber.withTimeout(.milliseconds(2)) { try Fiber.park { kept = $0 } }
    }
    try runtime.run()
    expectExceeded { try fiber.join() }
    #expect(kept?.wake() == false)
  }
}
