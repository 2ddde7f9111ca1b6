import CountedMalloc
import Fibers
import MiniAsync

/// How many allocations an operation makes, and how many it may.
struct Count {
  let name: String
  let value: Double
  let allowed: Double
}

/// Each operation is counted so often.
let repetitions = 10_000

/// Counts the allocations of `body`, done as often as it takes to be warm and then `repetitions`
/// times.
func count(_ name: String, allowed: Double = 0, _ body: () throws -> Void) rethrows -> Count {
  for _ in 0..<200 { try body() }
  let before = counted_allocations()
  for _ in 0..<repetitions { try body() }
  let made = counted_allocations() - before
  return Count(name: name, value: Double(made) / Double(repetitions), allowed: allowed)
}

/// Everything, in a runtime of this mode.
func countAll(_ mode: FiberRuntime.Exclusivity) throws -> [Count] {
  var configuration = FiberRuntime.Configuration()
  configuration.exclusivity = mode
  let runtime = try FiberRuntime(configuration)
  let counting = try runtime.spawn {
    // Somebody to switch to.
    let other = try Fiber.spawn { while true { try Fiber.yield() } }
    defer { other.cancel() }
    return try countSwitches() + countSpawns() + countChannels() + countInputOutput()
  }
  return try counting.join()
}

private func countSwitches() throws -> [Count] {
  var sum = 0
  let mutex = FiberMutex(0)
  return [
    try count("yield") { try Fiber.yield() },
    try count("park and wake") { try Fiber.park { _ = $0.wake() } },
    count("poll") { sum += Countdown(left: 3).value() },
    try count("wait for a future") {
      var future = Countdown(left: 3)
      sum += try Fiber.wait(for: &future)
    },
    try count("lock a mutex") { try mutex.withLock { $0 += 1 } },
    try count("sleep") { try Fiber.sleep(for: .nanoseconds(1)) },
    try count("set a deadline") {
      try Fiber.withTimeout(.seconds(10)) { try Fiber.checkCancellation() }
    },
  ]
}

private func countSpawns() throws -> [Count] {
  var number = 0
  return [
    try count("spawn + join, capturing nothing", allowed: 1) {
      _ = try Fiber.spawn { 1 }.join()
    },
    try count("spawn + join, capturing a number", allowed: 2) {
      number += 1
      let captured = number
      _ = try Fiber.spawn { captured }.join()
    },
    try count("spawn + join, named", allowed: 2) {
      _ = try Fiber.spawn(name: "worker") { 1 }.join()
    },
  ]
}

/// An echo behind two channels: each round trip sends, receives, parks and wakes on both sides.
private func countChannels() throws -> [Count] {
  var counts: [Count] = []
  for capacity in [0, 64] {
    let there = Channel<Int>(capacity: capacity)
    let back = Channel<Int>(capacity: capacity)
    let echo = try Fiber.spawn { while let number = try there.receive() { try back.send(number) } }
    counts.append(
      try count("channel round trip, capacity \(capacity)") {
        try there.send(1)
        _ = try back.receive()
      })
    there.close()
    try echo.join()
    let sharedThere = SharedChannel<Int>(capacity: capacity)
    let sharedBack = SharedChannel<Int>(capacity: capacity)
    let sharedEcho = try Fiber.spawn {
      while let number = try sharedThere.receive() { try sharedBack.send(number) }
    }
    counts.append(
      try count("shared channel round trip, capacity \(capacity)") {
        try sharedThere.send(1)
        _ = try sharedBack.receive()
      })
    sharedThere.close()
    try sharedEcho.join()
  }
  return counts
}

private func countInputOutput() throws -> [Count] {
  let ready = try IOHandle.socketPair()
  let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 16)
  defer { buffer.deallocate() }
  let bytes = UnsafeRawBufferPointer(buffer)
  let written = try count("read and write, ready") {
    _ = try ready.first.write(bytes)
    _ = try ready.second.read(into: buffer)
  }
  // The echo parks for each answer, and so does who asks.
  let echoing = try IOHandle.socketPair()
  return try echoing.split { asking, answering in
    let echo = try Fiber.spawn(consuming: answering) { handle in
      let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 16)
      defer { room.deallocate() }
      while case let count = try handle.read(into: room), count > 0 {
        _ = try handle.write(UnsafeRawBufferPointer(rebasing: room[..<count]))
      }
    }
    let waited = try count("read and write, parking for each") {
      _ = try asking.write(bytes)
      _ = try asking.read(into: buffer)
    }
    try asking.close()
    try echo.join()
    return [written, waited]
  }
}
