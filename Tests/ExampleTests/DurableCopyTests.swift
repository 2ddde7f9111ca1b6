import Glibc
import TestSupport
import Testing
import pmem2_copy

/// The built pmem2-copy, run as a user runs it.
@Suite struct DurableCopyTests {
  private func copy(_ arguments: String..., forced: String = "PAGE") throws -> ProcessResult {
    try runProcess(
      builtProduct("pmem2-copy"), arguments, environment: ["PMEM2_FORCE_GRANULARITY": forced])
  }

  @Test(arguments: ["BYTE", "CACHE_LINE", "PAGE"], [[], ["--threads", "3", "--chunk", "10K"]])
  func `files of all sizes are copied`(forced: String, options: [String]) throws {
    let directory = try ScratchDirectory()
    try directory.write("b", variedBytes(9999))
    for size in [0, 1, 4096, 1 << 20 | 77] {
      try directory.write("a", variedBytes(size))
      let result = try runProcess(
        builtProduct("pmem2-copy"), [directory["a"], directory["b"]] + options,
        environment: ["PMEM2_FORCE_GRANULARITY": forced])
      #expect(result.end == .exit(0) && result.errors == "")
      #expect(directory.read("b") == variedBytes(size))
      let names = ["BYTE": "byte", "CACHE_LINE": "cacheLine", "PAGE": "page"]
      let expected = size == 0 ? "nothing to map" : "durable by \(names[forced] ?? "")"
      #expect(result.output.hasSuffix(", \(expected)\n"))
    }
  }

  @Test func `a granularity that cannot be had is an error`() throws {
    let directory = try ScratchDirectory()
    try directory.write("a", [1, 2, 3])
    let result = try copy(directory["a"], directory["b"], "--granularity", "cache-line")
    #expect(result.end == .exit(1))
    #expect(
      result.errors
        == "pmem2-copy: the memory persists by page, but by cacheLine or finer is required\n")
    let finer = try copy(
      directory["a"], directory["b"], "--granularity", "cache-line", forced: "BYTE")
    #expect(finer.end == .exit(0))
  }

  @Test func `what cannot be copied is an error`() throws {
    let directory = try ScratchDirectory()
    try directory.write("a", [1, 2, 3])
    for (source, destination) in [("missing", "b"), ("a", "missing/b"), ("a", "a")] {
      let result = try copy(directory[source], directory[destination])
      #expect(result.end == .exit(1) && result.errors.hasPrefix("pmem2-copy: "))
    }
    #expect(directory.read("a") == [1, 2, 3])
  }

  @Test func `progress is a bar on a terminal`() throws {
    let directory = try ScratchDirectory()
    try directory.write("a", variedBytes(8 << 20))
    let terminal = try Pipe(terminalColumns: 70)
    let result = try ChildProcess(
      builtProduct("pmem2-copy"), [directory["a"], directory["b"]], output: terminal.writer
    ).finish(reading: terminal)
    #expect(result.end == .exit(0))
    #expect(result.output.hasPrefix("\rcopied [#") && result.output.contains("] 100%"))
  }

  @Test func `without arguments it copies with both movers`() throws {
    let result = try copy()
    #expect(result.end == .exit(0))
    #expect(result.output.contains("by the calling thread\n"))
    #expect(result.output.contains("by 2 worker threads\n"))
  }

  @Test(arguments: [
    ["a"], ["a", "b", "c"], ["a", "b", "--threads"], ["a", "b", "--threads", "0"],
    ["a", "b", "--granularity", "line"], ["a", "b", "--chunk", "0"], ["a", "b", "--help", "me"],
  ])
  func `a wrong command line is refused`(arguments: [String]) throws {
    #expect(parseCopyOptions(arguments) == nil)
    let result = try runProcess(builtProduct("pmem2-copy"), arguments)
    #expect(result.end == .exit(2) && result.errors.contains("usage:"))
  }
}
