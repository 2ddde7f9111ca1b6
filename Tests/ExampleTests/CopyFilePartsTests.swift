import ExampleSupport
import Testing
import copy_file

// What of copy-file is a pure function, tested as such.

@Suite struct CopyFileCommandTests {
  @Test func `no arguments ask for the demonstration`() throws {
    #expect(try parseCommand([]) == .demonstrate)
  }

  @Test(arguments: [["--help"], ["a", "b", "--help"], ["--help", "--durable"]])
  func `help is given whatever else is asked`(arguments: [String]) throws {
    #expect(try parseCommand(arguments) == .help)
  }

  @Test func `two names are copied with the defaults`() throws {
    #expect(try parseCommand(["a", "b"]) == .copy(CopyOptions(source: "a", destination: "b")))
    let options = CopyOptions(source: "a", destination: "b")
    #expect(options.mover == .threads(nil))
    #expect(options.chunkSize == 1 << 20)
    #expect(!options.isDurable && !options.bypassesCache && !options.verifies)
  }

  @Test func `every option is taken, wherever it stands`() throws {
    var options = CopyOptions(source: "a", destination: "b")
    options.mover = .threads(3)
    options.chunkSize = 4 << 20
    options.isDurable = true
    options.bypassesCache = true
    options.verifies = true
    let words = [
      "--mover", "threads", "a", "--threads", "3", "--chunk", "4M", "--durable", "b", "--no-cache",
      "--verify",
    ]
    #expect(try parseCommand(words) == .copy(options))

    var sync = CopyOptions(source: "a", destination: "b")
    sync.mover = .sync
    #expect(try parseCommand(["--mover", "sync", "a", "b"]) == .copy(sync))
  }

  @Test func `after two dashes there are only names`() throws {
    let options = CopyOptions(source: "--durable", destination: "-x")
    #expect(try parseCommand(["--", "--durable", "-x"]) == .copy(options))
    #expect(try parseCommand(["--compare", "-", "b"]) == .compare("-", "b"))
  }

  @Test(arguments: [
    (["a"], "a file name is missing"),
    (["--verify"], "two file names are missing"),
    (["a", "b", "c"], "too many file names: 'c'"),
    (["a", "b", "--fast"], "unknown option '--fast'"),
    (["a", "b", "--threads=4"], "unknown option '--threads=4'"),
    (["a", "b", "--verify", "--verify"], "--verify is given twice"),
    (["a", "b", "--chunk"], "--chunk needs a value"),
    (["a", "b", "--mover", "dma"], "--mover: 'dma' is none of 'sync', 'threads' and 'dml'"),
    (["a", "b", "--mover", "sync", "--threads", "2"], "--threads has no effect with --mover sync"),
    (["a", "b", "--mover", "dml", "--threads", "2"], "--threads has no effect with --mover dml"),
    (["a", "b", "--compare", "--durable"], "--durable has no effect with --compare"),
  ])
  func `what is not understood is an error`(arguments: [String], message: String) {
    let error = #expect(throws: UsageError.self) { try parseCommand(arguments) }
    #expect(error?.message == message)
  }

  @Test(arguments: ["0", "-1", "+1", "1025", "two", "", "1.5", " 1", "99999999999999999999", "٣"])
  func `numbers of threads are from 1 to 1024`(text: String) {
    let error = #expect(throws: UsageError.self) {
      try parseCommand(["a", "b", "--threads", text])
    }
    #expect(error?.message == "--threads: '\(text)' is not a number from 1 to 1024")
  }

  @Test(arguments: ["0", "-1", "0K", "4Q", "4MB", "4 M", "M", "", "4m", "4i", "4iB", "9999999T"])
  func `chunks have a size`(text: String) {
    let error = #expect(throws: UsageError.self) { try parseCommand(["a", "b", "--chunk", text]) }
    #expect(error?.message == "--chunk: '\(text)' is not a size such as 65536, 64K, 4M or 1GiB")
  }

  @Test(arguments: [
    ("1", 1), ("65536", 65536), ("64K", 65536), ("64KiB", 65536), ("4M", 4 << 20),
    ("1GiB", 1 << 30), ("2T", 2 << 40), ("0", 0), ("9223372036854775807", Int.max),
  ])
  func `sizes have binary units`(text: String, count: Int) {
    #expect(parseByteCount(text) == count)
  }
}

@Suite struct CopyFileFormatTests {
  @Test(arguments: [
    (0, "0 bytes"), (1, "1 byte"), (1023, "1023 bytes"), (1024, "1.0 KiB"), (1536, "1.5 KiB"),
    (256 << 20, "256.0 MiB"), (5 << 30, "5.0 GiB"), (3 << 50, "3072.0 TiB"),
  ])
  func `sizes are in the largest unit that fits`(count: Int, text: String) {
    #expect(formatByteCount(count) == text)
  }

  @Test(arguments: [
    (0.0, "0:00"), (0.1, "0:01"), (59.5, "1:00"), (65.0, "1:05"), (7200.0, "2:00:00"),
    (1e9, ">100 h"), (Double.infinity, ">100 h"),
  ])
  func `times are minutes or hours`(seconds: Double, text: String) {
    #expect(formatSeconds(seconds) == text)
  }

  @Test func `decimals are rounded`() {
    #expect(formatDecimal(1.005, digits: 1) == "1.0")
    #expect(formatDecimal(1.96, digits: 1) == "2.0")
    #expect(formatDecimal(0.04, digits: 2) == "0.04")
    #expect(formatDecimal(7.5, digits: 0) == "8")
    #expect(formatDecimal(.infinity, digits: 2) == "inf")
    #expect(formatRate(2_314_000_000) == "2.31 GB/s")
  }

  @Test func `a progress line has a bar, the rate and the time left`() {
    let line = progressLine(
      "copied", done: 1 << 30, of: 4 << 30, after: .seconds(1), width: 61)
    #expect(line == "copied [####---------------]  25%    1.07 GB/s     0:03 left")
  }

  @Test(arguments: [1, 2, 10, 35, 40, 41, 80, 200])
  func `a progress line fits the terminal`(width: Int) {
    for done in [0, 1, 50, 100] {
      let line = progressLine("copied", done: done, of: 100, after: .seconds(1), width: width)
      #expect(line.count == width - 1)
    }
    let none = progressLine("copied", done: 0, of: 0, after: .zero, width: width)
    #expect(none.count == width - 1)
  }
}

@Suite struct CopyFileDifferenceTests {
  @Test(arguments: [0, 1, 4095, 4096, 4097, 10_000])
  func `the first byte that differs is found`(count: Int) {
    let a = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    #expect(difference(a, a) == nil)
    for offset in [0, 1, count / 2, count - 1, 4095, 4096] where a.indices.contains(offset) {
      var b = a
      b[offset] ^= 0x10
      b[count - 1] ^= 0x01
      #expect(difference(a, b) == offset)
    }
  }

  private func difference(_ a: [UInt8], _ b: [UInt8]) -> Int? {
    a.withUnsafeBytes { a in b.withUnsafeBytes { b in firstDifference(a, b) } }
  }
}
