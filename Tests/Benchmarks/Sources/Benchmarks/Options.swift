/// What the command line asks for.
struct Options {
  static let usage = """
    usage: Benchmarks [--quick] [--only WORD] [--json FILE] [--docs] [--no-install]
           Benchmarks measure NAME [N]
      --quick       a first look: fewer rounds, and 100,000 fibers where else there are a million
      --only WORD   the groups whose name has WORD
      --json FILE   writes the rows as a JSON array
      --docs        rewrites the figures of docs/performance.md and its charts
      --no-install  peers that are not here stay missing; else apt-get installs what they need
      measure       one measurement of ours alone, as the driver runs it
    """

  var isQuick = false
  var only: String?
  var jsonPath: String?
  var writesDocs = false
  var mayInstall = true

  /// - Throws: ``OptionsError`` for what cannot be understood.
  init(_ arguments: [String]) throws(OptionsError) {
    var arguments = arguments[...]
    while let argument = arguments.popFirst() {
      switch argument {
      case "--quick": isQuick = true
      case "--docs": writesDocs = true
      case "--no-install": mayInstall = false
      case "--only": only = try Self.value(of: argument, &arguments)
      case "--json": jsonPath = try Self.value(of: argument, &arguments)
      default: throw .unknown(argument)
      }
    }
    // The document has all figures of one run.
    if writesDocs && only != nil { throw .docsOfSome }
  }

  private static func value(of option: String, _ arguments: inout ArraySlice<String>)
    throws(OptionsError) -> String
  {
    guard let value = arguments.popFirst() else { throw .valueMissing(option) }
    return value
  }
}

enum OptionsError: Error, CustomStringConvertible {
  case unknown(String)
  case valueMissing(String)
  case docsOfSome

  var description: String {
    switch self {
    case .unknown(let argument): "there is no \(argument)"
    case .valueMissing(let option): "\(option) needs a value"
    case .docsOfSome: "--docs takes all groups: leave --only out"
    }
  }
}
