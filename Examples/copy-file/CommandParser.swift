import ExampleSupport

/// What `arguments`, without the program's name, ask for.
///
/// A pure function. It is strict: whatever is not understood, given twice or has no effect is an
/// error.
package func parseCommand(_ arguments: [String]) throws(UsageError) -> Command {
  if arguments.isEmpty { return .demonstrate }
  var parser = CommandParser(rest: arguments[...])
  try parser.readArguments()
  return try parser.command()
}

/// Reads the arguments first, and then looks whether they fit together.
private struct CommandParser {
  var rest: ArraySlice<String>
  private var paths: [String] = []
  private var given: Set<String> = []
  private var mover: String?
  private var threads: Int?
  private var chunkSize: Int?

  init(rest: ArraySlice<String>) { self.rest = rest }

  mutating func readArguments() throws(UsageError) {
    while let argument = rest.popFirst() {
      guard argument.hasPrefix("-"), argument != "-" else {
        paths.append(argument)
        continue
      }
      if argument == "--" {
        paths += rest
        return
      }
      guard given.insert(argument).inserted else { throw UsageError("\(argument) is given twice") }
      try readOption(argument)
    }
  }

  private mutating func readOption(_ option: String) throws(UsageError) {
    switch option {
    case "--help", "--compare", "--durable", "--no-cache", "--verify": break
    case "--mover": mover = try value(of: option)
    case "--threads": threads = try parseThreads(value(of: option))
    case "--chunk": chunkSize = try parseChunkSize(value(of: option))
    default: throw UsageError("unknown option '\(option)'")
    }
  }

  private mutating func value(of option: String) throws(UsageError) -> String {
    guard let value = rest.popFirst() else { throw UsageError("\(option) needs a value") }
    return value
  }

  func command() throws(UsageError) -> Command {
    if given.contains("--help") { return .help }
    guard paths.count >= 2 else {
      throw UsageError(paths.isEmpty ? "two file names are missing" : "a file name is missing")
    }
    guard paths.count == 2 else { throw UsageError("too many file names: '\(paths[2])'") }
    return given.contains("--compare") ? try compareCommand() : try copyCommand()
  }

  private func compareCommand() throws(UsageError) -> Command {
    if let other = given.subtracting(["--compare"]).min() {
      throw UsageError("\(other) has no effect with --compare")
    }
    return .compare(paths[0], paths[1])
  }

  private func copyCommand() throws(UsageError) -> Command {
    var options = CopyOptions(source: paths[0], destination: paths[1])
    options.mover = try moverChoice()
    options.chunkSize = chunkSize ?? options.chunkSize
    options.isDurable = given.contains("--durable")
    options.bypassesCache = given.contains("--no-cache")
    options.verifies = given.contains("--verify")
    return .copy(options)
  }

  private func moverChoice() throws(UsageError) -> MoverChoice {
    switch mover {
    case nil, "threads": return .threads(threads)
    case .some(let name):
      guard let choice = ["sync": MoverChoice.sync, "dml": .dml][name] else {
        throw UsageError("--mover: '\(name)' is none of 'sync', 'threads' and 'dml'")
      }
      guard threads == nil else {
        throw UsageError("--threads has no effect with --mover \(name)")
      }
      return choice
    }
  }
}

private func parseThreads(_ text: String) throws(UsageError) -> Int {
  guard let number = parseNumber(text[...]), 1...Limit.threads ~= number else {
    throw UsageError("--threads: '\(text)' is not a number from 1 to \(Limit.threads)")
  }
  return number
}

private func parseChunkSize(_ text: String) throws(UsageError) -> Int {
  guard let size = parseByteCount(text), size > 0 else {
    throw UsageError("--chunk: '\(text)' is not a size such as 65536, 64K, 4M or 1GiB")
  }
  return size
}
