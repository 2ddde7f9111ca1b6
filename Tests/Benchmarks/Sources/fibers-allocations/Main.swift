// How many heap allocations each operation makes, when warm. Fails when it is more than allowed.
import CountedMalloc
import Fibers
import Glibc
import MiniAsync

/// Wakes itself at each poll but the last.
struct Countdown: Future {
  var left: Int
  var progress = FutureProgress<Int>.idle

  mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Int> {
    left -= 1
    if left == 0 { return .complete(1) }
    notifier.takeWaker()?.wake()
    return .running
  }
}

/// Allocations per operation of `body`, which does `count` of them.
func allocations(_ count: Int, _ body: () throws -> Void) rethrows -> Double {
  let before = counted_allocations()
  try body()
  return Double(counted_allocations() - before) / Double(count)
}

func measure(_ mode: FiberRuntime.Exclusivity) throws -> [(String, Double, Double)] {
  var configuration = FiberRuntime.Configuration()
  configuration.exclusivity = mode
  let runtime = try FiberRuntime(configuration)
  let count = 10_000
  let measured = try runtime.spawn {
    let other = try Fiber.spawn { while true { try Fiber.yield() } }
    for _ in 0..<count { try Fiber.yield() }
    let yields = try allocations(count) { for _ in 0..<count { try Fiber.yield() } }
    let parks = try allocations(count) {
      for _ in 0..<count { try Fiber.park { _ = $0.wake() } }
    }
    var sum = 0
    for _ in 0..<100 { sum += try Fiber.spawn { 1 }.join() }
    let plain = try allocations(count) {
      for _ in 0..<count { sum += try Fiber.spawn { 1 }.join() }
    }
    let capturing = try allocations(count) {
      for number in 0..<count { sum += try Fiber.spawn { number }.join() }
    }
    let named = try allocations(count) {
      for _ in 0..<count { sum += try Fiber.spawn(name: "worker") { 1 }.join() }
    }
    let waits = try allocations(count) {
      for _ in 0..<count {
        var future = Countdown(left: 3)
        sum += try Fiber.wait(for: &future) + Countdown(left: 3).value()
      }
    }
    let pair = try IOHandle.socketPair()
    let (near, far) = (pair.first.reference, pair.second.reference)
    var bytes = [UInt8](repeating: 0, count: 64)
    let ready = try allocations(count) {
      for _ in 0..<count {
        try near.writeAll(bytes)
        sum += try far.read(into: &bytes)
      }
    }
    let echo = try Fiber.spawn {
      var bytes = [UInt8](repeating: 0, count: 64)
      while case let count = try far.read(into: &bytes), count > 0 {
        try far.writeAll(bytes[..<count])
      }
    }
    let waiting = try allocations(count) {
      for _ in 0..<count {
        try near.writeAll(bytes)
        sum += try near.read(into: &bytes)
      }
    }
    try pair.first.shutdown(.write)
    try echo.join()
    other.cancel()
    precondition(sum > 0)
    return [
      ("yield", yields, 0.0), ("park and wake", parks, 0.0),
      ("wait for a future", waits, 0.0),
      ("write and read, ready", ready, 0.0), ("write and read, waiting", waiting, 0.0),
      ("spawn + join, capturing nothing", plain, 1.0),
      ("spawn + join, capturing a number", capturing, 2.0), ("spawn + join, named", named, 2.0),
    ]
  }
  return try measured.join()
}

@main
struct Main {
  static func main() throws {
    var failed = false
    for mode in [FiberRuntime.Exclusivity.shared, .isolated] {
      for (name, value, allowed) in try measure(mode) {
        let isTooMany = value > allowed + 0.001
        failed = failed || isTooMany
        print("\(mode) \(name): \(value) allocations (at most \(allowed))")
      }
    }
    if failed { exit(1) }
  }
}
