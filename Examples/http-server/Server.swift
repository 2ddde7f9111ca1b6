import Fibers
import Glibc

/// Does what the command line asks for.
///
/// - Returns: The exit status.
func runServer(_ arguments: [String]) -> Int32 {
  let options: ServerOptions
  do throws(UsageError) {
    switch try parseCommand(arguments) {
    case .help:
      Console.write(helpText)
      return 0
    case .serve(let wanted): options = wanted
    }
  } catch {
    Console.complain("\(error.message)\nTry 'http-server --help'.")
    return 2
  }
  // Whoever reads what is printed here may go.
  signal(SIGPIPE, SIG_IGN)
  do {
    let configuration = try makeConfiguration(options, descriptors: raiseDescriptorLimit())
    let runtime = try FiberRuntime()
    let server = try runtime.spawn(name: "server") { try serve(options, configuration) }
    try runtime.run()
    try server.join()
    return 0
  } catch {
    Console.complain("\(error)")
    return 1
  }
}

/// What keeps the server from starting.
struct StartError: Error, CustomStringConvertible {
  let description: String
}

/// Lets the process have as many descriptors as it may.
///
/// - Returns: How many that is.
private func raiseDescriptorLimit() -> Int {
  let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
  var limit = rlimit()
  guard getrlimit(resource, &limit) == 0 else { return 1024 }
  var raised = limit
  raised.rlim_cur = limit.rlim_max
  if setrlimit(resource, &raised) == 0 { limit = raised }
  return Int(clamping: limit.rlim_cur)
}

private func makeConfiguration(
  _ options: ServerOptions, descriptors: Int
) throws(StartError) -> WorkerConfiguration {
  // An eighth of the descriptors is left for files and all else.
  let connections = options.connections ?? (descriptors - descriptors / 8)
  return WorkerConfiguration(
    root: try options.folder.map(findFolder), requestSeconds: options.requestSeconds,
    idleSeconds: options.idleSeconds, stopSeconds: options.stopSeconds,
    connections: max(1, connections / options.threads))
}

/// The path of a folder, without links.
private func findFolder(_ name: String) throws(StartError) -> String {
  guard let path = realpath(name, nil) else {
    throw StartError(description: "'\(name)': \(String(cString: strerror(errno)))")
  }
  defer { free(path) }
  var status = stat()
  guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
    throw StartError(description: "'\(name)' is not a folder")
  }
  guard let text = String(validatingCString: path) else {
    throw StartError(description: "the path of '\(name)' is not UTF-8")
  }
  return text
}

/// Starts a worker for each thread, and one here; ends when all have ended.
private func serve(_ options: ServerOptions, _ configuration: WorkerConfiguration) throws {
  let addresses = try SocketAddress.resolve(options.host, port: options.port)
  let isShared = options.threads > 1
  let first = try listen(on: addresses[0], isShared: isShared)
  // With the port that the system has chosen.
  let address = try first.localAddress
  // All listen before the first thread starts, so that failures are told here.
  var listeners = [first.release()]
  defer { for listener in listeners { close(listener) } }
  for _ in 1..<options.threads {
    listeners.append(try listen(on: address, isShared: true).release())
  }
  try IOHandle.pipe().split { stop, stopWriter in
    let button = StopButton(signals: try FiberSignals([SIGINT, SIGTERM]), writer: stopWriter)
    let waiting = try Fiber.spawn(consuming: button, name: "signals") { button in
      try button.waitAndPress()
    }
    let stopDescriptor = try stop.reference.descriptor
    var threads: [WorkerThread] = []
    while listeners.count > 1, let listener = listeners.popLast() {
      threads.append(WorkerThread(listener, stop: stopDescriptor, configuration))
    }
    let listener = try IOHandle(owning: listeners.removeFirst())
    Console.write("Listening on http://\(address)/\n")
    try Worker(configuration).run(listener, stop: stop)
    for thread in threads { Fiber.blocking { thread.join() } }
    waiting.cancel()
  }
}

/// Listens; the connections that come have the options of the listening socket.
private func listen(on address: SocketAddress, isShared: Bool) throws(IOError) -> IOHandle {
  let listener = try IOHandle.listen(on: address, reusePort: isShared)
  try listener.setNoDelay(true)
  // A client that reads slowly, but does, makes room often enough to stay within the time limit of
  // a piece: the kernel does not take megabytes ahead of what it has sent.
  try listener.setOption(level: Int32(IPPROTO_TCP), name: TCP_NOTSENT_LOWAT, 128 << 10)
  return listener
}

/// Waits for a signal, and then stops all workers.
///
/// They read from a pipe whose writing end is here: closing it wakes each of them, in its thread.
struct StopButton: ~Copyable {
  private let signals: FiberSignals
  private let writer: IOHandle

  init(signals: consuming FiberSignals, writer: consuming IOHandle) {
    self.signals = signals
    self.writer = writer
  }

  /// Ends with the first signal: the second one ends the process, as if nobody had asked for it.
  consuming func waitAndPress() throws {
    _ = try signals.next()
  }
}

/// A thread with a worker.
struct WorkerThread: Sendable {
  private let thread: pthread_t

  /// Starts it.
  ///
  /// - Parameters:
  ///   - listener: The descriptor of a listening socket, which the thread takes over.
  ///   - stop: The descriptor of the pipe that tells it to stop.
  ///   - configuration: For the worker.
  init(_ listener: Int32, stop: Int32, _ configuration: WorkerConfiguration) {
    let body = Unmanaged.passRetained(
      WorkerThreadBody {
        do {
          let runtime = try FiberRuntime()
          let worker = try runtime.spawn(name: "worker") {
            try Worker(configuration).run(
              IOHandle(owning: listener), stop: IOHandle(borrowing: stop))
          }
          try runtime.run()
          try worker.join()
        } catch {
          Console.complain("a thread has ended: \(error)")
        }
      })
    var thread = pthread_t()
    let code = pthread_create(
      &thread, nil,
      { body in
        if let body { Unmanaged<WorkerThreadBody>.fromOpaque(body).takeRetainedValue().run() }
        return nil
      }, body.toOpaque())
    precondition(code == 0, "http-server: no thread: \(String(cString: strerror(code)))")
    self.thread = thread
  }

  /// Blocks until it has ended.
  func join() { pthread_join(thread, nil) }
}

private final class WorkerThreadBody: Sendable {
  let run: @Sendable () -> Void

  init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}
