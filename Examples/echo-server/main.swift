// Sends back what it gets, to any number of clients: a fiber for each, one thread for all.
//
//   swift run -c release echo-server [PORT]
//   nc localhost 7007
import Fibers
import Glibc

func echo(_ connection: consuming IOHandle) throws {
  try connection.setNoDelay(true)
  var bytes = [UInt8](repeating: 0, count: 16384)
  while true {
    let count = try connection.read(into: &bytes)
    if count == 0 { return }
    try connection.writeAll(bytes[..<count])
  }
}

func serve(_ port: UInt16) throws {
  let listener = try IOHandle.listen(on: .anyAddress(port: port))
  print("listening on \(try listener.localAddress)")
  // Also into a pipe, for whoever let the system choose the port.
  fflush(nil)
  while true {
    do throws(IOError) {
      let connection = try listener.accept()
      _ = try? Fiber.spawn(consuming: connection) { connection in
        // A client that goes away in the middle is no news.
        try? echo(connection)
      }
    } catch {
      // Out of descriptors, most likely: the client waits, and so do we.
      guard let code = error.code, code == EMFILE || code == ENFILE else { throw error }
      print("accept: \(error)")
      try Fiber.sleep(for: .milliseconds(100))
    }
  }
}

func run() throws {
  let arguments = CommandLine.arguments.dropFirst()
  guard arguments.count <= 1, let port = UInt16(arguments.first ?? "7007") else {
    print("usage: echo-server [PORT]     (default 7007; 0 lets the system choose)")
    exit(2)
  }
  // As many connections as the system allows.
  var limit = rlimit()
  getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  limit.rlim_cur = limit.rlim_max
  setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)

  let server = try Fiber.spawn(name: "server") { try serve(port) }
  let stop = try Fiber.spawn(name: "signals") {
    let signals = try FiberSignals([SIGINT, SIGTERM])
    _ = try signals.next()
    try FiberRuntime.current().cancelAll()
  }
  do {
    try server.join()
  } catch let error as any FiberInterruption where error.interruption != nil {
    print("stopped")
  }
  stop.cancel()
  try Fiber.run()
}

do {
  try run()
} catch {
  print("echo-server: \(error)")
  exit(1)
}
