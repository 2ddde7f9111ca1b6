import Glibc
import TestSupport

/// The built http-server, running, on a port of its own.
final class TestServer {
  let port: UInt16
  private let output: Pipe
  private var child: ChildProcess?

  /// Starts it, and waits until it listens.
  ///
  /// - Parameters:
  ///   - arguments: Beside the port.
  ///   - descriptors: Its limit of open descriptors.
  /// - Throws: When it does not start.
  init(_ arguments: String..., descriptors: Int? = nil) throws {
    output = try Pipe()
    let arguments = arguments + ["--port", "0"]
    if let descriptors {
      let limited = "ulimit -n \(descriptors); exec \"$0\" \"$@\""
      child = try ChildProcess(
        "/bin/sh", ["-c", limited, builtProduct("http-server")] + arguments, output: output.writer)
    } else {
      child = try ChildProcess(builtProduct("http-server"), arguments, output: output.writer)
    }
    // The parent's end goes, so that a server that ends at once is the end of the output.
    output.closeWriter()
    port = try Self.readPort(output.reader)
  }

  deinit {
    if let child = child.take() {
      child.send(SIGKILL)
      _ = try? child.finish(reading: output)
    }
  }

  /// Sends a signal.
  func send(_ signal: CInt) {
    switch child {
    case .some(let child): child.send(signal)
    case nil: break
    }
  }

  /// Waits for its end.
  func finish() throws -> ProcessResult {
    guard let child = child.take() else { throw TestFailure("finished twice") }
    return try child.finish(reading: output)
  }

  /// Stops it, as a user does.
  func stop() throws -> ProcessResult {
    send(SIGINT)
    return try finish()
  }

  /// Reads `Listening on http://127.0.0.1:12345/`.
  private static func readPort(_ descriptor: CInt) throws -> UInt16 {
    var line: [UInt8] = []
    var byte: UInt8 = 0
    while read(descriptor, &byte, 1) == 1, byte != UInt8(ascii: "\n") { line.append(byte) }
    let text = String(decoding: line, as: UTF8.self)
    let number = text.split(separator: ":").last?.filter { $0.isNumber }
    guard text.hasPrefix("Listening on http://"), let port = number.flatMap({ UInt16($0) }) else {
      throw TestFailure("the server says '\(text)'")
    }
    return port
  }
}

/// What keeps a test from going on.
struct TestFailure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}
