import ExampleSupport
import Glibc
import PMem2

private let usage = """
  Copies a file into a mapped file; each chunk is durable when it is complete.

  usage: pmem2-copy SOURCE DESTINATION [options]
         pmem2-copy                               try it out in /tmp

    --granularity byte|cache-line|page  the coarsest that the destination may have (page)
    --threads N                         copy with so many worker threads, 1 to 64
    --chunk BYTES                       the bytes of one operation: 64K, 4M, ... (1M)

  The destination is overwritten in place, so it may stay where persistent memory is mounted.
  PMEM2_FORCE_GRANULARITY=CACHE_LINE tells what its memory is like if the system does not know.

  """

/// Does what the command line asks for.
///
/// - Returns: The exit status: 0, 1 if it could not be done, 2 if the command line is wrong.
func runCopy(_ arguments: [String]) -> Int32 {
  do {
    if arguments.isEmpty {
      try demonstrate()
    } else if let options = parseCopyOptions(arguments) {
      Console.write("copied " + (try copyDurably(options)) + "\n")
    } else {
      Console.writeError(usage)
      return 2
    }
    return 0
  } catch {
    Console.writeError("pmem2-copy: \(error)")
    return 1
  }
}

/// What the command line asks for; `nil` if it makes no sense.
package func parseCopyOptions(_ arguments: [String]) -> CopyOptions? {
  var options = CopyOptions()
  var paths: [String] = []
  var rest = arguments[...]
  while let argument = rest.popFirst() {
    guard argument.hasPrefix("--") else {
      paths.append(argument)
      continue
    }
    guard let value = rest.popFirst() else { return nil }
    switch argument {
    case "--granularity":
      let names = ["byte": Granularity.byte, "cache-line": .cacheLine, "page": .page]
      guard let granularity = names[value] else { return nil }
      options.granularity = granularity
    case "--threads":
      guard let threads = parseNumber(value[...]), 1...64 ~= threads else { return nil }
      options.threads = threads
    case "--chunk":
      guard let size = parseByteCount(value), size > 0 else { return nil }
      options.chunkSize = size
    default: return nil
    }
  }
  guard paths.count == 2 else { return nil }
  (options.source, options.destination) = (paths[0], paths[1])
  return options
}

/// Copies this program's own file with each mover.
private func demonstrate() throws {
  let path = "/tmp/pmem2-copy.\(getpid())"
  defer { unlink(path) }
  for threads in [nil, 2] {
    var options = CopyOptions()
    (options.source, options.destination) = ("/proc/self/exe", path)
    options.threads = threads
    let done = try copyDurably(options)
    let who = threads.map { "\($0) worker threads" } ?? "the calling thread"
    Console.write("copied \(done), by \(who)\n")
  }
}
