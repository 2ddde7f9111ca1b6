import Fibers
import TestSupport
import Testing

@Suite("Sleeping")
struct SleepTests {
  @Test("Sleepers go on in the order of their instants, to the nanosecond", arguments: 0..<20)
  func order(round: Int) throws {
    var seed = Seed(UInt64(round) &* 7919)
    // Close together, across ticks of the wheel (2^20 ns), and far away; many equal.
    let spans: [ClosedRange<Int64>] = [1...20, 1_048_570...1_048_590, 1...5_000_000, 1...(1 << 45)]
    let count = 300
    let until = (0..<count).map { index in
      Int64.random(in: spans[(index + round) % spans.count], using: &seed)
    }
    let runtime = try virtualRuntime()
    var order: [Int] = []
    for id in 0..<count {
      try runtime.spawn {
        let start = nanosecondsNow()
        try Fiber.sleep(for: .nanoseconds(until[id]))
        #expect(nanosecondsNow() == start + until[id])
        order.append(id)
      }
    }
    try runtime.run()
    // Of equal instants: who lay down first.
    #expect(order == (0..<count).sorted { (until[$0], $0) < (until[$1], $1) })
  }

  @Test("Zero or less is a turn for the others", arguments: [0, -1, Int64.min])
  func zero(nanoseconds: Int64) throws {
    let runtime = try virtualRuntime()
    let log = Log()
    try runtime.spawn {
      log.add("before")
      try Fiber.sleep(for: .nanoseconds(nanoseconds))
      log.add("after")
      #expect(nanosecondsNow() == 0)
    }
    try runtime.spawn { log.add("other") }
    try runtime.run()
    #expect(log.entries == ["before", "other", "after"])
  }

  @Test("Fractions of a nanosecond are rounded up: nobody sleeps too short")
  func fractions() throws {
    try inVirtualTime {
      try Fiber.sleep(for: Duration(secondsComponent: 0, attosecondsComponent: 1))
      #expect(nanosecondsNow() == 1)
      try Fiber.sleep(for: Duration(secondsComponent: 1, attosecondsComponent: 999_999_999))
      #expect(nanosecondsNow() == 1_000_000_002)
    }
  }

  @Test("The longest sleep there is ends at the last instant; there the clock stands still")
  func forEver() throws {
    try inVirtualTime {
      try Fiber.sleep(for: .seconds(Int64.max))
      #expect(nanosecondsNow() == .max)
      try Fiber.sleep(for: .seconds(1))
      #expect(nanosecondsNow() == .max)
    }
  }

  @Test("Until an instant: a past one is a turn, a later one is met exactly")
  func untilInstant() throws {
    try inVirtualTime {
      let start = FiberClock.now
      try Fiber.sleep(until: start.advanced(by: .nanoseconds(1_234_567)))
      #expect(nanosecondsNow() == start.nanoseconds + 1_234_567)
      try Fiber.sleep(until: start)
      #expect(nanosecondsNow() == start.nanoseconds + 1_234_567)
    }
  }

  /// A clock that shows a third of the time that passes for fibers.
  struct SlowClock: Clock {
    var now: FiberClock.Instant {
      FiberClock().now.advanced(by: .zero - (FiberClock.now.duration(to: origin) * -2 / 3))
    }
    let origin: FiberClock.Instant
    var minimumResolution: Duration { .nanoseconds(1) }
    func sleep(until deadline: FiberClock.Instant, tolerance: Duration?) async throws {}
  }

  @Test("Another clock counts: sleeps again while it shows less")
  func otherClock() throws {
    try inVirtualTime {
      let clock = SlowClock(origin: FiberClock.now)
      let until = clock.now.advanced(by: .seconds(1))
      try Fiber.sleep(until: until, clock: clock)
      #expect(clock.now >= until)
      #expect(clock.now < until.advanced(by: .milliseconds(1)))
    }
  }

  @Test("A cancelled sleeper goes on at once, and time has not passed")
  func cancelled() throws {
    let runtime = try virtualRuntime()
    let sleeper = try runtime.spawn {
      #expect(throws: FiberCancelled(.cancel)) { try Fiber.sleep(for: .seconds(100)) }
      #expect(nanosecondsNow() == 50)
      // And its timer is gone.
      try Fiber.sleep(for: .nanoseconds(5))
      #expect(nanosecondsNow() == 55)
    }
    try runtime.spawn {
      try Fiber.sleep(for: .nanoseconds(50))
      sleeper.cancel()
    }
    try runtime.run()
    try sleeper.join()
  }

  @Test("The end of the sleep came first: the cancellation stays pending")
  func wokenAndCancelled() throws {
    let runtime = try virtualRuntime()
    var sleeper: Fiber<Void, any Error>?
    // Lies down first, so it is woken first, and cancels the other, which is in the queue by then.
    try runtime.spawn {
      try Fiber.sleep(for: .nanoseconds(50))
      sleeper?.cancel()
    }
    sleeper = try runtime.spawn {
      try Fiber.sleep(for: .nanoseconds(50))
      #expect(throws: FiberCancelled(.cancel)) { try Fiber.yield() }
      try Fiber.yield()
    }
    try runtime.run()
    try sleeper?.join()
  }

  @Test("Many sleepers, most cancelled: the rest in exact order")
  func manyCancelled() throws {
    let count = sanitizerLimitsFibers ? 3000 : 100_000
    var seed = Seed()
    let until = (0..<count).map { _ in Int64.random(in: 1...10_000_000_000, using: &seed) }
    let runtime = try virtualRuntime()
    var order: [Int] = []
    var cut = 0
    let sleepers = try (0..<count).map { id in
      try runtime.spawn { () throws(FiberCancelled) in
        do throws(FiberCancelled) {
          try Fiber.sleep(until: FiberClock.now.advanced(by: .nanoseconds(until[id])))
          order.append(id)
        } catch {
          cut += 1
          throw error
        }
      }
    }
    // Cancels at half time and at the beginning.
    let victims = (0..<count).filter { $0 % 10 != 0 }
    try runtime.spawn {
      for id in victims where id % 2 == 0 { sleepers[id].cancel() }
      try Fiber.sleep(for: .seconds(5))
      for id in victims { sleepers[id].cancel() }
    }
    try runtime.run()
    let gone = { (id: Int) in id % 10 != 0 && (id % 2 == 0 || until[id] > 5_000_000_000) }
    let wanted = (0..<count).filter { !gone($0) }.sorted {
      (until[$0], $0) < (until[$1], $1)
    }
    #expect(order == wanted, "\(seed)")
    #expect(cut == count - wanted.count, "\(seed)")
  }

  @Test("On the real clock nobody wakes too early, and the thread sleeps meanwhile")
  func realClock() throws {
    let runtime = try FiberRuntime()
    var order: [Int] = []
    let start = FiberClock.now
    for id in [3, 1, 2] {
      try runtime.spawn {
        let until = start.advanced(by: .milliseconds(id * 5))
        try Fiber.sleep(until: until)
        #expect(FiberClock.now >= until)
        order.append(id)
      }
    }
    try runtime.run()
    // They may be late, and yet the order holds.
    #expect(order == [1, 2, 3])
  }

  @Test("On the real clock, while others never wait: sleepers still have their turn")
  func realClockBusy() throws {
    let runtime = try FiberRuntime()
    let sleeper = try runtime.spawn { try Fiber.sleep(for: .milliseconds(1)) }
    try runtime.spawn { while sleeper.status != .finished { try Fiber.yield() } }
    try runtime.run()
    try sleeper.join()
  }
}

@Suite("Tickers and the clock")
struct TickerTests {
  @Test("Ticks come at equal distances, without drift")
  func steady() throws {
    try inVirtualTime {
      var ticker = FiberTicker(every: .nanoseconds(1000))
      for tick in Int64(1)...20 {
        #expect(try ticker.wait() == 0)
        #expect(nanosecondsNow() == tick * 1000)
        try Fiber.sleep(for: .nanoseconds(tick * 37))
      }
      #expect(ticker.next.nanoseconds == 21_000)
    }
  }

  @Test("Missed ticks are counted and left out", arguments: [1001, 1999, 2500, 9001, 10_999])
  func missed(busy: Int64) throws {
    try inVirtualTime {
      var ticker = FiberTicker(every: .nanoseconds(1000))
      try Fiber.sleep(for: .nanoseconds(busy))
      #expect(try ticker.wait() == Int(busy / 1000) - 1)
      #expect(nanosecondsNow() == busy)
      #expect(ticker.next.nanoseconds == (busy / 1000 + 1) * 1000)
      #expect(try ticker.wait() == 0)
      #expect(nanosecondsNow() == (busy / 1000 + 1) * 1000)
    }
  }

  @Test("A tick that was cut short is still due")
  func cutShort() throws {
    try inVirtualTime {
      var ticker = FiberTicker(every: .microseconds(10))
      #expect(throws: DeadlineExceeded.self) {
        try Fiber.withTimeout(.microseconds(3)) { try ticker.wait() }
      }
      #expect(nanosecondsNow() == 3000)
      let missed = try ticker.wait()
      #expect(missed == 0)
      #expect(nanosecondsNow() == 10_000)
    }
  }

  @Test("Instants: distances, order and the ends of the range")
  func instants() throws {
    let now = FiberClock.now
    #expect(now.duration(to: now.advanced(by: .seconds(3))) == .seconds(3))
    #expect(now.advanced(by: .seconds(-3)) < now)
    let last = now.advanced(by: .seconds(Int64.max))
    // Clamped as a distance, and again as an instant.
    let first = now.advanced(by: .seconds(Int64.min)).advanced(by: .seconds(Int64.min))
    #expect(last.nanoseconds == .max && first.nanoseconds == .min)
    #expect(first.duration(to: last) == .nanoseconds(Int64.max) * 2 + .nanoseconds(1))
    #expect(last.advanced(by: .seconds(1)) == last && first.advanced(by: .seconds(-1)) == first)
    #expect(FiberClock().now >= now)
    #expect(FiberClock().minimumResolution == .nanoseconds(1))
  }

  @Test("A task may sleep by the clock, too")
  func task() async throws {
    let until = FiberClock().now.advanced(by: .milliseconds(2))
    try await FiberClock().sleep(until: until, tolerance: nil)
    #expect(FiberClock().now >= until)
  }
}
