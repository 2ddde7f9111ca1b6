import Fibers
import Synchronization
import TestSupport
import Testing

/// Two runtimes on two threads, several senders and receivers, and what is done to them.
@Suite("SharedChannel between two runtimes")
struct SharedChannelStressTests {
  static var messages: Int { isSanitized ? 20_000 : isDebugBuild ? 200_000 : 1_000_000 }

  @Test("Each of a million messages arrives once, in its sender's order", arguments: [0, 1, 2, 64])
  func all(capacity: Int) throws {
    // A rendezvous of threads is two sleeps a message.
    let perSender = Self.messages * stressFactor / 4 / (capacity < 64 ? 10 : 1)
    let channel = SharedChannel<Int>(capacity: capacity)
    let left = Atomic<Int>(4)
    let senders = OwnThread { () -> Bool in
      run { runtime in
        for sender in 0..<4 {
          try runtime.spawn {
            for number in 0..<perSender { try channel.send(sender << 32 | number) }
            if left.subtract(1, ordering: .sequentiallyConsistent).newValue == 0 { channel.close() }
          }
        }
      }
    }
    // One receiver sees the order; the others would mix.
    var next = [0, 0, 0, 0]
    var isOrdered = true
    let ended = run { runtime in
      try runtime.spawn {
        for message in channel {
          let (sender, number) = (message >> 32, message & 0xffff_ffff)
          if next[sender] != number { isOrdered = false }
          next[sender] += 1
        }
      }
    }
    #expect(senders.wait() && ended)
    #expect(isOrdered)
    #expect(next == Array(repeating: perSender, count: 4))
  }

  @Test("With cancels and a close at any time, what was sent arrives", arguments: [0, 1, 3, 64])
  func races(capacity: Int) throws {
    var seed = Seed()
    for round in 0..<(isSanitized ? 4 : 10) * stressFactor {
      let drops = Counter()
      let made = Counter()
      let channel = SharedChannel<SharedParcel>(capacity: capacity)
      let (sendSeed, receiveSeed) = (seed.next(), seed.next())
      // Even rounds end by a close in the middle of it all, odd ones when all senders are done.
      let limit = Self.messages / (capacity < 64 ? 400 : 100)
      let closesEarly = round % 2 == 0
      let senders = OwnThread { () -> [Int] in
        sentNumbers(channel, made, drops, limit, closesEarly, sendSeed)
      }
      let received = receivedNumbers(channel, receiveSeed)
      let sent = senders.wait()
      var rest: [Int] = []
      // A close between a cancelled receiver's last wait and the end leaves elements in the cells.
      while let parcel = try? channel.tryReceive() { rest.append(parcel.number) }
      #expect((received + rest).sorted() == sent.sorted(), "\(seed)")
      #expect(drops.value == made.value, "\(seed)")
    }
  }

  @Test("Many runtimes on one channel, with capacity for few")
  func manyRuntimes() {
    let channel = SharedChannel<Int>(capacity: 2)
    let count = isSanitized ? 500 : 5_000
    let senders = (0..<3).map { thread in
      OwnThread { () -> Bool in
        run { runtime in
          for fiber in 0..<2 {
            try runtime.spawn {
              for number in 0..<count { try channel.send((thread * 2 + fiber) * count + number) }
            }
          }
        }
      }
    }
    let receivers = (0..<2).map { _ in
      OwnThread { () -> [Int] in
        var received: [Int] = []
        _ = run { runtime in
          for _ in 0..<2 { try runtime.spawn { for number in channel { received.append(number) } } }
        }
        return received
      }
    }
    for sender in senders { #expect(sender.wait()) }
    channel.close()
    #expect(receivers.flatMap { $0.wait() }.sorted() == Array(0..<6 * count))
  }
}

/// Runs a runtime on the calling thread; whether all its fibers have ended.
private func run(_ spawn: (FiberRuntime) throws -> Void) -> Bool {
  do {
    let runtime = try FiberRuntime()
    try spawn(runtime)
    try runtime.run()
    return true
  } catch {
    return false
  }
}

/// Sends from four fibers that are cancelled at random.
///
/// - Returns: What was sent.
private func sentNumbers(
  _ channel: SharedChannel<SharedParcel>, _ made: Counter, _ drops: Counter, _ limit: Int,
  _ closesEarly: Bool, _ seed: UInt64
) -> [Int] {
  var sent: [Int] = []
  var seed = Seed(seed)
  _ = run { runtime in
    var busy = 4
    let fibers = try (0..<4).map { sender in
      try runtime.spawn {
        defer { busy -= 1 }
        for number in 0..<limit {
          let id = sender * limit + number
          made.add()
          var slot: SharedParcel? = SharedParcel(id, drops)
          do throws(ChannelSendError) {
            try channel.send(from: &slot)
            sent.append(id)
            if slot != nil { sent.append(-1) }
          } catch {
            if slot?.number != id { sent.append(-2) }
            if error == .closed { return }
          }
        }
      }
    }
    try runtime.spawn {
      while busy > 0 {
        fibers[Int.random(in: 0..<4, using: &seed)].cancel()
        for _ in 0..<Int.random(in: 0..<4, using: &seed) { try Fiber.yield() }
        if closesEarly, sent.count > limit { channel.close() }
      }
      channel.close()
    }
  }
  return sent
}

/// Receives in three fibers that are cancelled at random.
private func receivedNumbers(_ channel: SharedChannel<SharedParcel>, _ seed: UInt64) -> [Int] {
  var received: [Int] = []
  var seed = Seed(seed)
  _ = run { runtime in
    var busy = 3
    let fibers = try (0..<3).map { _ in
      try runtime.spawn {
        defer { busy -= 1 }
        while true {
          do throws(FiberCancelled) {
            guard let parcel = try channel.receive() else { return }
            received.append(parcel.number)
          } catch {}
        }
      }
    }
    try runtime.spawn {
      while busy > 0 {
        fibers[Int.random(in: 0..<3, using: &seed)].cancel()
        for _ in 0..<Int.random(in: 0..<4, using: &seed) { try Fiber.yield() }
      }
    }
  }
  return received
}
