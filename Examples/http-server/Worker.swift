import Fibers
import Glibc

/// What all workers are told at their start.
struct WorkerConfiguration: Sendable {
  /// The folder, as a path without links; `nil` for the built-in page.
  var root: String?
  var requestSeconds: Int
  var idleSeconds: Int
  var stopSeconds: Int
  /// How many connections may be open at once.
  var connections: Int
}

/// One thread's share of the server: accepts connections, and knows those that are open.
final class Worker {
  enum Phase {
    case serving
    /// Requests in flight are finished.
    case stopping
    /// They have had their time.
    case givingUp
  }

  let configuration: WorkerConfiguration
  private(set) var phase = Phase.serving
  private(set) var clock = ServerClock()
  private var entries: [Int: ConnectionEntry] = [:]
  private var nextNumber = 0
  private let openConnections = FiberWaitGroup(name: "open connections")
  private let room: FiberSemaphore
  private var complaint = Complaint(every: 5)

  init(_ configuration: WorkerConfiguration) {
    self.configuration = configuration
    room = FiberSemaphore(permits: configuration.connections, name: "room for connections")
  }

  /// What the time of day changes in answers, at `second`: for connections, which keep it.
  func clock(at second: Int) -> ServerClock {
    if second != clock.second { clock.change(to: second) }
    return clock
  }

  /// Serves until `stop` can be read from, which is its end.
  ///
  /// - Parameters:
  ///   - listener: Where connections come from.
  ///   - stop: The reading end of a pipe.
  /// - Throws: What keeps it from starting.
  func run(_ listener: consuming IOHandle, stop: borrowing IOHandle) throws {
    let acceptor = try Fiber.spawn(consuming: listener, name: "accept") { [self] listener in
      accept(listener)
    }
    var byte: [UInt8] = [0]
    _ = try stop.read(into: &byte)
    phase = .stopping
    acceptor.cancel()
    try acceptor.join()
    for entry in entries.values where entry.isIdle { entry.fiber?.cancel() }
    do {
      try Fiber.withTimeout(.seconds(configuration.stopSeconds)) { try openConnections.wait() }
    } catch is DeadlineExceeded {
      Console.complain("gave up on connections that were busy: \(openConnections.count)")
      phase = .givingUp
      for entry in entries.values { entry.fiber?.cancel() }
      try openConnections.wait()
    }
  }

  /// Accepts connections until it is cancelled, and then those that came before that.
  private func accept(_ listener: consuming IOHandle) {
    do {
      while true {
        try room.acquire()
        do {
          try begin(listener.accept())
        } catch {
          room.release()
          // No descriptor, or no memory, is left: that passes when connections end.
          if (error as? any FiberInterruption)?.interruption != nil { throw error }
          complaint.tell(at: ServerClock.currentSecond()) { "cannot accept a connection: \(error)" }
          try Fiber.sleep(for: .milliseconds(100))
        }
      }
    } catch {
      // Cancelled. Clients that the system has told that they are connected are not sent away.
      try? Fiber.withTimeout(.milliseconds(10)) {
        while room.tryAcquire() { try begin(listener.accept()) }
      }
    }
  }

  /// Serves a connection in a fiber of its own; its end gives back the room it takes.
  private func begin(_ socket: consuming IOHandle) throws {
    nextNumber += 1
    let (number, entry) = (nextNumber, ConnectionEntry())
    let fiber = try Fiber.spawn(consuming: socket, name: "connection") { [self] socket in
      serve(socket, entry)
      entries[number] = nil
      room.release()
      openConnections.done()
    }
    entry.fiber = fiber.erased
    entries[number] = entry
    openConnections.add()
  }

  private func serve(_ socket: consuming IOHandle, _ entry: ConnectionEntry) {
    var connection = Connection(socket, self, entry)
    connection.serve()
  }
}

/// What a worker knows of a connection.
final class ConnectionEntry {
  var fiber: AnyFiber?
  /// Whether it waits for a request of which nothing has come.
  var isIdle = false
}
