import Fibers
import TestSupport
import Testing

/// All that are due, in their order.
private func popAll(_ wheel: inout TimerWheel, now: Int64) -> [UInt32] {
  var ids: [UInt32] = []
  while let id = wheel.popExpired(now: now) { ids.append(id) }
  return ids
}

@Suite("Timer wheel")
struct TimerWheelTests {
  static let tick: Int64 = 1 << 20

  @Test("Nothing is armed in the beginning, and disarming it does nothing")
  func empty() {
    var wheel = TimerWheel(now: 5)
    wheel.disarm(0)
    wheel.disarm(.max)
    let popped = popAll(&wheel, now: .max)
    let state = (wheel.count, wheel.isEmpty, wheel.nextWake, wheel.isArmed(0), wheel.isArmed(.max))
    #expect(popped == [])
    #expect(state == (0, true, nil, false, false))
  }

  @Test("A timer is due at its nanosecond, not one before, near and far")
  func exact() {
    for bits in 0..<63 {
      let power: Int64 = 1 << bits
      for deadline in power - 1...power + 1 {
        var wheel = TimerWheel(now: 0)
        wheel.arm(7, at: deadline)
        let before = wheel.popExpired(now: deadline - 1)
        let armed = wheel.isArmed(7)
        // Alone in its slot: no spurious look.
        let wake = wheel.nextWake
        let at = wheel.popExpired(now: deadline)
        let after = (wheel.isArmed(7), wheel.count)
        #expect((before, armed, wake, at) == (nil, true, deadline, 7))
        #expect(after == (false, 0))
      }
    }
  }

  @Test("Deadlines in the past are due at once, in their order")
  func past() {
    var wheel = TimerWheel(now: 1000 * Self.tick)
    wheel.arm(1, at: 3 * Self.tick)
    wheel.arm(2, at: -5)
    wheel.arm(3, at: .min)
    wheel.arm(4, at: 3 * Self.tick - 1)
    let wake = wheel.nextWake
    #expect(wake == .min)
    #expect(popAll(&wheel, now: 1000 * Self.tick) == [3, 2, 4, 1])
  }

  @Test("The ends of the range, over one step of time")
  func endsOfTime() {
    for start in [Int64.min, -1, 0, .max] {
      var wheel = TimerWheel(now: start)
      let deadlines = [Int64.max, .max - 1, 0, -1, .min, .min + 1, .max - Self.tick]
      for (id, deadline) in deadlines.enumerated() { wheel.arm(UInt32(id), at: deadline) }
      #expect(popAll(&wheel, now: .max - 1) == [4, 5, 3, 2, 6, 1])
      #expect(popAll(&wheel, now: .max) == [0])
    }
  }

  @Test("Of equal deadlines the first armed is first, whatever ways they came")
  func ties() {
    let deadline = 5_000 * Self.tick + 17
    var wheel = TimerWheel(now: 0)
    wheel.arm(0, at: deadline)
    wheel.arm(1, at: deadline)
    // Closer: the next ones begin at lower levels, the last in the tick itself.
    var id: UInt32 = 2
    for distance in [900 * Self.tick, 50 * Self.tick, 2 * Self.tick, 10] {
      #expect(popAll(&wheel, now: deadline - distance) == [])
      wheel.arm(id, at: deadline)
      wheel.arm(id + 1, at: deadline)
      id += 2
    }
    #expect(popAll(&wheel, now: deadline) == Array(0..<10))
  }

  @Test("Arming again replaces the deadline and gives up the turn")
  func rearm() {
    var wheel = TimerWheel(now: 0)
    let deadlines = [5, 80 * Self.tick]
    for deadline in deadlines {
      for id in UInt32(0)..<3 { wheel.arm(id, at: deadline) }
      wheel.arm(1, at: deadline)
      #expect(wheel.count == 3)
      wheel.arm(2, at: deadline + 1_000_000 * Self.tick)
      wheel.arm(2, at: deadline - 1)
      #expect(popAll(&wheel, now: deadline) == [2, 0, 1])
      #expect(wheel.isEmpty == true)
    }
  }

  @Test("A burst of the same deadline comes in the order of arming")
  func burst() {
    let count = UInt32(isDebugBuild || isSanitized ? 20_000 : 200_000)
    var wheel = TimerWheel(now: 0)
    // Backwards, so that the order is not that of the ids.
    for id in (0..<count).reversed() { wheel.arm(id, at: 1 << 40) }
    #expect(popAll(&wheel, now: 1 << 40) == (0..<count).reversed())
  }

  @Test("Random programs do what a sorted list does", arguments: TimerProgram.allCases)
  func random(program: TimerProgram) {
    var seeds = Seed()
    for _ in 0..<(isDebugBuild || isSanitized ? 40 : 600) * stressFactor {
      var comparison = TimerComparison(program, seed: seeds.next())
      if let difference = comparison.run(steps: 400) {
        Issue.record("\(difference), \(seeds.description)")
        return
      }
    }
  }

  @Test("Many timers of one tick, disarmed and armed again at random: the others in order")
  func withinTheTick() {
    var seed = Seed()
    for _ in 0..<20 {
      var wheel = TimerWheel(now: 0)
      var model = TimerModel()
      for _ in 0..<1000 {
        let id = UInt32.random(in: 0..<300, using: &seed)
        if Int.random(in: 0..<3, using: &seed) == 0 {
          wheel.disarm(id)
          model.disarm(id)
        } else {
          let deadline = Int64.random(in: 0..<Self.tick, using: &seed)
          wheel.arm(id, at: deadline)
          model.arm(id, at: deadline)
        }
        guard wheel.nextWake == model.earliest else { break }
      }
      let popped = popAll(&wheel, now: Self.tick)
      guard popped == model.timers.map(\.id) else {
        Issue.record("not the order of the model, \(seed.description)")
        return
      }
    }
  }

  @Test("Following nextWake reaches every timer, with at most a spurious look a level")
  func progress() {
    var seed = Seed()
    let count = 2000
    var deadlines: [Int64] = []
    var wheel = TimerWheel(now: 0)
    for id in 0..<count {
      let bits = Int.random(in: 10...62, using: &seed)
      deadlines.append(.random(in: 0...(1 << bits), using: &seed))
      wheel.arm(UInt32(id), at: deadlines[id])
    }
    var looks = 0
    var popped: [Int64] = []
    while let wake = wheel.nextWake {
      looks += 1
      let ids = popAll(&wheel, now: wake)
      // Reached at its deadline, not later.
      #expect(ids.allSatisfy { deadlines[Int($0)] == wake }, "\(seed.description)")
      popped += ids.map { deadlines[Int($0)] }
      guard looks <= 9 * count else { break }
    }
    #expect(popped == deadlines.sorted(), "\(seed.description)")
  }

  @Test("A million timers, nine of ten disarmed: the others in order to the nanosecond")
  func million() {
    var seed = Seed()
    // Unoptimised code takes half a minute for all on a busy machine.
    let count = isDebugBuild || isSanitized ? 100_000 : 1_000_000
    var wheel = TimerWheel(now: 0)
    // A minute, with each nanosecond of some milliseconds taken many times over.
    let deadlines = (0..<count).map { id in
      id % 4 == 0
        ? 30_000_000_000 + Int64.random(in: 0...1000, using: &seed)
        : Int64.random(in: 0...60_000_000_000, using: &seed)
    }
    for id in 0..<count { wheel.arm(UInt32(id), at: deadlines[id]) }
    #expect(wheel.count == count)
    var expected: [UInt32] = []
    for id in 0..<count {
      if Int.random(in: 0..<10, using: &seed) == 0 {
        expected.append(UInt32(id))
      } else {
        wheel.disarm(UInt32(id))
      }
    }
    #expect(wheel.count == expected.count)
    expected.sort { (deadlines[Int($0)], $0) < (deadlines[Int($1)], $1) }

    var popped: [UInt32] = []
    popped.reserveCapacity(expected.count)
    var now: Int64 = 0
    var inTime = true
    while !wheel.isEmpty && now < 1 << 40 {
      let before = now
      now += .random(in: 0...20_000_000, using: &seed)
      while let id = wheel.popExpired(now: now) {
        let deadline = deadlines[Int(id)]
        // What was due at the look before was popped there.
        inTime = inTime && deadline <= now && (deadline > before || before == 0)
        popped.append(id)
      }
    }
    #expect(inTime, "\(seed.description)")
    #expect(popped == expected, "\(seed.description)")
  }

  @Test("Empty time costs nothing: all of it, there and back, a million times")
  func emptyTime() {
    var wheel = TimerWheel(now: .min)
    for _ in 0..<(isDebugBuild || isSanitized ? 10_000 : 1_000_000) {
      _ = wheel.popExpired(now: .max)
      wheel = TimerWheel(now: .min)
      wheel.arm(0, at: .max)
      guard wheel.popExpired(now: .max) == 0 else {
        Issue.record("not popped")
        return
      }
    }
  }

  @Test("The highest id is 2^24 - 1")
  func highestID() async {
    var wheel = TimerWheel(now: 0)
    let highest: UInt32 = 1 << 24 - 1
    wheel.arm(highest, at: 3 * Self.tick)
    wheel.arm(0, at: 2 * Self.tick)
    wheel.disarm(highest + 1)
    let armed = (wheel.isArmed(highest), wheel.isArmed(highest - 1), wheel.isArmed(highest + 1))
    #expect(armed == (true, false, false))
    #expect(popAll(&wheel, now: 3 * Self.tick) == [0, highest])

    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      var wheel = TimerWheel(now: 0)
      wheel.arm(1 << 24, at: 0)
    }
    // An optimised build keeps the messages of `precondition` out of the program.
    guard isDebugBuild, let result else { return }
    let words = String(decoding: result.standardErrorContent, as: UTF8.self)
    #expect(words.contains("TimerWheel: an id of 2^24 or more"))
  }

  @Test("Arming, disarming and popping allocate nothing once there was as much before")
  func allocatesNothing() {
    // Sparse and dense, near and far, and many of one tick; made before, for conversions of
    // numbers allocate in debug builds.
    let far = (0..<3000).map { Int64($0 % 7 * $0) * 10_000_000 }
    let near = (0..<3000).map { 100 + Int64($0 % 2) << Int64($0 % 45) }
    var wheel = TimerWheel(now: 0)
    var now: Int64 = 0
    func turn() {
      var id: UInt32 = 0
      for index in far.indices {
        wheel.arm(id, at: now + far[index])
        wheel.arm(id, at: now + near[index])
        if index % 3 == 0 { wheel.disarm(id) }
        if index % 5 == 0 { wheel.arm(id, at: now + 3 * Self.tick) }
        id += 1
      }
      while let wake = wheel.nextWake {
        now = wake
        while wheel.popExpired(now: now) != nil {}
      }
    }
    turn()
    let count = allocations { for _ in 0..<3 { turn() } }
    #expect(count == 0)
  }

  @Test("A wheel without timers has allocated two small tables")
  func littleAtFirst() {
    let count = allocations {
      let wheel = TimerWheel(now: 0)
      precondition(wheel.isEmpty)
    }
    #expect(count == (countsAllocations ? 2 : 0))
  }

  /// Fails under the Address Sanitizer, which looks for leaks, if something stays.
  @Test("A wheel that goes while timers are armed leaves nothing behind")
  func freed() {
    for _ in 0..<20 {
      var wheel = TimerWheel(now: 0)
      for id in UInt32(0)..<5000 { wheel.arm(id &* 37, at: Int64(id % 2) << 40) }
      #expect(wheel.count == 5000)
    }
  }
}
