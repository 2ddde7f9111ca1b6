import Glibc
import TestSupport
import Testing

@Suite struct CopyFileErrorTests {
  /// Copies within a directory that has `a`, a file of three bytes, and other things besides.
  private func expectFailure(
    _ source: String, _ destination: String, _ message: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let directory = try ScratchDirectory()
    try directory.write("a", [1, 2, 3])
    try directory.write("b", [4])
    mkdir(directory["folder"], 0o755)
    mkfifo(directory["fifo"], 0o644)
    link(directory["a"], directory["hard"])
    symlink("a", directory["soft"])
    symlink("nowhere", directory["dangling"])
    symlink("loop", directory["loop"])
    let names = directory.names

    let place = { (name: String) in name.hasPrefix("/") ? name : directory[name] }
    let result = try copyFile(place(source), place(destination))
    #expect(result.end == .exit(1), sourceLocation: sourceLocation)
    #expect(result.output == "", sourceLocation: sourceLocation)
    #expect(result.errors.hasPrefix("copy-file: "), sourceLocation: sourceLocation)
    #expect(
      result.errors.contains(message), "\(result.errors)", sourceLocation: sourceLocation)
    #expect(directory.names == names, sourceLocation: sourceLocation)
    #expect(directory.read("a") == [1, 2, 3], sourceLocation: sourceLocation)
    #expect(directory.read("b") == [4], sourceLocation: sourceLocation)
  }

  @Test(arguments: [
    ("missing", "No such file or directory"), ("a/b", "Not a directory"),
    ("folder", "is a directory"),
    ("fifo", "is not a regular file"), ("/dev/zero", "is not a regular file"),
    ("dangling", "No such file or directory"), ("loop", "Too many levels of symbolic links"),
    ("/proc/self/status", "does not tell its size"),
    (String(repeating: "x", count: 256), "File name too long"),
  ])
  func `what cannot be read is told`(source: String, message: String) throws {
    try expectFailure(source, "new", message)
    try expectFailure(source, "b", message)
  }

  @Test(arguments: [
    ("missing/new", "No such file or directory"), ("b/new", "Not a directory"),
    ("folder", "is a directory: name the file as well"), ("new/", "is not the name of a file"),
    ("fifo", "is not a regular file"), ("/dev/full", "is not a regular file"),
    ("dangling", "cannot follow the symbolic link"), ("loop", "cannot follow the symbolic link"),
    (String(repeating: "x", count: 256), "File name too long"),
    ("/proc/new", "cannot make a file in '/proc'"),
  ])
  func `what cannot be written is told`(destination: String, message: String) throws {
    try expectFailure("a", destination, message)
  }

  @Test(arguments: [("a", "a"), ("a", "hard"), ("a", "soft"), ("soft", "a"), ("hard", "soft")])
  func `a file is not copied to itself`(source: String, destination: String) throws {
    try expectFailure(source, destination, "are the same file")
  }

  @Test func `an empty name is an error`() throws {
    let directory = try ScratchDirectory()
    try directory.write("a", [1])
    #expect(try copyFile("", directory["b"]).end == .exit(1))
    #expect(try copyFile(directory["a"], "").end == .exit(1))
    #expect(directory.names == ["a"])
  }

  @Test func `a source without permission is told`() throws {
    let directory = try ScratchDirectory()
    try directory.write("a", [1])
    chmod(directory["a"], 0)
    chmod(directory.path, 0o777)
    // Root may read everything, so somebody else has to try.
    let script =
      geteuid() == 0
      ? #"exec setpriv --reuid 65534 --regid 65534 --clear-groups "$0" "$@""# : #"exec "$0" "$@""#
    let result = try shell(script, directory["a"], directory["b"])
    guard !result.errors.contains("setpriv") else { try Test.cancel("this sandbox has no setpriv") }
    #expect(result.end == .exit(1))
    #expect(result.errors == "copy-file: cannot open '\(directory["a"])': Permission denied\n")
    #expect(directory.names == ["a"])
  }

  @Test(arguments: [
    [], ["--mover", "sync"], ["--durable", "--verify"],
  ])
  func `a full disk is an error, and nothing stays on it`(options: [String]) throws {
    let directory = try ScratchDirectory()
    try directory.write("a", variedBytes(2 << 20))
    mkdir(directory["disk"], 0o755)
    // Only root may, and not in every sandbox.
    guard mount("tmpfs", directory["disk"], "tmpfs", 0, "size=1m") == 0 else {
      try Test.cancel("this sandbox does not let root mount")
    }
    defer { umount2(directory["disk"], CInt(MNT_DETACH)) }
    try directory.write("disk/b", [7])

    let result = try runProcess(
      builtProduct("copy-file"), [directory["a"], directory["disk/b"]] + options)
    #expect(result.end == .exit(1))
    #expect(
      result.errors == "copy-file: no room for 2.0 MiB in '\(directory["disk"])': "
        + "No space left on device\n")
    #expect(directoryNames(directory["disk"]) == ["b"])
    #expect(directory.read("disk/b") == [7])
  }

  @Test func `a file above the limit is an error`() throws {
    let directory = try ScratchDirectory()
    try directory.write("a", variedBytes(2 << 20))
    let result = try shell(#"ulimit -f 100; exec "$0" "$@""#, directory["a"], directory["b"])
    #expect(result.end == .exit(1))
    #expect(result.errors.contains("no room for 2.0 MiB"))
    #expect(result.errors.contains("File too large"))
    #expect(directory.names == ["a"])
  }

  @Test func `too many threads for the system are an error`() throws {
    let directory = try ScratchDirectory()
    try directory.write("a", [1, 2, 3])
    // Address space for some stacks, not for a thousand.
    let script = #"ulimit -v 1000000; exec "$0" "$@""#
    let result = try shell(script, directory["a"], directory["b"], "--threads", "1024")
    // A sanitizer takes more address space than that for itself.
    guard !result.errors.contains("Sanitizer") else { try Test.cancel("a sanitizer is in the way") }
    #expect(result.end == .exit(1))
    #expect(result.errors.contains("threads could not be started"))
    #expect(directory.names == ["a"])
  }

  @Test(arguments: [
    ["a"], ["a", "b", "c"], ["a", "b", "--fast"], ["a", "b", "--threads", "0"],
    ["a", "b", "--chunk", "junk"], ["a", "b", "--mover", "sync", "--threads", "2"],
    ["a", "b", "--chunk"], ["--compare", "a"],
  ])
  func `a wrong command line is told, with status 2`(arguments: [String]) throws {
    let result = try runProcess(builtProduct("copy-file"), arguments)
    #expect(result.end == .exit(2))
    #expect(result.output == "")
    #expect(result.errors.hasPrefix("copy-file: "))
    #expect(result.errors.hasSuffix("\nTry 'copy-file --help'.\n"))
  }
}
