import Fibers
import TestSupport
import Testing

/// A runtime in which time passes only when every fiber waits for it, from 0 on.
func virtualRuntime(_ mode: FiberRuntime.Exclusivity = .automatic) throws -> FiberRuntime {
  var configuration = FiberRuntime.Configuration()
  configuration.hasVirtualTime = true
  configuration.exclusivity = mode
  return try FiberRuntime(configuration)
}

/// Runs `body` in a fiber of a new runtime in virtual time and returns its result.
func inVirtualTime<Value>(_ body: @escaping () throws -> Value) throws -> Value {
  let runtime = try virtualRuntime()
  let fiber = try runtime.spawn(body)
  try runtime.run()
  return try fiber.join()
}

/// The nanoseconds of the running fiber's clock.
func nanosecondsNow() -> Int64 { FiberClock.now.nanoseconds }

/// Waits of every kind that never end by themselves, each at a place of its own.
enum EndlessPark: String, CaseIterable {
  case sleep, send0, send1, send3, receive0, receive1, receive3
  case mutex, condition, semaphore, group, join

  /// What a second fiber keeps, and what the wait is at.
  final class Place {
    let channels = [0, 1, 3].map { Channel<Int>(capacity: $0) }
    let mutex = FiberMutex(0)
    let free = FiberMutex(0)
    let condition = FiberCondition()
    let semaphore = FiberSemaphore(permits: 0)
    let group = FiberWaitGroup()
    /// Lets the fiber that holds the mutex, and is joined, end.
    let end = Channel<Int>(capacity: 0)
    let holder: Fiber<Void, any Error>

    init(_ runtime: FiberRuntime) throws {
      group.add()
      for channel in channels {
        for number in 0..<channel.capacity { _ = try channel.trySend(number) }
      }
      let (mutex, end) = (mutex, end)
      holder = try runtime.spawn(name: "holder") {
        try mutex.withLock { _ in _ = try end.receive() }
      }
    }

    /// Takes out what is in, for the receivers.
    func drain() throws {
      for channel in channels { while try channel.tryReceive() != nil {} }
    }
  }

  func wait(at place: Place) throws {
    switch self {
    case .sleep: try Fiber.sleep(for: .seconds(1_000_000))
    case .send0: try place.channels[0].send(100)
    case .send1: try place.channels[1].send(100)
    case .send3: try place.channels[2].send(100)
    case .receive0: _ = try place.channels[0].receive()
    case .receive1: _ = try place.channels[1].receive()
    case .receive3: _ = try place.channels[2].receive()
    case .mutex: try place.mutex.withLock { _ in _ = Issue.record("had the lock") }
    case .condition:
      try place.free.withLock { value in
        defer { #expect(place.free.isLocked) }
        try place.condition.wait(releasing: place.free, &value)
      }
    case .semaphore: try place.semaphore.acquire()
    case .group: try place.group.wait()
    case .join: try place.holder.join()
    }
  }

  var receives: Bool { rawValue.hasPrefix("receive") }

  /// Ends the wait of one fiber that waits at `place`.
  func wake(at place: Place) throws {
    switch self {
    case .sleep: break
    case .send0: #expect(try place.channels[0].tryReceive() == 100)
    case .send1: #expect(try place.channels[1].tryReceive() == 0)
    case .send3: #expect(try place.channels[2].tryReceive() == 0)
    case .receive0: #expect(try place.channels[0].trySend(7) == nil)
    case .receive1: #expect(try place.channels[1].trySend(7) == nil)
    case .receive3: #expect(try place.channels[2].trySend(7) == nil)
    case .mutex, .join: break
    case .condition: place.condition.signal()
    case .semaphore: place.semaphore.release()
    case .group: place.group.done()
    }
  }

  /// Those that somebody can wake at a moment of his choice.
  static let wakeable = allCases.filter { $0 != .sleep && $0 != .mutex && $0 != .join }
}

/// As `#expect(throws:)`, which cannot be inside another one.
func expectThrows<Wanted: Error & Equatable>(
  _ wanted: Wanted, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) {
  do {
    try body()
    Issue.record("nothing thrown", sourceLocation: sourceLocation)
  } catch {
    let found = error as? Wanted
    #expect(found == wanted, "threw \(error)", sourceLocation: sourceLocation)
  }
}

/// The body is cut short by a deadline of its own, set for so many nanoseconds if given.
func expectExceeded(
  at nanoseconds: Int64? = nil, sourceLocation: SourceLocation = #_sourceLocation,
  _ body: () throws -> Void
) {
  do {
    try body()
    Issue.record("nothing thrown", sourceLocation: sourceLocation)
  } catch let error as DeadlineExceeded {
    if let nanoseconds {
      #expect(error.deadline.nanoseconds == nanoseconds, sourceLocation: sourceLocation)
    }
  } catch {
    Issue.record("threw \(error)", sourceLocation: sourceLocation)
  }
}

/// As `#expect(a == b)`, in whose argument a `try` does not make a closure one that throws.
func expectEqual<Value: Equatable>(
  _ found: Value, _ wanted: Value, sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(found == wanted, sourceLocation: sourceLocation)
}
