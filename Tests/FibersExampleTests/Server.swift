import Fibers
import Glibc

/// A server of the examples, run as a program of its own on a port that was free.
final class Server {
  let port: UInt16
  private let process: pid_t

  init(_ program: String) throws {
    // Closed again right here: nobody else takes it meanwhile, most likely.
    port = try IOHandle.listen(on: .loopback(port: 0)).localAddress.port ?? 0
    var process = pid_t()
    var arguments: [UnsafeMutablePointer<CChar>?] = [strdup(program), strdup("\(port)"), nil]
    defer { for argument in arguments { free(argument) } }
    let code = posix_spawn(&process, program, nil, nil, &arguments, environ)
    guard code == 0 else { throw SpawnError(code: code) }
    self.process = process
  }

  struct SpawnError: Error { let code: Int32 }

  /// Connects, as soon as the server listens; gives up after many attempts.
  func connect() throws -> IOHandle {
    for _ in 0..<2000 {
      do throws(IOError) {
        return try IOHandle.connect(to: .loopback(port: port))
      } catch {
        guard error.code == ECONNREFUSED else { throw error }
        try Fiber.sleep(for: .milliseconds(5))
      }
    }
    throw SpawnError(code: ECONNREFUSED)
  }

  /// Sends SIGINT and waits for the end.
  ///
  /// - Returns: The exit code; 128 and more for a signal.
  func stop() -> Int32 {
    kill(process, SIGINT)
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    return status & 0x7f == 0 ? status >> 8 : 128 + status & 0x7f
  }
}
