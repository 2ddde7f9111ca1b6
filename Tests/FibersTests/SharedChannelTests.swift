import Fibers
import TestSupport
import Testing

private let capacities = [0, 1, 2, 3, 64]

/// A non-copyable element that counts its end.
struct SharedParcel: ~Copyable, Sendable {
  let number: Int
  private let token: DropToken

  init(_ number: Int, _ drops: Counter) {
    self.number = number
    token = DropToken(drops)
  }
}

@Suite("SharedChannel in one runtime")
struct SharedChannelTests {
  @Test("Elements arrive in order, then comes the end", arguments: capacities)
  func inOrder(capacity: Int) throws {
    let channel = SharedChannel<Int>(capacity: capacity, name: "numbers")
    #expect(channel.capacity == capacity && channel.name == "numbers")
    let runtime = try FiberRuntime()
    try runtime.spawn {
      for number in 0..<300 { try channel.send(number) }
      channel.close()
      channel.close()
      #expect(throws: ChannelSendError.closed) { try channel.send(300) }
    }
    var received: [Int] = []
    try runtime.spawn {
      while let number = try channel.receive() {
        received.append(number)
        #expect(channel.count <= capacity)
      }
      #expect(try channel.receive() == nil)
    }
    try runtime.run()
    #expect(received == Array(0..<300))
    #expect(channel.isClosed && channel.count == 0)
  }

  @Test("trySend fills exactly the capacity, tryReceive drains it", arguments: capacities)
  func tryOperations(capacity: Int) throws {
    let channel = SharedChannel<Int>(capacity: capacity)
    for round in 0..<3 {
      for number in 0..<capacity {
        #expect(channel.count == number)
        #expect(try channel.trySend(number + round) == nil)
      }
      #expect(try channel.trySend(99) == 99)
      #expect(channel.count == capacity)
      for number in 0..<capacity { #expect(try channel.tryReceive() == number + round) }
      #expect(try channel.tryReceive() == nil)
    }
    for number in 0..<capacity { _ = try channel.trySend(number) }
    channel.close()
    #expect(throws: ChannelClosed.self) { _ = try channel.trySend(1) }
    for number in 0..<capacity { #expect(try channel.tryReceive() == number) }
    #expect(throws: ChannelClosed.self) { _ = try channel.tryReceive() }
  }

  @Test("Receivers that wait are served in the order in which they came", arguments: capacities)
  func receiversInOrder(capacity: Int) throws {
    let channel = SharedChannel<Int>(capacity: capacity)
    let runtime = try FiberRuntime()
    let fibers = try (0..<5).map { _ in try runtime.spawn { try channel.receive() } }
    try runtime.spawn { () throws in
      fibers[1].cancel()
      try Fiber.yield()
      for number in 0..<4 { #expect(try channel.trySend(number) == nil) }
      #expect(channel.count == 0)
    }
    try runtime.run()
    #expect(throws: FiberCancelled.self) { try fibers[1].join() }
    #expect(try [0, 2, 3, 4].map { try fibers[$0].join() } == [0, 1, 2, 3])
  }

  @Test("Senders that wait are served in the order in which they came", arguments: capacities)
  func sendersInOrder(capacity: Int) throws {
    let channel = SharedChannel<Int>(capacity: capacity)
    for _ in 0..<capacity { _ = try channel.trySend(-1) }
    let runtime = try FiberRuntime()
    let fibers = try (0..<5).map { number in try runtime.spawn { try channel.send(number) } }
    var received: [Int] = []
    try runtime.spawn {
      fibers[2].cancel()
      try Fiber.yield()
      for _ in 0..<capacity + 4 { received.append(try channel.tryReceive() ?? -2) }
      #expect(try channel.tryReceive() == nil)
    }
    try runtime.run()
    #expect(throws: ChannelSendError.cancelled(FiberCancelled())) { try fibers[2].join() }
    #expect(received == Array(repeating: -1, count: capacity) + [0, 1, 3, 4])
  }

  @Test("A close ends all waits: senders keep their element, receivers get the end")
  func closeEndsWaits() throws {
    let runtime = try FiberRuntime()
    let empty = SharedChannel<Int>(capacity: 2)
    let full = SharedChannel<Int>(capacity: 1)
    _ = try full.trySend(7)
    let receivers = try (0..<3).map { _ in try runtime.spawn { try empty.receive() } }
    let senders = try (0..<3).map { number in
      try runtime.spawn {
        var slot: Int? = number
        #expect(throws: ChannelSendError.closed) { try full.send(from: &slot) }
        return slot
      }
    }
    try runtime.spawn {
      empty.close()
      full.close()
    }
    try runtime.run()
    for receiver in receivers { #expect(try receiver.join() == nil) }
    #expect(try senders.map { try $0.join() } == [0, 1, 2])
    #expect(try full.tryReceive() == 7)
    #expect(throws: ChannelClosed.self) { _ = try full.tryReceive() }
  }

  @Test("A cancelled sender keeps its element; a sent one leaves the slot")
  func slots() throws {
    let runtime = try FiberRuntime()
    let channel = SharedChannel<Int>(capacity: 1)
    let fiber = try runtime.spawn {
      var slot: Int? = 1
      try channel.send(from: &slot)
      #expect(slot == nil)
      slot = 2
      #expect(throws: ChannelSendError.cancelled(FiberCancelled())) {
        try channel.send(from: &slot)
      }
      return slot
    }
    try runtime.spawn { fiber.cancel() }
    try runtime.run()
    #expect(try fiber.join() == 2)
    #expect(try channel.tryReceive() == 1)
    #expect(try channel.tryReceive() == nil)
  }

  @Test("Served and cancelled at once: it was served, and the cancellation stays pending")
  func servedThenCancelled() throws {
    let runtime = try FiberRuntime()
    let channel = SharedChannel<Int>(capacity: 0)
    let receiver = try runtime.spawn {
      let got = try channel.receive()
      #expect(throws: FiberCancelled.self) { try Fiber.checkCancellation() }
      try Fiber.checkCancellation()
      return got
    }
    try runtime.spawn { () throws in
      #expect(try channel.trySend(5) == nil)
      receiver.cancel()
    }
    try runtime.run()
    #expect(try receiver.join() == 5)
  }

  @Test("Cancelled, and served before its turn comes: it was served, too")
  func cancelledThenServed() throws {
    let runtime = try FiberRuntime()
    let channel = SharedChannel<Int>(capacity: 0)
    let sender = try runtime.spawn {
      try channel.send(5)
      #expect(throws: FiberCancelled.self) { try Fiber.checkCancellation() }
    }
    try runtime.spawn { () throws in
      sender.cancel()
      #expect(try channel.tryReceive() == 5)
    }
    try runtime.run()
    try sender.join()
  }

  @Test("A fiber cancelled before it waits gives up without losing its place's successor")
  func cancelledBefore() throws {
    let runtime = try FiberRuntime()
    let channel = SharedChannel<Int>(capacity: 1)
    let fiber = try runtime.spawn {
      Fiber.current?.cancel()
      // Need not wait: delivers nothing.
      try channel.send(1)
      #expect(throws: ChannelSendError.cancelled(FiberCancelled())) { try channel.send(2) }
      #expect(try channel.receive() == 1)
      try channel.send(3)
    }
    try runtime.run()
    try fiber.join()
    #expect(try channel.tryReceive() == 3)
    #expect(try channel.tryReceive() == nil)
  }

  @Test("A loop ends at the close, or at a cancellation that stays pending")
  func loops() throws {
    let runtime = try FiberRuntime()
    let channel = SharedChannel<Int>(capacity: 4)
    var (cancelled, drained) = ([Int](), [Int]())
    let first = try runtime.spawn {
      for number in channel { cancelled.append(number) }
      try Fiber.checkCancellation()
    }
    try runtime.spawn {
      try channel.send(1)
      try Fiber.yield()
      first.cancel()
      try Fiber.yield()
      for number in 2..<9 { try channel.send(number) }
      channel.close()
    }
    try runtime.spawn {
      while first.status != .finished { try Fiber.yield() }
      for number in channel { drained.append(number) }
      try Fiber.checkCancellation()
    }
    try runtime.run()
    #expect(throws: FiberCancelled.self) { try first.join() }
    #expect(cancelled == [1] && drained == Array(2..<9))
  }

  @Test("A shutdown ends waits")
  func shutdown() throws {
    let channel = SharedChannel<Int>(capacity: 0)
    var ended = 0
    do {
      let runtime = try FiberRuntime()
      for _ in 0..<3 {
        try runtime.spawn {
          defer { ended += 1 }
          _ = try channel.receive()
        }
      }
      try runtime.spawn {}.join()
      runtime.shutdown()
    }
    #expect(ended == 3)
    #expect(try channel.trySend(1) == 1, "nobody waits any more")
  }

  @Test("A fiber that never has to wait lets the others of its runtime have turns")
  func takesTurns() throws {
    let runtime = try FiberRuntime()
    let channel = SharedChannel<Int>(capacity: 2)
    var turns = 0
    var isBusy = true
    try runtime.spawn {
      for number in 0..<1_000 {
        try channel.send(number)
        #expect(try channel.receive() == number)
      }
      isBusy = false
    }
    try runtime.spawn {
      while isBusy {
        turns += 1
        try Fiber.yield()
      }
    }
    try runtime.run()
    #expect(turns >= 20)
  }

  @Test("Each non-copyable element is dropped exactly once", arguments: capacities)
  func drops(capacity: Int) throws {
    let (made, drops) = (Counter(), Counter())
    var received = 0
    do {
      let channel = SharedChannel<SharedParcel>(capacity: capacity)
      let runtime = try FiberRuntime()
      let sender = try runtime.spawn {
        for number in 0..<200 {
          made.add()
          try channel.send(SharedParcel(number, drops))
        }
      }
      try runtime.spawn {
        while received < 50, let parcel = try channel.receive() {
          #expect(parcel.number == received)
          received += 1
        }
        sender.cancel()
      }
      try runtime.run()
      // Those received, and the one whose send was cancelled.
      #expect(drops.value == received + 1)
      #expect(channel.count == made.value - drops.value)
      made.add()
      channel.close()
      #expect(throws: ChannelClosed.self) { _ = try channel.trySend(SharedParcel(0, drops)) }
      #expect(drops.value == received + 2)
    }
    #expect(drops.value == made.value)
  }

  @Test("Elements of all sizes and alignments", arguments: capacities)
  func kinds(capacity: Int) throws {
    try roundTrip(capacity, (0..<20).map { "a string that needs the heap, number \($0)" })
    try roundTrip(capacity, (0..<20).map { UInt8($0) })
    try roundTrip(capacity, (0..<20).map { SIMD16<Float>(repeating: Float($0)) })
    try roundTrip(capacity, (0..<20).map { $0 % 3 == 0 ? nil : $0 } as [Int?])
    try roundTrip(capacity, (0..<20).map { Array(repeating: $0, count: $0) })
  }

  func roundTrip<Element: Equatable & Sendable>(_ capacity: Int, _ elements: [Element]) throws {
    let channel = SharedChannel<Element>(capacity: capacity)
    let runtime = try FiberRuntime()
    var received: [Element] = []
    try runtime.spawn { for element in channel { received.append(element) } }
    try runtime.spawn {
      for element in elements { try channel.send(element) }
      channel.close()
    }
    try runtime.run()
    #expect(received == elements)
  }

  @Test("No allocations after the first waits", arguments: capacities)
  func allocatesNothing(capacity: Int) throws {
    guard countsAllocations, !isDebugBuild else { return }
    let runtime = try FiberRuntime()
    let channel = SharedChannel<Int>(capacity: capacity)
    var sum = 0
    try runtime.spawn { for number in 0..<2_000 { try channel.send(number) } }
    try runtime.spawn {
      for _ in 0..<1_000 { sum += try channel.receive() ?? 0 }
      let count = allocations {
        for _ in 0..<500 { sum += (try? channel.receive()) ?? 0 }
        for _ in 0..<400 { _ = try? channel.tryReceive() }
      }
      #expect(count == 0)
      channel.close()
    }
    try runtime.run()
    #expect(sum == 1_499 * 750)
  }

  @Test("Errors say what has happened")
  func descriptions() {
    #expect("\(ChannelClosed())" == "the channel is closed")
    #expect("\(ChannelSendError.closed)".contains("closed"))
    #expect("\(ChannelSendError.cancelled(FiberCancelled()))".contains("cancelled"))
  }
}

@Suite("SharedChannel used wrongly: says what to do")
struct SharedChannelDeathTests {
  @Test("Sending outside of a fiber")
  func sendOutside() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      try synchronously { try SharedChannel<Int>(capacity: 1).send(1) }
    }
    #expect(said(result, "SharedChannel.send: called outside of a fiber"))
  }

  @Test("Receiving outside of a fiber")
  func receiveOutside() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      try synchronously { _ = try SharedChannel<Int>(capacity: 1).receive() }
    }
    #expect(said(result, "SharedChannel.receive: called outside of a fiber"))
  }

  @Test("Sending from an empty slot")
  func emptySlot() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      try synchronously {
        let runtime = try FiberRuntime()
        let channel = SharedChannel<Int>(capacity: 1)
        try runtime.spawn {
          var slot: Int? = nil
          try channel.send(from: &slot)
        }
        try runtime.run()
      }
    }
    #expect(said(result, "SharedChannel.send: the slot is empty"))
  }

  @Test("A negative capacity")
  func negative() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      _ = SharedChannel<Int>(capacity: -1)
    }
    #expect(said(result, "SharedChannel: the capacity must be 0 or more, not -1"))
  }
}

private func said(_ result: ExitTest.Result?, _ words: String) -> Bool {
  guard let result else { return false }
  return String(decoding: result.standardErrorContent, as: UTF8.self).contains(words)
}
