/// What the command line asks for.
package struct ServerOptions: Equatable, Sendable {
  /// The folder to serve; the built-in page if there is none.
  package var folder: String?
  package var host = "127.0.0.1"
  /// 0: any that is free.
  package var port: UInt16 = 8080
  package var threads = 1
  /// How many connections may be open; as many as there are descriptors for if `nil`.
  package var connections: Int?
  /// How long, in seconds, a request, or a piece of an answer, may be on its way.
  package var requestSeconds = 10
  /// How long, in seconds, a connection may stay open with nothing to do.
  package var idleSeconds = 60
  /// How long, in seconds, requests in flight may take after a stop signal.
  package var stopSeconds = 5

  package init() {}
}

/// What to do.
package enum Command: Equatable, Sendable {
  case help
  case serve(ServerOptions)
}

/// The command line makes no sense.
package struct UsageError: Error, Equatable {
  /// What is wrong with it.
  package let message: String
}

/// What `--help` prints.
let helpText = """
  Serves the files of a folder over HTTP/1.1, to GET and HEAD.

  usage: http-server [FOLDER] [options]

    --port N              the port, 0 for any that is free (8080)
    --host ADDRESS        the address or name to listen on (127.0.0.1; 0.0.0.0 for all)
    --threads N           threads, each with its own share of the connections (1)
    --connections N       how many may be open; others wait (most of the descriptor limit)
    --request-timeout S   seconds for a request to arrive, or the client to take the next piece of
                          an answer (10)
    --idle-timeout S      seconds that a connection may wait for its next request (60)
    --stop-timeout S      seconds that requests in flight get when the server is stopped (5)
    --help                print this
    --                    what follows is the folder, even with a dash in front

  A folder is served by its index.html. Names that begin with a dot are not shown, and links that
  lead out of FOLDER are not followed. Without FOLDER there is one page, "/", which says hello.

  SIGINT and SIGTERM stop it: requests in flight are finished first. A second one stops it at once.

  Exit status: 0 after a stop, 1 if it could not be done, 2 if the command line is wrong.

  """

/// What `arguments`, without the program's name, ask for.
///
/// A pure function. It is strict: whatever is not understood, or given twice, is an error.
package func parseCommand(_ arguments: [String]) throws(UsageError) -> Command {
  var options = ServerOptions()
  var folders: [String] = []
  var given: Set<String> = []
  var rest = arguments[...]
  while let argument = rest.popFirst() {
    guard argument.hasPrefix("-") else {
      folders.append(argument)
      continue
    }
    if argument == "--" {
      folders += rest
      break
    }
    if argument == "--help" { return .help }
    guard given.insert(argument).inserted else {
      throw UsageError(message: "\(argument) is given twice")
    }
    try options.read(argument, from: &rest)
  }
  guard folders.count <= 1 else { throw UsageError(message: "too many folders: '\(folders[1])'") }
  options.folder = folders.first
  if options.folder == "" { throw UsageError(message: "the name of the folder is empty") }
  return .serve(options)
}

extension ServerOptions {
  fileprivate mutating func read(
    _ option: String, from rest: inout ArraySlice<String>
  ) throws(UsageError) {
    /// The value of the option, as a number in `range`.
    func number(_ range: ClosedRange<Int>) throws(UsageError) -> Int {
      let text = try value()
      guard text.utf8.allSatisfy({ $0.digit != nil }), let number = Int(text), range ~= number
      else {
        throw UsageError(
          message: "\(option): '\(text)' is not a number from \(range.lowerBound) to"
            + " \(range.upperBound)")
      }
      return number
    }
    func value() throws(UsageError) -> String {
      guard let value = rest.popFirst() else {
        throw UsageError(message: "\(option) needs a value")
      }
      return value
    }
    switch option {
    case "--port": port = UInt16(try number(0...65535))
    case "--host": host = try value()
    case "--threads": threads = try number(1...256)
    case "--connections": connections = try number(1...10_000_000)
    case "--request-timeout": requestSeconds = try number(1...86400)
    case "--idle-timeout": idleSeconds = try number(1...86400)
    case "--stop-timeout": stopSeconds = try number(0...86400)
    default: throw UsageError(message: "unknown option '\(option)'")
    }
  }
}
