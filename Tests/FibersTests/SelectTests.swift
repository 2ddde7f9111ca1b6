import Fibers
import TestSupport
import Testing

@Suite("Select")
struct SelectTests {
  @Test("What can be done at once is done, and nothing else is touched")
  func readyAlternative() throws {
    let runtime = try FiberRuntime()
    let full = Channel<Int>(capacity: 1)
    let empty = Channel<String>(capacity: 1)
    #expect(try full.trySend(7) == nil)
    let fiber = try runtime.spawn {
      var number = SelectReceive(from: full)
      var text = SelectReceive(from: empty)
      let choice = try Fiber.select(&text, &number)
      #expect(choice == .second)
      #expect(number.take() == 7)
      #expect(number.take() == nil)
    }
    try fiber.join()
    #expect(full.count == 0 && empty.count == 0)
  }

  @Test("A parked select is served once, by the first who comes", arguments: [0, 1])
  func parkedIsServedOnce(capacity: Int) throws {
    let runtime = try FiberRuntime()
    let a = Channel<Int>(capacity: capacity)
    let b = Channel<Int>(capacity: capacity)
    let selecting = try runtime.spawn {
      var first = SelectReceive(from: a)
      var second = SelectReceive(from: b)
      let choice1 = try Fiber.select(&first, &second)
      #expect(choice1 == .second)
      #expect(second.take() == 2)
      #expect(first.take() == nil)
      // What came to the other one meanwhile is still there.
      let choice2 = try Fiber.select(&first, &second)
      #expect(choice2 == .first)
      return first.take()
    }
    try runtime.spawn {
      try Fiber.yield()
      try b.send(2)
      try a.send(1)
    }
    #expect(try selecting.join() == 1)
    try runtime.run()
  }

  @Test("Alternatives that can always be done are chosen equally often")
  func fair() throws {
    let runtime = try FiberRuntime()
    let channels = (0..<3).map { _ in Channel<Void>(capacity: 3000) }
    for channel in channels { for _ in 0..<3000 { #expect(try channel.trySend(()) == nil) } }
    let counts = try runtime.spawn {
      var counts = [0, 0, 0]
      var a = SelectReceive(from: channels[0])
      var b = SelectReceive(from: channels[1])
      var c = SelectReceive(from: channels[2])
      for _ in 0..<3000 {
        switch try Fiber.select(&a, &b, &c) {
        case .first: counts[0] += 1
        case .second: counts[1] += 1
        case .third: counts[2] += 1
        }
        _ = (a.take(), b.take(), c.take())
      }
      return counts
    }
    for count in try counts.join() { #expect((850...1150).contains(count)) }
  }

  @Test("Two selects meet at a rendezvous, one sending and one receiving")
  func selectsMeet() throws {
    let runtime = try FiberRuntime()
    let meeting = Channel<Int>(capacity: 0)
    let never = Channel<Int>(capacity: 0)
    let neverEither = Channel<Int>(capacity: 0)
    let sender = try runtime.spawn {
      var offer = SelectSend(5, to: meeting)
      var other = SelectReceive(from: never)
      let choice3 = try Fiber.select(&other, &offer)
      #expect(choice3 == .second)
      return offer.isSent
    }
    let receiver = try runtime.spawn {
      var wanted = SelectReceive(from: meeting)
      var other = SelectSend(6, to: neverEither)
      let choice4 = try Fiber.select(&wanted, &other)
      #expect(choice4 == .first)
      #expect(!other.isSent && other.take() == 6)
      return wanted.take()
    }
    #expect(try receiver.join() == 5)
    #expect(try sender.join())
  }

  @Test("A select does not meet itself, but it may offer and ask at one channel")
  func sameChannel() throws {
    let runtime = try FiberRuntime()
    let channel = Channel<Int>(capacity: 0)
    let both = try runtime.spawn {
      var offer = SelectSend(1, to: channel)
      var wanted = SelectReceive(from: channel)
      let choice = try Fiber.select(&offer, &wanted)
      return choice == .first ? -1 : wanted.take()
    }
    try runtime.spawn {
      try Fiber.yield()
      try channel.send(9)
    }
    #expect(try both.join() == 9)
  }

  @Test("A closed channel is an alternative that can be done", arguments: [false, true])
  func closed(whileParked: Bool) throws {
    let runtime = try FiberRuntime()
    let source = Channel<Int>(capacity: 0)
    let sink = Channel<Int>(capacity: 0)
    if !whileParked { source.close() }
    let receiving = try runtime.spawn {
      var wanted = SelectReceive(from: source)
      var offer = SelectSend(3, to: sink)
      let choice5 = try Fiber.select(&wanted, &offer)
      #expect(choice5 == .first)
      #expect(wanted.take() == nil && !offer.isSent)
    }
    let sending = try runtime.spawn {
      try receiving.join()
      var offer = SelectSend(4, to: source)
      var other = SelectReceive(from: sink)
      let choice6 = try Fiber.select(&other, &offer)
      #expect(choice6 == .second)
      #expect(!offer.isSent && offer.take() == 4)
    }
    if whileParked { try runtime.spawn { source.close() } }
    try sending.join()
  }

  @Test("Cancelled, or out of time, a select has done nothing and leaves no trace")
  func cutShort() throws {
    var configuration = FiberRuntime.Configuration()
    configuration.hasVirtualTime = true
    let runtime = try FiberRuntime(configuration)
    let a = Channel<Int>(capacity: 0)
    let b = Channel<Int>(capacity: 0)
    let selecting = try runtime.spawn {
      var wanted = SelectReceive(from: a)
      var offer = SelectSend(1, to: b)
      #expect(throws: DeadlineExceeded.self) {
        try Fiber.withTimeout(.seconds(1)) { _ = try Fiber.select(&wanted, &offer) }
      }
      #expect(throws: FiberCancelled()) { _ = try Fiber.select(&wanted, &offer) }
      #expect(offer.take() == 1)
    }
    try runtime.spawn {
      try Fiber.sleep(for: .seconds(2))
      selecting.cancel()
      #expect(try a.trySend(5) == 5)
      #expect(try b.tryReceive() == nil)
    }
    try runtime.run()
    try selecting.join()
  }

  @Test("Elements that cannot be copied are sent or given back, and dropped once")
  func nonCopyable() throws {
    let drops = Counter()
    do {
      let runtime = try FiberRuntime()
      let a = Channel<DropToken>(capacity: 0)
      let b = Channel<DropToken>(capacity: 0)
      try runtime.spawn {
        var first = SelectSend(DropToken(drops), to: a)
        var second = SelectSend(DropToken(drops), to: b)
        let choice7 = try Fiber.select(&first, &second)
        #expect(choice7 == .second)
        #expect(!first.isSent && second.isSent)
        #expect(drops.value == 1)
        second.put(DropToken(drops))
        let choice8 = try Fiber.select(&first, &second)
        #expect(choice8 == .first)
      }
      try runtime.spawn {
        try Fiber.yield()
        let wasReceived = try b.receive() != nil
        #expect(wasReceived)
        _ = try a.receive()
      }
      try runtime.run()
    }
    #expect(drops.value == 3)
  }

  @Test("Any number of channels", arguments: [1, 2, 5, 40])
  func many(count: Int) throws {
    let runtime = try FiberRuntime()
    let channels = (0..<count).map { _ in Channel<Int>(capacity: 0) }
    let receiving = try runtime.spawn {
      var received: [Int] = []
      for _ in 0..<count {
        let (index, element) = try Fiber.select(receivingFrom: channels)
        #expect(element == index * 10)
        received.append(index)
      }
      return received.sorted()
    }
    for index in 0..<count { try runtime.spawn { try channels[index].send(index * 10) } }
    #expect(try receiving.join() == Array(0..<count))
    #expect(throws: FiberDeadlock.self) {
      try runtime.spawn(name: "stuck") { _ = try Fiber.select(receivingFrom: channels) }
      try runtime.run()
    }
  }

  @Test("Random selects, sends and receives: every element arrives once", arguments: 0..<20)
  func random(round: Int) throws {
    var seed = Seed(round < 10 ? UInt64(round) : nil)
    let runtime = try FiberRuntime()
    let channels = (0..<3).map { Channel<Int>(capacity: $0) }
    var received: [Int] = []
    var next = 0
    var sent: [Int] = []
    let receivers = FiberWaitGroup()
    for _ in 0..<4 {
      let plan = (0..<50).map { _ in Int.random(in: 0..<3, using: &seed) }
      let numbers = next..<next + 50
      next += 50
      try runtime.spawn {
        for (number, choice) in zip(numbers, plan) {
          if choice == 0 {
            try channels[number % 3].send(number)
            sent.append(number)
          } else {
            var offer = SelectSend(number, to: channels[number % 3])
            var other = SelectSend(number, to: channels[(number + 1) % 3])
            _ = try Fiber.select(&offer, &other)
            #expect(offer.isSent != other.isSent)
            sent.append(number)
          }
          if choice == 2 { try Fiber.yield() }
        }
      }
    }
    for id in 0..<3 {
      receivers.add()
      try runtime.spawn {
        defer { receivers.done() }
        var a = SelectReceive(from: channels[id])
        var b = SelectReceive(from: channels[(id + 1) % 3])
        while true {
          let element =
            switch try Fiber.select(&a, &b) {
            case .first: a.take()
            case .second: b.take()
            }
          guard let element else { return }
          received.append(element)
        }
      }
    }
    try runtime.spawn {
      while received.count < 200 { try Fiber.yield() }
      for channel in channels { channel.close() }
      try receivers.wait()
    }
    try runtime.run()
    #expect(received.sorted() == Array(0..<200), "\(seed)")
    #expect(sent.sorted() == Array(0..<200), "\(seed)")
  }

  @Test("A select allocates nothing", .enabled(if: countsAllocations))
  func allocations() throws {
    let runtime = try FiberRuntime()
    let a = Channel<Int>(capacity: 0)
    let b = Channel<Int>(capacity: 0)
    let counted = try runtime.spawn {
      var first = SelectReceive(from: a)
      var second = SelectReceive(from: b)
      func take(_ count: Int) throws {
        for _ in 0..<count {
          _ = try Fiber.select(&first, &second)
          _ = (first.take(), second.take())
        }
      }
      try take(10)
      return TestSupport.allocations { try? take(100) }
    }
    try runtime.spawn {
      for number in 0..<110 { try (number % 2 == 0 ? a : b).send(number) }
    }
    #expect(try counted.join() == 0)
  }
}
