import Glibc
import TestSupport
import Testing

// A copy that is held in its midst: its standard output is a full pipe, so that it blocks when it
// tells that a quarter is done, until somebody reads.

@Suite struct CopyFileStopTests {
  /// Starts a copy of `a` to `b`, does something while it is held, and lets it go.
  private func held(
    in directory: borrowing ScratchDirectory, _ options: [String] = [],
    _ body: (borrowing ChildProcess) throws -> Void
  ) throws -> ProcessResult {
    let output = try Pipe()
    let filled = output.fill()
    let path = try builtProduct("copy-file")
    let child = try ChildProcess(
      path, [directory["a"], directory["b"]] + options, output: output.writer)
    let folder = directory.path
    let isSeen = child.isSeen { directoryNames(folder).contains { $0.hasPrefix(".copy-file.") } }
    #expect(isSeen)
    try body(child)
    var result = try child.finish(reading: output)
    result.output = String(result.output.dropFirst(filled))
    return result
  }

  @Test(
    arguments: [SIGINT, SIGTERM, SIGHUP], [[], ["--mover", "sync"], ["--durable", "--verify"]])
  func `a stopped copy leaves nothing behind`(signal: CInt, options: [String]) throws {
    let directory = try ScratchDirectory()
    try directory.write("a", variedBytes(8 << 20))
    try directory.write("b", [1, 2, 3])
    let result = try held(in: directory, options) { $0.send(signal) }
    #expect(result.end == .signal(signal))
    #expect(result.errors == "copy-file: stopped by a signal; nothing was left behind\n")
    #expect(directory.names == ["a", "b"])
    #expect(directory.read("b") == [1, 2, 3])
  }

  @Test func `a signal that the parent ignores does not stop it`() throws {
    let directory = try ScratchDirectory()
    let bytes = variedBytes(1 << 20)
    try directory.write("a", bytes)
    let script = #"trap "" INT; kill -INT $$; exec "$0" "$@""#
    let result = try shell(script, directory["a"], directory["b"])
    #expect(result.end == .exit(0))
    #expect(directory.read("b") == bytes)
  }

  @Test(arguments: [[], ["--mover", "sync"], ["--no-cache", "--chunk", "64K"]], [0, 1 << 20])
  func `a source that becomes shorter is an error`(options: [String], length: Int) throws {
    let directory = try ScratchDirectory()
    try directory.write("a", variedBytes(32 << 20))
    let source = directory["a"]
    let result = try held(in: directory, options) { _ in #expect(truncate(source, length) == 0) }
    #expect(result.end == .exit(1))
    #expect(result.errors.contains("became shorter"))
    #expect(directory.names == ["a"])
  }

  @Test func `a source that loses less than a page is an error`() throws {
    let directory = try ScratchDirectory()
    try directory.write("a", variedBytes(8 << 20))
    let source = directory["a"]
    let result = try held(in: directory) { _ in #expect(truncate(source, 8 << 20 - 100) == 0) }
    #expect(result.end == .exit(1))
    #expect(result.errors == "copy-file: '\(source)' became shorter while it was copied\n")
    #expect(directory.names == ["a"])
  }
}

@Suite(.serialized) struct CopyFileDemonstrationTests {
  private func leftovers(of processID: pid_t, _ directory: borrowing ScratchDirectory) -> [String] {
    (directoryNames("/dev/shm") + directory.names).filter {
      $0.hasPrefix("copy-file.\(processID).")
    }
  }

  @Test(.disabled(if: isThreadSanitized, "it moves 40 GB"))
  func `without arguments it compares the movers and cleans up`() throws {
    let directory = try ScratchDirectory()
    let output = try Pipe()
    let child = try ChildProcess(
      builtProduct("copy-file"), [], environment: ["TMPDIR": directory.path], output: output.writer)
    let processID = child.processID
    let result = try child.finish(reading: output)
    #expect(result.end == .exit(0))
    #expect(result.errors == "")
    let lines = result.output.split(separator: "\n").map(String.init)
    #expect(lines.first?.hasPrefix("Copying 256.0 MiB of varied bytes in ") == true)
    #expect(lines.last == "Every copy was verified.")
    let table = lines.dropFirst().dropLast()
    #expect(Set(table.map(\.count)).count == 1, "aligned: \(result.output)")
    #expect(table.contains { $0.hasPrefix("memcpy ") && $0.hasSuffix(" 1.00x") })
    for name in ["sync", "threads"] { #expect(table.contains { $0.hasPrefix("\(name)  ") }) }
    #expect(leftovers(of: processID, directory) == [])
  }

  @Test func `stopped, it cleans up as well`() throws {
    let directory = try ScratchDirectory()
    let output = try Pipe()
    _ = output.fill()
    let child = try ChildProcess(
      builtProduct("copy-file"), [], environment: ["TMPDIR": directory.path], output: output.writer)
    let processID = child.processID
    let path = directory.path
    let isThere = {
      (directoryNames("/dev/shm") + directoryNames(path)).contains {
        $0.hasPrefix("copy-file.\(processID).")
      }
    }
    let isSeen = child.isSeen(isThere)
    #expect(isSeen)
    child.send(SIGINT)
    let result = try child.finish(reading: output)
    #expect(result.end == .signal(SIGINT))
    #expect(!isThere())
  }
}
