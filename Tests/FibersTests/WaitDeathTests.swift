import Fibers
import TestSupport
import Testing

/// Wrong uses of what fibers wait for: each stops with a message that says what to do.
@Suite("Misuse of channels, locks and time")
struct WaitDeathTests {
  enum Misuse: String, CaseIterable, Codable {
    case relock, relockNested, waitUnheld, doneTwice, addNegative, releaseZero, negativePermits
    case negativeCapacity, emptySlot, sendOutside, receiveOutside, sleepOutside, lockOutside
    case acquireOutside, groupOutside, deadlineOutside, otherThreadChannel, otherThreadMutex
    case otherThreadSemaphore, zeroTicker, overflowingPermits

    var message: String {
      switch self {
      case .relock, .relockNested: "FiberMutex.withLock: the fiber holds this lock already"
      case .waitUnheld: "FiberCondition.wait: the fiber does not hold the mutex"
      case .doneTwice: "FiberWaitGroup.done: called more often than work was added"
      case .addNegative: "FiberWaitGroup.add: add 0 or more, not -1"
      case .releaseZero: "FiberSemaphore.release: give back 1 permit or more, not 0"
      case .negativePermits: "FiberSemaphore: the permits must not be negative, but are -1"
      case .negativeCapacity: "Channel: the capacity must not be negative"
      case .emptySlot: "Channel.send(from:): there is no element in the slot"
      case .sendOutside: "Channel.send: called outside of a fiber"
      case .receiveOutside: "Channel.receive: called outside of a fiber"
      case .sleepOutside: "Fiber.sleep: called outside of a fiber"
      case .lockOutside: "FiberMutex.withLock: called outside of a fiber"
      case .acquireOutside: "FiberSemaphore.acquire: called outside of a fiber"
      case .groupOutside: "FiberWaitGroup.wait: called outside of a fiber"
      case .deadlineOutside: "Fiber.withDeadline: called outside of a fiber"
      case .otherThreadChannel: "Channel.trySend: the channel belongs to another thread"
      case .otherThreadMutex: "FiberMutex.withLock: used on another thread"
      case .otherThreadSemaphore: "FiberSemaphore.release: used on another thread"
      case .zeroTicker: "FiberTicker: ticks need a nanosecond between them"
      case .overflowingPermits: "FiberSemaphore.release: more permits than Int can count"
      }
    }

    /// Does it, in a process of its own.
    func commit() throws {
      let mutex = FiberMutex(0)
      switch self {
      case .relock: try inFiber { try mutex.withLock { _ in try mutex.withLock { _ in } } }
      case .relockNested:
        // Also when others wait for it, and after it was handed over.
        let runtime = try FiberRuntime()
        for _ in 0..<3 {
          try runtime.spawn {
            try mutex.withLock { _ in
              try Fiber.yield()
              try mutex.withLock { _ in }
            }
          }
        }
        try runtime.run()
      case .waitUnheld:
        try inFiber {
          var value = 0
          try FiberCondition().wait(releasing: mutex, &value)
        }
      case .doneTwice: FiberWaitGroup().done()
      case .addNegative: FiberWaitGroup().add(-1)
      case .releaseZero: FiberSemaphore(permits: 0).release(0)
      case .negativePermits: _ = FiberSemaphore(permits: -1)
      case .negativeCapacity: _ = Channel<Int>(capacity: -1)
      case .emptySlot:
        var slot: Int?
        try Channel<Int>(capacity: 1).send(from: &slot)
      case .sendOutside: try Channel<Int>(capacity: 0).send(1)
      case .receiveOutside: _ = try Channel<Int>(capacity: 1).receive()
      case .sleepOutside: try Fiber.sleep(for: .seconds(1))
      case .lockOutside: try mutex.withLock { _ in }
      case .acquireOutside: try FiberSemaphore(permits: 0).acquire()
      case .groupOutside: try FiberWaitGroup().wait()
      case .deadlineOutside: try Fiber.withTimeout(.seconds(1)) {}
      case .otherThreadChannel:
        let channel = Smuggled(Channel<Int>(capacity: 1))
        onOwnThread { _ = try? channel.value.trySend(1) }
      case .otherThreadMutex:
        let mutex = Smuggled(mutex)
        onOwnThread { try? inFiber { try mutex.value.withLock { _ in } } }
      case .otherThreadSemaphore:
        let semaphore = Smuggled(FiberSemaphore(permits: 0))
        onOwnThread { semaphore.value.release() }
      case .zeroTicker: _ = FiberTicker(every: .zero)
      case .overflowingPermits: FiberSemaphore(permits: .max).release()
      }
    }
  }

  /// What must not go to another thread, gone there.
  private struct Smuggled<Value>: @unchecked Sendable {
    // @unchecked: that it is wrong is what is tested.
    let value: Value
    init(_ value: Value) { self.value = value }
  }

  @Test("Each misuse stops with its message", arguments: Misuse.allCases)
  func stops(misuse: Misuse) async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) { [misuse = misuse as Misuse] in
      try synchronously { try misuse.commit() }
    }
    let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(text.contains(misuse.message), "\(text.prefix(2000))")
  }
}
