import Fibers
import Glibc

/// One client: reads requests, has them answered, and decides when it is over.
///
/// Runs in a fiber of its own. All requests that one read has brought are answered by one write.
struct Connection: ~Copyable {
  let socket: IOHandle
  let worker: Worker
  /// What the worker knows of this connection.
  let entry: ConnectionEntry
  var output = OutputBuffer()
  /// What the time of day changes in answers: the worker's, as of the last look.
  private(set) var clock: ServerClock
  private var parser = RequestParser()
  // Memory of its own: a fiber that waits to read keeps it.
  private let input = UnsafeMutableRawBufferPointer.allocate(byteCount: 8 << 10, alignment: 16)
  private var requestCount = 0
  /// Whether nothing more is to be answered.
  private var isEnding = false
  private var clientHasEnded = false
  /// What was read and not looked at yet.
  private var unparsed = 0..<0

  /// How to go on.
  private enum Step {
    /// Wait for more, under a new time limit.
    case again
    /// The request wants a file, which takes as long as it takes.
    case file
    case over
  }

  init(_ socket: consuming IOHandle, _ worker: Worker, _ entry: ConnectionEntry) {
    self.socket = socket
    self.worker = worker
    self.entry = entry
    clock = worker.clock
  }

  deinit { input.deallocate() }

  /// Serves the client until it goes, or is sent away.
  mutating func serve() {
    do {
      var step = Step.again
      while step != .over {
        step = try parser.isInsideRequest ? finishRequest() : serveRequests()
        guard step == .file else { continue }
        try answerFile(parser.request, keepsAlive: !isEnding)
        if isEnding {
          try flush()
          step = .over
        }
      }
      if !clientHasEnded { try linger() }
    } catch {
      // The client has gone, was too slow to read, or idle for too long, or the server ends:
      // nobody is left who could be told.
    }
  }

  /// Answers requests until the time limit is to be set anew.
  ///
  /// Setting it costs more than a request should; so one limit stands for all waits until the next
  /// second begins, and has that second added.
  private mutating func serveRequests() throws -> Step {
    let begin = clock.second
    let limit = Duration.seconds(worker.configuration.idleSeconds + 1)
    return try Fiber.withTimeout(limit) {
      while true {
        let step = try serveInput()
        guard step == .again, clock.second == begin, !parser.isInsideRequest else {
          return step
        }
      }
    }
  }

  /// Waits for the rest of a request that has come in part, and answers it.
  private mutating func finishRequest() throws -> Step {
    let limit = Duration.seconds(worker.configuration.requestSeconds)
    do {
      return try Fiber.withTimeout(limit) {
        let answered = requestCount
        var step = Step.again
        while step == .again, requestCount == answered { step = try serveInput() }
        return step
      }
    } catch let error as DeadlineExceeded {
      // Not into the middle of an answer that the client was too slow to take.
      guard output.pending.isEmpty else { throw error }
      isEnding = true
      respond(.requestTimeout)
      try flush()
      return .over
    }
  }

  /// Reads once, and answers all requests that are complete then, up to one that wants a file.
  private mutating func serveInput() throws -> Step {
    if unparsed.isEmpty {
      try flush()
      let count = try read()
      guard count > 0 else {
        clientHasEnded = true
        return .over
      }
      look()
      unparsed = 0..<count
    }
    while !unparsed.isEmpty, !isEnding {
      let step = parser.feed(UnsafeRawBufferPointer(rebasing: input[unparsed]))
      unparsed = unparsed.lowerBound + step.used..<unparsed.upperBound
      switch step.outcome {
      case .incomplete: break
      case .request:
        requestCount &+= 1
        isEnding = !parser.request.keepsAlive || worker.phase != .serving
        if wantsFile(parser.request) { return .file }
        answer(parser.request, keepsAlive: !isEnding)
        // What has collected is sent before it grows without end.
        if output.pending.count > 4 << 10 { try flush() }
      case .refused(let status):
        isEnding = true
        respond(status)
      }
    }
    try flush()
    return isEnding ? .over : .again
  }

  /// Looks at the time.
  @inline(__always)
  private mutating func look() {
    let second = ServerClock.currentSecond()
    if second != clock.second { clock = worker.clock(at: second) }
  }

  /// Reads what is there; parks while there is nothing.
  private mutating func read() throws -> Int {
    if worker.phase == .stopping, !parser.isInsideRequest { return try readNow() }
    entry.isIdle = !parser.isInsideRequest
    defer { entry.isIdle = false }
    do throws(IOError) {
      return try socket.read(into: input)
    } catch {
      guard error.interruption?.cause == .cancel, worker.phase == .stopping else { throw error }
      return try readNow()
    }
  }

  /// Reads what came before the stop: that is still answered.
  private mutating func readNow() throws -> Int {
    try Fiber.withTimeout(.zero) { try socket.read(into: input) }
  }

  /// Writes what is pending; parks while the client does not take it.
  mutating func flush() throws {
    guard !output.pending.isEmpty else { return }
    output.written(try socket.write(output.pending))
    if !output.pending.isEmpty { try flushRest() }
  }

  /// The client takes its time: each piece has the limit for itself.
  @inline(never)
  private mutating func flushRest() throws {
    let limit = Duration.seconds(worker.configuration.requestSeconds)
    do {
      while !output.pending.isEmpty {
        try Fiber.withTimeout(limit) { output.written(try socket.write(output.pending)) }
      }
    } catch is DeadlineExceeded {
      throw SlowReader()
    }
  }

  /// Ends the connection so that the client gets what was written.
  ///
  /// Closing with unread bytes would reset it, and the client's system might then forget an answer
  /// that is still to be read.
  private mutating func linger() throws {
    try socket.shutdown(.write)
    var left = 1 << 20
    try Fiber.withTimeout(.seconds(1)) {
      while left > 0 {
        let count = try socket.read(into: input)
        if count == 0 { return }
        left -= count
      }
    }
  }
}

/// The client does not take its answer.
struct SlowReader: Error {}
