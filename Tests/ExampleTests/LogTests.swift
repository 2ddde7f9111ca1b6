import Glibc
import TestSupport
import Testing
import VDM
import pmem2_log

/// The log in persistent memory: what it finds after whatever happened to it.
@Suite struct LogTests {
  private func records(_ path: String) throws -> [[UInt8]] {
    var found: [[UInt8]] = []
    try RecordLog(path: path).visit { found.append(Array($0)) }
    return found
  }

  @Test func `records of all sizes are found in order, by every mover`() throws {
    for mover in [nil, SynchronousMover(), try ThreadMover()] as [(any DataMover)?] {
      let directory = try ScratchDirectory()
      let path = directory["log"]
      var expected: [[UInt8]] = []
      for round in 0..<10 {
        let log = try RecordLog(path: path, mover: mover)
        #expect(log.count == UInt64(expected.count))
        let batch = (0..<round).map { variedBytes($0 * 7 + round % 9) }
        try log.append(batch)
        expected += batch
      }
      #expect(try records(path) == expected)
    }
  }

  @Test func `a full log says so and stays as it was`() throws {
    let directory = try ScratchDirectory()
    let log = try RecordLog(path: directory["log"], byteCount: 8192)
    try log.append([variedBytes(4000)])
    #expect(throws: LogError.full) { try log.append([[1], self.large]) }
    #expect(log.count == 1)
    // To the last byte: 64 of the file's header, 32 of each record's.
    try log.append([variedBytes(8192 - 64 - 32 - 4000 - 32)])
    #expect(throws: LogError.full) { try log.append([[]]) }
    #expect(log.count == 2)
  }

  private var large: [UInt8] { variedBytes(4100) }

  @Test func `a log that is open is not opened again`() throws {
    let directory = try ScratchDirectory()
    let log = try RecordLog(path: directory["log"])
    #expect(throws: LogError.inUse) { try RecordLog(path: directory["log"]) }
    #expect(log.count == 0)
  }

  @Test func `another file is refused`() throws {
    let directory = try ScratchDirectory()
    try directory.write("text", variedBytes(5000))
    #expect(throws: LogError.notALog) { try RecordLog(path: directory["text"]) }
    #expect(directory.read("text") == variedBytes(5000))
    #expect(throws: LogError.system("open", errno: EISDIR)) {
      try RecordLog(path: directory.path)
    }
  }

  /// Every way to cut a log short, and every flipped bit of its last records.
  @Test func `whatever is damaged, the records before it are found and none that is torn`() throws {
    let directory = try ScratchDirectory()
    let payloads = (0..<4).map { variedBytes(9 + 5 * $0) }
    do { try RecordLog(path: directory["log"], byteCount: 4096).append(payloads) }
    let read = directory.read("log")
    let whole = try #require(read)
    let starts = payloads.indices.reduce(into: [64]) { starts, index in
      starts.append(starts[index] + 32 + (payloads[index].count + 7) & ~7)
    }
    for offset in 64..<starts[4] {
      let valid = starts.dropFirst().count { $0 <= offset }
      // Everything behind it did not arrive.
      var torn = whole
      for index in offset..<4096 { torn[index] = 0 }
      try directory.write("torn", torn)
      let found = try records(directory["torn"])
      // Zeros may be what should be there.
      #expect(found.count >= valid && found == Array(payloads.prefix(found.count)))

      var flipped = whole
      flipped[offset] ^= 1 << UInt8(offset % 8)
      try directory.write("flipped", flipped)
      let rest = try records(directory["flipped"])
      let inPadding = rest.count == 4
      #expect(rest == Array(payloads.prefix(inPadding ? 4 : valid)))
      if inPadding {
        let end = starts[valid] + 32 + payloads[valid].count
        #expect(offset >= end && offset < starts[valid + 1])
      }
    }
  }

  @Test func `what was written behind a lost record does not come back`() throws {
    let directory = try ScratchDirectory()
    let path = directory["log"]
    do { try RecordLog(path: path, byteCount: 4096).append([[1, 1], [2, 2], [3, 3]]) }
    let read = directory.read("log")
    var bytes = try #require(read)
    bytes[64 + 40 + 32] ^= 1
    try directory.write("log", bytes)
    #expect(try records(path) == [[1, 1]])
    // The same payload again, in the same place: yet the third one was written behind another.
    try RecordLog(path: path).append([[2, 2]])
    #expect(try records(path) == [[1, 1], [2, 2]])
  }

  @Test func `a header that was not complete is made again`() throws {
    let directory = try ScratchDirectory()
    do { _ = try RecordLog(path: directory["log"], byteCount: 4096) }
    let read = directory.read("log")
    let whole = try #require(read)
    for count in [0, 8, 16, 20] {
      var torn = whole
      for index in count..<64 { torn[index] = 0 }
      try directory.write("torn", torn)
      try RecordLog(path: directory["torn"]).append([[7]])
      #expect(try records(directory["torn"]) == [[7]])
    }
  }

  @Test func `the example appends, shows and tells what is wrong`() throws {
    let directory = try ScratchDirectory()
    let path = try builtProduct("pmem2-log")
    let log = directory["log"]
    #expect(try runProcess(path, [log, "append", "one", "two"]).end == .exit(0))
    #expect(try runProcess(path, [log, "append", "three"]).end == .exit(0))
    #expect(try runProcess(path, [log, "show"]).output == "one\ntwo\nthree\n")
    #expect(try runProcess(path, []).output == "found 3 records:\none\ntwo\nthree\n")
    for wrong in [[log], [log, "append"], [log, "fill", "x"], ["a", "b", "c", "d", "e"]] {
      let result = try runProcess(path, wrong)
      #expect(result.end == .exit(2) && result.errors.contains("usage:"))
    }
    let missing = try runProcess(path, ["/nonexistent/log", "show"])
    #expect(missing.end == .exit(1) && missing.errors.hasPrefix("pmem2-log: "))
  }
}
