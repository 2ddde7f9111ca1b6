import Fibers
import Synchronization
import TestSupport
import Testing

@Suite("SharedChannel between fibers, threads and tasks")
struct SharedChannelTaskTests {
  @Test("A plain thread sends to a sleeping runtime and receives from it", arguments: [1, 2, 64])
  func plainThread(capacity: Int) throws {
    let (requests, answers) = (
      SharedChannel<Int>(capacity: capacity), SharedChannel<Int>(capacity: capacity)
    )
    let thread = OwnThread { () -> Int in
      var (sent, sum) = (0, 0)
      do {
        while true {
          if sent < 500, try requests.trySend(sent) == nil {
            sent += 1
            if sent == 500 { requests.close() }
          }
          if let answer = try answers.tryReceive() { sum += answer }
        }
      } catch {
        return sum
      }
    }
    let runtime = try FiberRuntime()
    try runtime.spawn {
      for request in requests { try answers.send(2 * request) }
      answers.close()
    }
    try runtime.run()
    #expect(thread.wait() == 499 * 500)
  }

  @Test("A task sends, a fiber receives, and back", arguments: [0, 1, 2, 64])
  func tasksAndFibers(capacity: Int) async throws {
    let (requests, answers) = (
      SharedChannel<Int>(capacity: capacity), SharedChannel<Int>(capacity: capacity)
    )
    let sender = Task {
      for number in 0..<300 { try await requests.send(number) }
      requests.close()
      await #expect(throws: ChannelSendError.closed) { try await requests.send(300) }
    }
    let receiver = Task {
      var received: [Int] = []
      while let answer = try await answers.receive() { received.append(answer) }
      return received
    }
    let hasRun = await onThread {
      do {
        let runtime = try FiberRuntime()
        try runtime.spawn {
          for request in requests { try answers.send(-request) }
          answers.close()
        }
        try runtime.run()
        return true
      } catch { return false }
    }
    #expect(hasRun)
    try await sender.value
    #expect(try await receiver.value == (0..<300).map { -$0 })
  }

  @Test("Cancelling a task that waits ends the wait; the next in line is served")
  func cancelledTask() async throws {
    let channel = SharedChannel<Int>(capacity: 0)
    let receivers = (0..<2).map { _ in Task { try await channel.receive() } }
    receivers[0].cancel()
    await #expect(throws: CancellationError.self) { _ = try await receivers[0].value }
    await eventually { (try? channel.trySend(1)) == .some(nil) }
    #expect(try await receivers[1].value == 1)

    let drops = Counter()
    let parcels = SharedChannel<SharedParcel>(capacity: 0)
    let sender = Task { try await parcels.send(SharedParcel(1, drops)) }
    sender.cancel()
    await #expect(throws: CancellationError.self) { try await sender.value }
    #expect(drops.value == 1)
    #expect(parcels.count == 0)
  }

  @Test("A close ends the waits of tasks")
  func closedTask() async throws {
    let channel = SharedChannel<Int>(capacity: 0)
    let receiver = Task { try await channel.receive() }
    channel.close()
    #expect(try await receiver.value == nil)
  }

  @Test("Tasks that are cancelled while they are served lose nothing")
  func cancelRaces() async throws {
    for _ in 0..<(isSanitized ? 50 : 300) * stressFactor {
      let channel = SharedChannel<Int>(capacity: 0)
      let received = Collected<Int>()
      let receivers = (0..<3).map { _ in
        Task { if let number = try await channel.receive() { received.append(number) } }
      }
      let sender = Task { () -> [Int] in
        var sent: [Int] = []
        for number in 0..<3 where try channel.trySend(number) == nil { sent.append(number) }
        return sent
      }
      for receiver in receivers { receiver.cancel() }
      let sent = try await sender.value
      for receiver in receivers { _ = await receiver.result }
      #expect(received.all.sorted() == sent)
    }
  }
}
