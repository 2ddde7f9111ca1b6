import Glibc
import TestSupport
import Testing

// The built copy-file, run as a user runs it.

func copyFile(_ arguments: String..., environment: [String: String] = [:]) throws -> ProcessResult {
  try runProcess(builtProduct("copy-file"), arguments, environment: environment)
}

/// Bytes none of whose pages equals another.
func variedBytes(_ count: Int) -> [UInt8] {
  var random = Seed(UInt64(count))
  var bytes = [UInt8](repeating: 0, count: count)
  bytes.withUnsafeMutableBytes { bytes in
    for offset in stride(from: 0, to: count - 7, by: 8) {
      bytes.storeBytes(of: random.next(), toByteOffset: offset, as: UInt64.self)
    }
    for offset in (count & ~7)..<count { bytes[offset] = UInt8(truncatingIfNeeded: offset) }
  }
  return bytes
}

@Suite struct CopyFileTests {
  @Test(arguments: [
    [], ["--mover", "sync"], ["--mover", "threads"], ["--threads", "1"], ["--threads", "7"],
    ["--chunk", "64K"], ["--chunk", "999"], ["--chunk", "1TiB"], ["--durable"], ["--no-cache"],
    ["--verify"], ["--mover", "sync", "--durable", "--no-cache", "--verify"],
    [
      "--mover", "threads", "--threads", "3", "--chunk", "4K", "--durable", "--no-cache",
      "--verify",
    ],
  ])
  func `each option copies files of all sizes`(options: [String]) throws {
    let directory = try ScratchDirectory()
    for size in [0, 1, 999, 4095, 4096, 4097, 3 << 20 | 5] {
      let bytes = variedBytes(size)
      try directory.write("a", bytes)
      let result = try runProcess(
        builtProduct("copy-file"), [directory["a"], directory["b"]] + options)
      #expect(result.end == .exit(0))
      #expect(result.errors == "")
      #expect(result.output.contains(" GB/s\n"))
      let verified = result.output.contains("verified 100%")
      #expect(verified == (options.contains("--verify") && size > 0))
      #expect(directory.read("b") == bytes)
      #expect(directory.names == ["a", "b"])
    }
  }

  @Test func `an existing file is replaced, and a link to it followed`() throws {
    let directory = try ScratchDirectory()
    try directory.write("a", [1, 2, 3])
    try directory.write("b", [4, 5, 6, 7])
    symlink("b", directory["link"])
    #expect(try copyFile(directory["a"], directory["link"]).end == .exit(0))
    #expect(directory.read("b") == [1, 2, 3])
    var status = stat()
    #expect(lstat(directory["link"], &status) == 0 && status.st_mode & S_IFMT == S_IFLNK)
  }

  @Test(arguments: [0o644, 0o600, 0o444, 0o750])
  func `the copy has the source's permissions, less the umask`(mode: mode_t) throws {
    let directory = try ScratchDirectory()
    try directory.write("a", [1])
    chmod(directory["a"], mode)
    let result = try shell(#"umask 022; exec "$0" "$@""#, directory["a"], directory["b"])
    #expect(result.end == .exit(0))
    var status = stat()
    #expect(stat(directory["b"], &status) == 0 && status.st_mode & 0o7777 == mode & ~0o022)
  }

  @Test func `progress is lines where there is no terminal`() throws {
    let directory = try ScratchDirectory()
    try directory.write("a", variedBytes(8 << 20))
    let output = try copyFile(directory["a"], directory["b"], "--mover", "sync").output
    let lines = output.split(separator: "\n").map(String.init)
    let expected = [25, 50, 75, 100].map { "copied \($0)% of 8.0 MiB" }
    #expect(Array(lines.prefix(4)) == expected)
    #expect(lines.count == 5 && lines[4].hasPrefix("copied 8.0 MiB in "))
  }

  @Test func `progress is a bar on a terminal`() throws {
    let directory = try ScratchDirectory()
    try directory.write("a", variedBytes(8 << 20))
    let terminal = try Pipe(terminalColumns: 70)
    let path = try builtProduct("copy-file")
    let result = try ChildProcess(
      path, [directory["a"], directory["b"]], output: terminal.writer
    ).finish(reading: terminal)
    #expect(result.end == .exit(0))
    #expect(result.output.hasPrefix("\rcopied [#"))
    #expect(result.output.contains("] 100%"))
    #expect(result.output.contains("0:00 left"))
    let lines = result.output.split(whereSeparator: { $0 == "\r" || $0 == "\r\n" })
    #expect(lines.dropLast().allSatisfy { $0.count == 69 })
    #expect(lines.last?.hasPrefix("copied 8.0 MiB in ") == true)
  }

  @Test func `closed standard files are no trouble`() throws {
    let directory = try ScratchDirectory()
    let bytes = variedBytes(100_000)
    try directory.write("a", bytes)
    let script = #"exec "$0" "$@" <&- >&- 2>&-"#
    let result = try shell(script, directory["a"], directory["b"], "--verify")
    #expect(result.end == .exit(0))
    #expect(directory.read("b") == bytes)
  }

  @Test func `the help tells all options`() throws {
    let result = try copyFile("--help")
    #expect(result.end == .exit(0) && result.errors == "")
    for option in [
      "--mover", "--threads", "--chunk", "--durable", "--no-cache", "--verify", "--compare",
    ] {
      #expect(result.output.contains("  \(option) "))
    }
  }

  // MARK: Comparing

  @Test(arguments: [0, 1, 1_048_575, 1_048_576, 3_000_000])
  func `a flipped byte of the copy is found`(offset: Int) throws {
    let directory = try ScratchDirectory()
    try directory.write("a", variedBytes(3_000_001))
    #expect(try copyFile(directory["a"], directory["b"], "--verify").end == .exit(0))
    let equal = try copyFile("--compare", directory["a"], directory["b"])
    #expect(equal.end == .exit(0))
    #expect(equal.output.hasSuffix("the files are equal\n"))

    let copied = directory.read("b")
    var bytes = try #require(copied)
    bytes[offset] ^= 1
    try directory.write("b", bytes)
    let different = try copyFile(directory["a"], directory["b"], "--compare")
    #expect(different.end == .exit(1))
    #expect(different.errors.hasSuffix("differ at byte \(offset)\n"))
  }

  @Test func `a file that ends earlier differs there`() throws {
    let directory = try ScratchDirectory()
    try directory.write("a", variedBytes(5000))
    try directory.write("b", Array(variedBytes(5000).prefix(4000)))
    try directory.write("empty", [])
    let result = try copyFile("--compare", directory["a"], directory["b"])
    #expect(result.end == .exit(1))
    #expect(result.errors.hasSuffix("differ at byte 4000, where '\(directory["b"])' ends\n"))
    let empty = try copyFile("--compare", directory["empty"], directory["b"])
    #expect(empty.end == .exit(1))
    #expect(empty.errors.contains("differ at byte 0, where '\(directory["empty"])' ends"))
    #expect(try copyFile("--compare", directory["empty"], directory["empty"]).end == .exit(0))
  }
}

/// Runs copy-file by a line of shell, as `exec "$0" "$@"`.
func shell(_ script: String, _ arguments: String...) throws -> ProcessResult {
  try runProcess("/bin/sh", ["-c", script, builtProduct("copy-file")] + arguments)
}
