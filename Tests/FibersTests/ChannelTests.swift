import Fibers
import TestSupport
import Testing

@Suite("Channels")
struct ChannelTests {
  static let capacities = [0, 1, 2, 3, 7, 100]

  @Test("All arrives, in order, for every capacity and element count", arguments: capacities)
  func smoke(capacity: Int) throws {
    for count in [0, 1, capacity - 1, capacity, capacity + 1, 3 * capacity + 5] where count >= 0 {
      let runtime = try virtualRuntime()
      let channel = Channel<Int>(capacity: capacity)
      #expect(channel.capacity == capacity)
      try runtime.spawn {
        for number in 0..<count {
          try channel.send(number)
          #expect(channel.count <= capacity)
        }
        channel.close()
      }
      let receiver = try runtime.spawn {
        var got: [Int] = []
        while let number = try channel.receive() { got.append(number) }
        // The end stays the end.
        #expect(try channel.receive() == nil)
        #expect(throws: ChannelClosed()) { try channel.tryReceive() }
        return got
      }
      try runtime.run()
      #expect(try receiver.join() == Array(0..<count))
    }
  }

  @Test("A sender runs ahead by the capacity and no further", arguments: capacities)
  func ahead(capacity: Int) throws {
    let runtime = try virtualRuntime()
    let channel = Channel<Int>(capacity: capacity)
    var sent = 0
    try runtime.spawn {
      for number in 0..<capacity + 10 {
        try channel.send(number)
        sent += 1
      }
    }
    try runtime.spawn {
      #expect(sent == capacity)
      #expect(channel.count == capacity)
      for number in 0..<capacity + 10 {
        #expect(try channel.receive() == number)
        // A place that got free is filled by the sender that waits.
        #expect(channel.count == min(capacity, capacity + 9 - number))
        try Fiber.yield()
        #expect(sent == min(capacity + 10, number + 1 + capacity))
      }
    }
    try runtime.run()
  }

  @Test("Senders and receivers are served in the order in which they came", arguments: capacities)
  func fifo(capacity: Int) throws {
    let runtime = try virtualRuntime()
    let channel = Channel<Int>(capacity: capacity)
    let log = Log()
    for id in 0..<10 {
      try runtime.spawn {
        log.add("\(id) got \(try channel.receive() ?? -1)")
      }
    }
    for id in 0..<10 { try runtime.spawn { try channel.send(id) } }
    try runtime.run()
    #expect(log.entries == (0..<10).map { "\($0) got \($0)" })
    for id in 0..<capacity + 10 { try runtime.spawn { try channel.send(id) } }
    try runtime.spawn {
      for id in 0..<capacity + 10 { expectEqual(try channel.receive(), id) }
    }
    try runtime.run()
  }

  @Test("trySend and tryReceive never park, also outside of fibers", arguments: capacities)
  func tries(capacity: Int) throws {
    let channel = Channel<Int>(capacity: capacity, name: "tries")
    #expect(channel.name == "tries")
    for round in 0..<3 {
      #expect(try channel.tryReceive() == nil)
      for number in 0..<capacity { #expect(try channel.trySend(number + round) == nil) }
      #expect(try channel.trySend(99) == 99)
      #expect(channel.count == capacity)
      for number in 0..<capacity { #expect(try channel.tryReceive() == number + round) }
    }
    // A receiver that waits gets it, whatever the capacity.
    let runtime = try virtualRuntime()
    let receiver = try runtime.spawn { try channel.receive() }
    #expect(throws: FiberDeadlock.self) { try runtime.run() }
    #expect(try channel.trySend(5) == nil)
    #expect(channel.count == 0)
    #expect(try receiver.join() == 5)
    // And a sender that waits gives it.
    for number in 0..<capacity { #expect(try channel.trySend(number) == nil) }
    let sender = try runtime.spawn { try channel.send(capacity) }
    #expect(throws: FiberDeadlock.self) { try runtime.run() }
    for number in 0...capacity { #expect(try channel.tryReceive() == number) }
    try sender.join()
    #expect(!channel.isClosed)
    channel.close()
    channel.close()
    #expect(channel.isClosed)
    #expect(throws: ChannelClosed()) { try channel.trySend(1) }
    #expect(throws: ChannelClosed()) { try channel.tryReceive() }
  }

  @Test("Closing: what is in can be received, then comes the end", arguments: capacities)
  func closeDrains(capacity: Int) throws {
    try inVirtualTime {
      let channel = Channel<Int>(capacity: capacity)
      for number in 0..<capacity { try channel.send(number) }
      channel.close()
      expectThrows(ChannelSendError.closed) { try channel.send(1) }
      expectThrows(ChannelClosed()) { _ = try channel.trySend(1) }
      #expect(channel.count == capacity)
      for number in 0..<capacity { #expect(try channel.receive() == number) }
      for _ in 0..<3 { #expect(try channel.receive() == nil) }
    }
  }

  @Test("Closing ends all waits: receivers get the end, senders the error", arguments: capacities)
  func closeWakes(capacity: Int) throws {
    let runtime = try virtualRuntime()
    let empty = Channel<Int>(capacity: capacity)
    let full = Channel<Int>(capacity: capacity)
    let log = Log()
    for id in 0..<3 {
      try runtime.spawn { log.add("receiver \(id): \(try empty.receive() ?? -1)") }
      try runtime.spawn {
        for number in 0...capacity where id == 0 || number == capacity {
          do throws(ChannelSendError) { try full.send(number) } catch {
            log.add("sender \(id): \(error == .closed)")
          }
        }
      }
    }
    try runtime.spawn {
      empty.close()
      full.close()
      log.add("closed")
      // Who was parked has not sent.
      #expect(full.count == capacity)
    }
    try runtime.run()
    #expect(
      log.entries == ["closed"] + (0..<3).map { "receiver \($0): -1" }
        + (0..<3).map { "sender \($0): true" })
  }

  @Test("A for loop ends when the channel is closed and drained")
  func loop() throws {
    let runtime = try virtualRuntime()
    let channel = Channel<Int>(capacity: 2)
    let sums = try (0..<3).map { _ in
      try runtime.spawn {
        var sum = 0
        for number in channel {
          sum += number
          try Fiber.yield()
        }
        try Fiber.checkCancellation()
        return sum
      }
    }
    try runtime.spawn {
      for number in 1...100 { try channel.send(number) }
      channel.close()
    }
    try runtime.run()
    #expect(try sums.map { try $0.join() }.reduce(0, +) == 5050)
  }

  @Test("A for loop ended by a cancellation: the next suspension throws it, once")
  func loopCancelled() throws {
    let runtime = try virtualRuntime()
    let channel = Channel<Int>(capacity: 1)
    let fiber = try runtime.spawn {
      for _ in channel {}
      expectThrows(FiberCancelled(.cancel)) { try Fiber.checkCancellation() }
      try Fiber.yield()
    }
    try runtime.spawn { fiber.cancel() }
    try runtime.run()
    try fiber.join()
    #expect(try channel.trySend(1) == nil && channel.count == 1)
  }

  @Test("A for loop ended by a deadline: it is the deadline's error at the next suspension")
  func loopExpired() throws {
    try inVirtualTime {
      let channel = Channel<Int>(capacity: 1)
      expectExceeded(at: 100) {
        try Fiber.withTimeout(.nanoseconds(100)) {
          for _ in channel {}
          try Fiber.yield()
          Issue.record("not thrown")
        }
      }
      try Fiber.yield()
    }
  }

  @Test("Cancelled receivers take nothing; the others get all, in order")
  func cancelledReceivers() throws {
    let runtime = try virtualRuntime()
    let channel = Channel<Int>(capacity: 0)
    let log = Log()
    let receivers = try (0..<6).map { id in
      try runtime.spawn {
        do {
          log.add("\(id) got \(try channel.receive() ?? -1)")
        } catch {
          log.add("\(id) cut")
        }
      }
    }
    try runtime.spawn {
      // First, in the middle, last; and the channel is used before they have had their turn.
      for id in [0, 3, 5] { receivers[id].cancel() }
      for number in 0..<3 { expectEqual(try channel.trySend(number), nil) }
      expectEqual(try channel.trySend(3), 3)
    }
    try runtime.run()
    #expect(
      log.entries.sorted() == ["0 cut", "1 got 0", "2 got 1", "3 cut", "4 got 2", "5 cut"])
  }

  @Test("Cancelled senders keep their elements; the others' arrive in order", arguments: [0, 1, 4])
  func cancelledSenders(capacity: Int) throws {
    let runtime = try virtualRuntime()
    let channel = Channel<Int>(capacity: capacity)
    for _ in 0..<capacity { _ = try channel.trySend(-1) }
    var kept: [Int] = []
    let senders = try (0..<6).map { id in
      try runtime.spawn {
        var slot: Int? = id
        do throws(ChannelSendError) {
          try channel.send(from: &slot)
          #expect(slot == nil)
        } catch {
          #expect(error == .cancelled(FiberCancelled(.cancel)))
          #expect(error.interruption?.cause == .cancel)
          if let slot { kept.append(slot) }
        }
      }
    }
    try runtime.spawn {
      for id in [0, 3, 5] { senders[id].cancel() }
      var got: [Int] = []
      while let number = try channel.tryReceive() { got.append(number) }
      #expect(got == Array(repeating: -1, count: capacity) + [1, 2, 4])
    }
    try runtime.run()
    #expect(kept == [0, 3, 5])
  }

  @Test("Served first, cancelled or closed in the same turn: it stays served")
  func servedFirst() throws {
    for closes in [false, true] {
      let runtime = try virtualRuntime()
      let channel = Channel<Int>(capacity: 0)
      let receiver = try runtime.spawn {
        let got = try channel.receive()
        if !closes { expectThrows(FiberCancelled(.cancel)) { try Fiber.yield() } }
        return got
      }
      let sender = try runtime.spawn {
        try channel.send(1)  // finds the receiver waiting
        try channel.send(2)
        if !closes { expectThrows(FiberCancelled(.cancel)) { try Fiber.yield() } }
      }
      try runtime.spawn {
        if closes { channel.close() } else { receiver.cancel() }
      }
      if closes {
        try runtime.run()
        #expect(throws: ChannelSendError.closed) { try sender.join() }
      } else {
        try runtime.spawn {
          expectEqual(try channel.tryReceive(), 2)
          sender.cancel()
        }
        try runtime.run()
        try sender.join()
      }
      #expect(try receiver.join() == 1)
    }
  }

  @Test("Cut short first, served or closed in the same turn: it was not served")
  func cutFirst() throws {
    for closes in [false, true] {
      let runtime = try virtualRuntime()
      let channel = Channel<Int>(capacity: 0)
      let receiver = try runtime.spawn { try channel.receive() }
      try runtime.spawn {
        receiver.cancel()
        if closes { channel.close() } else { expectEqual(try channel.trySend(1), 1) }
      }
      try runtime.run()
      #expect(throws: FiberCancelled(.cancel)) { try receiver.join() }
    }
  }

  @Test("A cancellation that is pending before a send or receive is thrown only where it waits")
  func pending() throws {
    try inVirtualTime {
      let channel = Channel<Int>(capacity: 1)
      Fiber.current?.cancel()
      try channel.send(1)
      #expect(try channel.receive() == 1)
      expectThrows(FiberCancelled(.cancel)) { _ = try channel.receive() }
      // It has left no trace in the queue.
      try channel.send(2)
      #expect(channel.count == 1)
    }
  }

  @Test("A channel between the fibers of two runtimes of a thread")
  func twoRuntimes() throws {
    let first = try virtualRuntime()
    let second = try virtualRuntime()
    let channel = Channel<Int>(capacity: 0)
    let receiver = try first.spawn { try channel.receive() }
    #expect(throws: FiberDeadlock.self) { try first.run() }
    try second.spawn { try channel.send(9) }
    try second.run()
    #expect(try receiver.join() == 9)
  }
}

/// An element that is dropped once, and says when.
struct Parcel: ~Copyable {
  let number: Int
  private let token: DropToken

  init(_ number: Int, _ drops: Counter) {
    self.number = number
    token = DropToken(drops)
  }
}

/// The number of a parcel, which stays where it is.
func number(of parcel: borrowing Parcel?) -> Int? {
  switch parcel {
  case .some(let parcel): parcel.number
  case .none: nil
  }
}

@Suite("Channels of elements that cannot be copied")
struct ParcelTests {
  @Test("Each arrives once and is dropped once", arguments: ChannelTests.capacities)
  func smoke(capacity: Int) throws {
    let drops = Counter()
    let runtime = try virtualRuntime()
    let channel = Channel<Parcel>(capacity: capacity)
    try runtime.spawn {
      for number in 0..<50 { try channel.send(Parcel(number, drops)) }
      channel.close()
    }
    try runtime.spawn {
      var expected = 0
      while let parcel = try channel.receive() {
        #expect(parcel.number == expected)
        expected += 1
        #expect(drops.value == expected - 1)
      }
      #expect(expected == 50)
    }
    try runtime.run()
    #expect(drops.value == 50)
  }

  @Test("A channel that goes drops what is in it", arguments: [0, 1, 2, 5, 8], [0, 1, 3])
  func dropped(capacity: Int, offset: Int) throws {
    let drops = Counter()
    do {
      let channel = Channel<Parcel>(capacity: capacity)
      // The ring's beginning is somewhere in the middle.
      for _ in 0..<offset where capacity > 0 {
        _ = try channel.trySend(Parcel(0, drops))
        _ = try channel.tryReceive()
      }
      let before = drops.value
      for number in 0..<capacity { _ = try channel.trySend(Parcel(number, drops)) }
      #expect(drops.value == before)
    }
    #expect(drops.value == capacity + (capacity > 0 ? offset : 0))
  }

  @Test("What was not sent: send drops it, send(from:) and trySend keep it")
  func notSent() throws {
    let drops = Counter()
    try inVirtualTime {
      let channel = Channel<Parcel>(capacity: 1)
      try channel.send(Parcel(0, drops))
      expectExceeded {
        try Fiber.withTimeout(.nanoseconds(5)) { try channel.send(Parcel(1, drops)) }
      }
      #expect(drops.value == 1)
      var slot: Parcel? = Parcel(2, drops)
      expectExceeded { try Fiber.withTimeout(.nanoseconds(5)) { try channel.send(from: &slot) } }
      #expect(number(of: slot) == 2 && drops.value == 1)
      slot = try channel.trySend(slot.take() ?? Parcel(-1, drops))
      #expect(number(of: slot) == 2 && drops.value == 1)
      channel.close()
      expectThrows(ChannelSendError.closed) { try channel.send(from: &slot) }
      #expect(number(of: slot) == 2 && drops.value == 1)
      expectThrows(ChannelSendError.closed) { try channel.send(Parcel(3, drops)) }
      #expect(drops.value == 2)
      expectThrows(ChannelClosed()) { _ = try channel.trySend(Parcel(4, drops)) }
      #expect(drops.value == 3)
      slot = nil
      #expect(drops.value == 4)
    }
    #expect(drops.value == 5)
  }

  @Test("Parked senders and receivers that are cancelled, closed, or shut down lose nothing")
  func cutShort() throws {
    for way in 0..<4 {
      let drops = Counter()
      let made = Counter()
      do {
        let runtime = try virtualRuntime()
        let channel = Channel<Parcel>(capacity: way % 2)
        var senders: [Fiber<Void, ChannelSendError>] = []
        for number in 0..<6 {
          senders.append(
            try runtime.spawn { () throws(ChannelSendError) in
              made.add()
              try channel.send(Parcel(number, drops))
            })
        }
        #expect(throws: FiberDeadlock.self) { try runtime.run() }
        #expect(drops.value == 0)
        switch way {
        case 0: for sender in senders { sender.cancel() }
        case 1: channel.close()
        case 2:
          senders[2].cancel()
          let parcel = try channel.tryReceive()
          expectEqual(number(of: parcel), 0)
        default: runtime.shutdown()
        }
        _ = try? runtime.run()
      }
      #expect(made.value == 6)
      #expect(drops.value == 6, "way \(way)")
    }
  }

  @Test("A select-free mix of all ways, many times: dropped exactly once each", arguments: 0..<10)
  func mixed(round: Int) throws {
    var seed = Seed(UInt64(round))
    let drops = Counter()
    let made = Counter()
    do {
      let runtime = try virtualRuntime()
      let channel = Channel<Parcel>(capacity: round % 4)
      let choices = (0..<200).map { _ in Int.random(in: 0..<100, using: &seed) }
      for (id, choice) in choices.enumerated() {
        let fiber = try runtime.spawn {
          try Fiber.sleep(for: .nanoseconds(choice))
          try Fiber.withTimeout(.nanoseconds(choice % 7 * 5 + 1)) {
            if id % 2 == 0 {
              made.add()
              try channel.send(Parcel(id, drops))
            } else {
              _ = try channel.receive()
            }
          }
        }
        if choice % 5 == 0 {
          try runtime.spawn {
            try Fiber.sleep(for: .nanoseconds(choice + 3))
            fiber.cancel()
          }
        }
      }
      try runtime.spawn {
        try Fiber.sleep(for: .nanoseconds(95))
        channel.close()
      }
      try runtime.run()
    }
    #expect(made.value > 20)
    #expect(drops.value == made.value)
  }
}
