import Glibc
import TestSupport
import Testing
import pmem2_log

/// The log's writer, killed again and again.
@Suite struct LogCrashTests {
  @Test(arguments: ["BYTE", "CACHE_LINE", "PAGE"], ["own", "threads"])
  func `after a kill at any moment every acknowledged record is there and none is torn`(
    granularity: String, mover: String
  ) throws {
    var seed = Seed()
    let kills = (isSanitized ? 10 : 50) * stressFactor
    var directory = try ScratchDirectory()
    var known: UInt64 = 0
    var acknowledgements = 0
    for kill in 0..<kills {
      let output = try Pipe()
      let child = try ChildProcess(
        builtProduct("pmem2-log"), [directory["log"], "fill", "42", mover],
        environment: ["PMEM2_FORCE_GRANULARITY": granularity], output: output.writer)
      // From before it has opened the log to hundreds of appends.
      var text = ""
      if Int.random(in: 0..<8, using: &seed) > 0 {
        text = readSome(output.reader)
        usleep(UInt32.random(in: 0..<1500, using: &seed))
      } else {
        usleep(UInt32.random(in: 0..<6000, using: &seed))
      }
      child.send(SIGKILL)
      let result = try child.finish(reading: output)
      text += result.output
      // It is killed, unless it has filled the log before.
      #expect(result.end == .signal(SIGKILL) || result.end == .exit(0), "\(result.errors)")
      // The last line may be cut short.
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
      let acknowledged = lines.last.flatMap { UInt64($0) } ?? known
      #expect(acknowledged >= known)
      acknowledgements += lines.count

      let found = try check(directory["log"])
      #expect(found >= acknowledged, "\(seed), kill \(kill)")
      known = found
      // Not so long that reading it takes the time, nor full.
      if found > 300 || result.end == .exit(0) {
        directory = try ScratchDirectory()
        known = 0
      }
    }
    // So that it cannot pass without anything having been written.
    #expect(acknowledgements > kills / 2)
  }

  /// Waits for the first acknowledgement.
  private func readSome(_ descriptor: CInt) -> String {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = read(descriptor, &buffer, buffer.count)
    return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
  }

  /// Recovers a log, if it was made.
  ///
  /// - Returns: How many records it has, all of which are as they were written.
  private func check(_ path: String) throws -> UInt64 {
    guard access(path, F_OK) == 0 else { return 0 }
    let log = try RecordLog(path: path)
    var number: UInt64 = 0
    var torn = 0
    log.visit { payload in
      if !payload.elementsEqual(madeUpRecord(seed: 42, number: number)) { torn += 1 }
      number += 1
    }
    #expect(torn == 0 && number == log.count)
    return number
  }
}
