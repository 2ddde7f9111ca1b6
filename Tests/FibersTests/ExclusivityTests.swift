import Fibers
import TestSupport
import Testing

/// Not final and not private: accesses of its properties are checked at run time.
class Account {
  var balance = 0
}

@Suite("Exclusive access across fibers")
struct ExclusivityTests {
  static func configuration(
    _ exclusivity: FiberRuntime.Exclusivity
  ) -> FiberRuntime.Configuration {
    var configuration = FiberRuntime.Configuration()
    configuration.exclusivity = exclusivity
    return configuration
  }

  /// Holds an access to `account.balance` while it is parked.
  static func hold(_ account: Account, until gate: Fiber<Void, any Error>) throws {
    func inside(_ balance: inout Int) throws {
      balance += 1
      try gate.join()
      balance += 1
    }
    try inside(&account.balance)
  }

  @inline(never)
  static func touch(_ account: Account) { account.balance += 1 }

  /// Nanoseconds for one access of a fiber, while others are parked inside accesses of their own.
  static func accessTime(parked: Int, _ exclusivity: FiberRuntime.Exclusivity) throws -> Double {
    let runtime = try FiberRuntime(configuration(exclusivity))
    var waker: FiberWaker?
    let gate = try runtime.spawn { try Fiber.park { waker = $0 } }
    let accounts = (0..<parked).map { _ in Account() }
    let fibers = try accounts.map { account in
      try runtime.spawn { try hold(account, until: gate) }
    }
    let measured = try runtime.spawn {
      let own = Account()
      let repeats = 20_000
      var best = Double.infinity
      for _ in 0..<5 {
        let time = ContinuousClock().measure { for _ in 0..<repeats { touch(own) } }
        best = min(best, Double(time.components.attoseconds) / 1e9 / Double(repeats))
        try Fiber.yield()
      }
      return best
    }
    let result = try measured.join()
    waker?.wake()
    try runtime.run()
    for fiber in fibers { try fiber.join() }
    for account in accounts { #expect(account.balance == 2) }
    return result
  }

  @Test("In isolated mode parked accesses cost the others nothing, 8,000 of them")
  func isolatedIsFlat() throws {
    let parked = sanitizerLimitsFibers ? 1000 : 8000
    let none = try Self.accessTime(parked: 0, .isolated)
    let many = try Self.accessTime(parked: parked, .isolated)
    // With one set for all it is thousands of times as much; ten leaves room for a noisy machine.
    #expect(many < none * 10 + 20)
  }

  @Test("Accesses that a fiber holds are its own again after each of many parks")
  func accessesComeBack() throws {
    for mode in [FiberRuntime.Exclusivity.isolated, .shared] {
      let runtime = try FiberRuntime(Self.configuration(mode))
      let accounts = (0..<20).map { _ in Account() }
      for account in accounts {
        try runtime.spawn {
          func inner(_ a: inout Int, _ b: Account) throws {
            for _ in 0..<5 {
              a += 1
              try Fiber.yield()
              Self.touch(b)
            }
          }
          let other = Account()
          try inner(&account.balance, other)
          for _ in 0..<3 {
            try inner(&other.balance, account)
            try Fiber.yield()
          }
        }
      }
      try runtime.run()
      for account in accounts { #expect(account.balance == 20) }
    }
  }

  @Test("Accesses of the caller of run() are not in the way, and come back")
  func callerHolds() throws {
    let runtime = try FiberRuntime(Self.configuration(.isolated))
    let account = Account()
    func inside(_ balance: inout Int) throws {
      balance += 1
      try runtime.run()
      balance += 1
    }
    try runtime.spawn {
      try Fiber.yield()
      Self.touch(Account())
    }
    try inside(&account.balance)
    Self.touch(account)
    #expect(account.balance == 3)
  }

  @Test("In shared mode two fibers inside the same variable trap")
  func sharedTraps() async {
    await #expect(processExitsWith: .failure) {
      try synchronously {
        let runtime = try FiberRuntime(ExclusivityTests.configuration(.shared))
        let account = Account()
        try runtime.spawn {
          func inside(_ balance: inout Int) throws { try Fiber.yield() }
          try inside(&account.balance)
        }
        try runtime.spawn { ExclusivityTests.touch(account) }
        try runtime.run()
      }
    }
  }

  @Test("In isolated mode the same program runs through: the price of the mode")
  func isolatedDoesNotSee() throws {
    let runtime = try FiberRuntime(Self.configuration(.isolated))
    let account = Account()
    try runtime.spawn {
      func inside(_ balance: inout Int) throws { try Fiber.yield() }
      try inside(&account.balance)
    }
    try runtime.spawn { Self.touch(account) }
    try runtime.run()
  }

  @Test("An overlap within one fiber traps in isolated mode too")
  func ownOverlapTraps() async {
    await #expect(processExitsWith: .failure) {
      try synchronously {
        let runtime = try FiberRuntime(ExclusivityTests.configuration(.isolated))
        let account = Account()
        try runtime.spawn {
          func inside(_ balance: inout Int) throws {
            try Fiber.yield()
            ExclusivityTests.touch(account)
          }
          try inside(&account.balance)
        }
        try runtime.run()
      }
    }
  }
}
