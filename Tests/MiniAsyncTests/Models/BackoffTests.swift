// `@testable` is possible in debug builds only; the machines are the same in release.
#if DEBUG
  import Testing

  @testable import MiniAsync

  /// The two machines that decide how to pass the time: every sequence up to a depth.
  @Suite struct BackoffTests {
    @Test func `it looks at once, then pauses longer and longer, then sleeps longer and longer`() {
      var backoff = Backoff(longestSleep: 200_000)
      var steps: [Backoff.Step] = []
      for _ in 0..<200 { steps.append(backoff.next()) }
      #expect(steps[..<Backoff.immediate].allSatisfy { $0 == .again })
      let pauses = steps[Backoff.immediate..<Backoff.immediate + Backoff.paused].map { step in
        if case .pause(let count) = step { count } else { 0 }
      }
      #expect(pauses.first == 16 && pauses.last == 16 << 7)
      #expect(zip(pauses, pauses.dropFirst()).allSatisfy { $0 <= $1 })
      let sleeps = steps[(Backoff.immediate + Backoff.paused)...].map { step -> Int64 in
        if case .sleep(let nanoseconds) = step { nanoseconds } else { 0 }
      }
      #expect(sleeps.first == 10_000 && sleeps.last == 200_000)
      #expect(zip(sleeps, sleeps.dropFirst()).allSatisfy { $0 <= $1 })
    }

    @Test(arguments: [1, 10_000, 200_000, Int64.max])
    func `however long it goes on, a sleep is positive and not too long`(longest: Int64) {
      var backoff = Backoff(longestSleep: longest)
      for _ in 0..<1000 {
        if case .sleep(let nanoseconds) = backoff.next() {
          #expect(nanoseconds > 0 && nanoseconds <= longest)
        }
      }
    }

    @Test func `progress starts it anew, whenever it comes`() {
      for before in 0..<200 {
        var backoff = Backoff(longestSleep: 1)
        for _ in 0..<before { _ = backoff.next() }
        backoff.reset()
        expect(backoff.next() == .again)
      }
    }

    @Test(arguments: [-3, 0, 1, 7, 8, 9, 512])
    func `the spin limit stays in its bounds after every sequence of hits and misses`(largest: Int)
    {
      for sequence in 0..<(1 << 12) {
        var limit = SpinLimit(largest: largest)
        for bit in 0..<12 {
          limit.learn(hit: sequence >> bit & 1 == 1)
          if limit.pauses < 0 || limit.pauses > max(0, largest) {
            Issue.record("\(limit.pauses) pauses of \(largest) after \(sequence)")
            return
          }
        }
      }
    }

    @Test func `the spin limit shrinks with misses, tries in full now and then, and recovers`() {
      var limit = SpinLimit(largest: 512)
      #expect(limit.pauses == 512)
      // A few misses change nothing.
      for _ in 0..<SpinLimit.patience {
        limit.learn(hit: false)
        #expect(limit.pauses == 512)
      }
      var tries = 0
      for _ in 0..<160 {
        limit.learn(hit: false)
        if limit.pauses == 512 { tries += 1 }
      }
      #expect(tries == 10)
      limit.learn(hit: false)
      #expect(limit.pauses == SpinLimit.smallest)
      limit.learn(hit: true)
      #expect(limit.pauses == 512)
    }
  }
#endif
