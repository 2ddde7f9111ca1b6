// What fibers do together: channels, locks, time, select.
import Fibers

func channel(capacity: Int, _ exclusivity: FiberRuntime.Exclusivity) throws -> Double {
  let runtime = try FiberRuntime(configuration(exclusivity))
  let count = capacity > 1 ? 4_000_000 : 1_000_000
  let channel = Channel<Int>(capacity: capacity)
  try runtime.spawn {
    for number in 0..<count { try channel.send(number) }
    channel.close()
  }
  let receiver = try runtime.spawn {
    var sum = 0
    while let number = try channel.receive() { sum &+= number }
    return sum
  }
  return try nanoseconds(per: count) {
    let sum = try receiver.join()
    precondition(sum == count * (count - 1) / 2)
  }
}

func pingPong(capacity: Int, _ exclusivity: FiberRuntime.Exclusivity) throws -> Double {
  let runtime = try FiberRuntime(configuration(exclusivity))
  let count = 500_000
  let there = Channel<Int>(capacity: capacity)
  let back = Channel<Int>(capacity: capacity)
  try runtime.spawn { while let number = try there.receive() { try back.send(number) } }
  let measured = try runtime.spawn {
    for number in 0..<count {
      try there.send(number)
      _ = try back.receive()
    }
    there.close()
  }
  return try nanoseconds(per: count) { try measured.join() }
}

func mutex(fibers: Int, _ exclusivity: FiberRuntime.Exclusivity) throws -> Double {
  let runtime = try FiberRuntime(configuration(exclusivity))
  let each = 1_000_000 / fibers
  let mutex = FiberMutex(0)
  for _ in 0..<fibers {
    try runtime.spawn {
      for _ in 0..<each {
        try mutex.withLock { value in
          value += 1
          if fibers > 1 { try Fiber.yield() }
        }
      }
    }
  }
  return try nanoseconds(per: each * fibers) { try runtime.run() }
}

func semaphore(_ exclusivity: FiberRuntime.Exclusivity) throws -> Double {
  let runtime = try FiberRuntime(configuration(exclusivity))
  let count = 1_000_000
  let there = FiberSemaphore(permits: 0)
  let back = FiberSemaphore(permits: 0)
  try runtime.spawn {
    for _ in 0..<count {
      try there.acquire()
      back.release()
    }
  }
  try runtime.spawn {
    for _ in 0..<count {
      there.release()
      try back.acquire()
    }
  }
  return try nanoseconds(per: count) { try runtime.run() }
}

func select(_ exclusivity: FiberRuntime.Exclusivity) throws -> Double {
  let runtime = try FiberRuntime(configuration(exclusivity))
  let count = 1_000_000
  let numbers = Channel<Int>(capacity: 0)
  let quit = Channel<Void>(capacity: 0)
  try runtime.spawn {
    for number in 0..<count { try numbers.send(number) }
    quit.close()
  }
  try runtime.spawn {
    var number = SelectReceive(from: numbers)
    var end = SelectReceive(from: quit)
    while true {
      switch try Fiber.select(&number, &end) {
      case .first: _ = number.take()
      case .second: return
      }
    }
  }
  return try nanoseconds(per: count) { try runtime.run() }
}

/// Arms and lets go of a timer, with `others` fibers asleep beside it.
func deadline(others: Int, _ exclusivity: FiberRuntime.Exclusivity) throws -> Double {
  let runtime = try FiberRuntime(configuration(exclusivity))
  for number in 0..<others {
    try runtime.spawn { try Fiber.sleep(for: .seconds(3600 + number % 977)) }
  }
  let count = 300_000
  let measured = try runtime.spawn {
    let deadline = FiberClock.now.advanced(by: .seconds(10))
    return try nanoseconds(per: count) {
      for _ in 0..<count { try Fiber.withDeadline(deadline) { try Fiber.checkCancellation() } }
    }
  }
  let result = try measured.join()
  runtime.shutdown()
  return result
}

/// Fibers that sleep a microsecond, all the time: arming, firing, switching.
func sleep(_ exclusivity: FiberRuntime.Exclusivity) throws -> Double {
  let runtime = try FiberRuntime(configuration(exclusivity))
  let fibers = 1000
  let each = 300
  for _ in 0..<fibers {
    try runtime.spawn { for _ in 0..<each { try Fiber.sleep(for: .microseconds(1)) } }
  }
  return try nanoseconds(per: fibers * each) { try runtime.run() }
}

func figuresTogether() -> [Figure] {
  var figures: [Figure] = []
  for (name, mode) in [("shared", FiberRuntime.Exclusivity.shared), ("isolated", .isolated)] {
    figures += [
      Figure("channel, capacity 64, \(name)", budget: 6) { try channel(capacity: 64, mode) },
      Figure("channel, capacity 1, \(name)", budget: 30) { try channel(capacity: 1, mode) },
      Figure("channel, rendezvous, \(name)", budget: 35) { try channel(capacity: 0, mode) },
      Figure("channel, round trip over two, \(name)") { try pingPong(capacity: 0, mode) },
      Figure("mutex, nobody else, \(name)") { try mutex(fibers: 1, mode) },
      Figure("mutex, 4 fibers that yield in it, \(name)") { try mutex(fibers: 4, mode) },
      Figure("semaphore, round trip over two, \(name)") { try semaphore(mode) },
      Figure("select of two, rendezvous, \(name)") { try select(mode) },
      Figure("deadline set and left, \(name)") { try deadline(others: 0, mode) },
      Figure("deadline, 10,000 asleep beside, \(name)") { try deadline(others: 10_000, mode) },
      Figure("sleep 1 us, 1,000 fibers, \(name)") { try sleep(mode) },
    ]
  }
  return figures
}
