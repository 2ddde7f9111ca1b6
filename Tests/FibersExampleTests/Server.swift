import Fibers
import Glibc

/// A server of the examples, run as a program of its own on a port that the system chooses.
final class Server {
  let port: UInt16
  private let process: pid_t
  /// Where it prints; open, so that whatever else it says does not stop it.
  private let output: Int32

  /// Starts it, and waits until it has said where it listens.
  init(_ program: String) throws {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw SpawnError(code: errno) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
    for end in ends { posix_spawn_file_actions_addclose(&actions, end) }
    var process = pid_t()
    var arguments: [UnsafeMutablePointer<CChar>?] = [strdup(program), strdup("0"), nil]
    defer {
      posix_spawn_file_actions_destroy(&actions)
      for argument in arguments { free(argument) }
    }
    let code = posix_spawn(&process, program, &actions, nil, &arguments, environ)
    close(ends[1])
    guard code == 0, let port = Self.readPort(ends[0]) else {
      close(ends[0])
      throw SpawnError(code: code)
    }
    (self.process, self.port, output) = (process, port, ends[0])
  }

  deinit { close(output) }

  struct SpawnError: Error { let code: Int32 }

  /// The number at the end of the first line, such as `listening on 0.0.0.0:7007`.
  private static func readPort(_ descriptor: Int32) -> UInt16? {
    var line = ""
    var byte: UInt8 = 0
    while read(descriptor, &byte, 1) == 1, byte != UInt8(ascii: "\n") {
      line.unicodeScalars.append(Unicode.Scalar(byte))
    }
    return line.split(separator: ":").last.flatMap { UInt16($0) }
  }

  /// Connects.
  func connect() throws -> IOHandle { try IOHandle.connect(to: .loopback(port: port)) }

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
