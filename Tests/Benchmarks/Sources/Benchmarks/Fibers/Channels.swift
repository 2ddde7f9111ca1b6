import Fibers

/// Channels between fibers of one runtime: one sender, one receiver.
func channelRows(_ effort: Effort) -> [Row] {
  let peers = ["Boost.Fiber", "Go", "Swift tasks"]
  // Of the design, and what Boost.Fiber took on the machine they were set on.
  let goals = [
    (capacity: 64, budget: 6.0, boost: 21.5), (capacity: 1, budget: 30.0, boost: 230.0),
    (capacity: 0, budget: 35.0, boost: 225.0),
  ]
  let throughput = goals.flatMap { goal in
    let capacity = goal.capacity
    let results = race(
      effort,
      [
        .ours("channel-isolated", capacity),
        .ours("channel-shared", capacity, named: "shared"),
        .peer(.boostFiber, effort, "channel", capacity),
        .peer(.go, effort, "channel", capacity),
        .peer(.swiftTasks, effort, "channel", capacity),
      ])
    let what = capacity == 0 ? "channel, unbuffered" : "channel, capacity \(capacity)"
    let budget = Row.Budget.atMost(goal.budget, whenPeerIs: goal.boost)
    return [
      results.figure("\(what), isolated", unit: "ns/message", order: peers, budget: budget),
      results.figure(
        "\(what), shared", of: "shared", unit: "ns/message", order: peers, budget: budget),
    ].rows(decidedBy: "Boost.Fiber")
  }
  let roundTrip = race(
    effort,
    [
      .ours("ping-pong-isolated"), .peer(.go, effort, "ping-pong"),
      .peer(.swiftTasks, effort, "ping-pong"),
    ])
  let select = race(effort, [.ours("select-isolated"), .peer(.go, effort, "select")])
  return throughput
    + [
      roundTrip.figure("round trip over two unbuffered channels", order: ["Go", "Swift tasks"]),
      select.figure("select of two unbuffered channels", unit: "ns/message", order: ["Go"]),
    ].rows()
}

let channelMeasurements =
  inBothModes("channel", size: 64) { capacity, mode in
    let runtime = try makeRuntime(mode)
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
  } + inBothModes("ping-pong") { _, mode in try pingPong(mode) }
  + inBothModes("select") { _, mode in try select(mode) }

private func pingPong(_ mode: FiberRuntime.Exclusivity) throws -> Double {
  let runtime = try makeRuntime(mode)
  let count = 500_000
  let there = Channel<Int>(capacity: 0)
  let back = Channel<Int>(capacity: 0)
  try runtime.spawn { while let number = try there.receive() { try back.send(number) } }
  let asking = try runtime.spawn {
    for number in 0..<count {
      try there.send(number)
      _ = try back.receive()
    }
    there.close()
  }
  return try nanoseconds(per: count) { try asking.join() }
}

private func select(_ mode: FiberRuntime.Exclusivity) throws -> Double {
  let runtime = try makeRuntime(mode)
  let count = 500_000
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
