import Fibers

let channelPaths = [
  HotPath("channel-64") { try sendAndReceive($0, capacity: 64) },
  HotPath("channel-1") { try sendAndReceive($0, capacity: 1) },
  HotPath("channel-0") { try sendAndReceive($0, capacity: 0) },
  HotPath("channel-round-trip") { count in
    let there = Channel<Int>(capacity: 0)
    let back = Channel<Int>(capacity: 0)
    try inFibers([
      { for _ in 0..<count { try back.send(try there.receive() ?? 0) } },
      {
        for number in 0..<count {
          try there.send(number)
          _ = try back.receive()
        }
      },
    ])
  },
  HotPath("select") { count in
    let numbers = Channel<Int>(capacity: 0)
    let quit = Channel<Void>(capacity: 0)
    try inFibers([
      {
        for number in 0..<count { try numbers.send(number) }
        quit.close()
      },
      {
        var number = SelectReceive(from: numbers)
        var end = SelectReceive(from: quit)
        while case .first = try Fiber.select(&number, &end) { _ = number.take() }
      },
    ])
  },
  HotPath("shared-channel-64") { count in
    let channel = SharedChannel<Int>(capacity: 64)
    try inFibers([
      { for number in 0..<count { try channel.send(number) } },
      { for _ in 0..<count { _ = try channel.receive() } },
    ])
  },
]

private func sendAndReceive(_ count: Int, capacity: Int) throws {
  let channel = Channel<Int>(capacity: capacity)
  try inFibers([
    { for number in 0..<count { try channel.send(number) } },
    {
      var sum = 0
      for _ in 0..<count { sum &+= try channel.receive() ?? 0 }
      keep(&sum)
    },
  ])
}
