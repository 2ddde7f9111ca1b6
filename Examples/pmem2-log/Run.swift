import Glibc
import VDM

private let usage = """
  An append-only log in persistent memory, whose records survive whatever kills the program.

  usage: pmem2-log LOG append TEXT...   append a record for each text, durably
         pmem2-log LOG show             print the records
         pmem2-log LOG fill SEED [own|threads]
                                        append made-up records until the log is full, and print
                                        how many are durable after each append
         pmem2-log                      try it out in /tmp

  The log is made if it is not there. PMEM2_FORCE_GRANULARITY=CACHE_LINE tells what the file's
  memory is like if the system does not know.

  """

/// Does what the command line asks for.
///
/// - Returns: The exit status: 0, 1 if it could not be done, 2 if the command line is wrong.
func runLog(_ arguments: [String]) -> Int32 {
  do {
    switch (arguments.dropFirst().first, arguments.count) {
    case (nil, 0): try demonstrate()
    case ("append", 3...):
      try RecordLog(path: arguments[0]).append(arguments.dropFirst(2).map { Array($0.utf8) })
    case ("show", 2): try show(arguments[0])
    case ("fill", 3...4):
      guard let seed = UInt64(arguments[2]) else { fallthrough }
      try fill(arguments[0], seed: seed, withThreads: arguments.last == "threads")
    default:
      write(usage, to: STDERR_FILENO)
      return 2
    }
    return 0
  } catch {
    write("pmem2-log: \(error)\n", to: STDERR_FILENO)
    return 1
  }
}

private func show(_ path: String) throws {
  try RecordLog(path: path).visit { payload in
    write(String(decoding: payload, as: UTF8.self) + "\n", to: STDOUT_FILENO)
  }
}

/// Appends made-up records, one to four at a time, and tells how many are durable.
private func fill(_ path: String, seed: UInt64, withThreads: Bool) throws {
  let log = try RecordLog(path: path, mover: withThreads ? ThreadMover() : nil)
  while true {
    let batch = (0...log.count % 4).map { madeUpRecord(seed: seed, number: log.count + $0) }
    do {
      try log.append(batch)
    } catch LogError.full {
      return
    }
    write("\(log.count)\n", to: STDOUT_FILENO)
  }
}

/// The payload of a made-up record: 0 to 499 bytes, the same for the same numbers.
package func madeUpRecord(seed: UInt64, number: UInt64) -> [UInt8] {
  var state = seed &+ number &* 0x9e37_79b9_7f4a_7c15
  func next() -> UInt64 {
    state = (state ^ state >> 29) &* 0xbf58_476d_1ce4_e5b9 &+ 1
    return state ^ state >> 32
  }
  return (0..<next() % 500).map { _ in UInt8(truncatingIfNeeded: next()) }
}

private func demonstrate() throws {
  let path = "/tmp/pmem2-log.\(getpid())"
  defer { unlink(path) }
  try RecordLog(path: path).append(["one", "two", "three"].map { Array($0.utf8) })
  // A killed program leaves no more than this one does: the bytes that were copied.
  let log = try RecordLog(path: path)
  write("found \(log.count) records:\n", to: STDOUT_FILENO)
  log.visit { write(String(decoding: $0, as: UTF8.self) + "\n", to: STDOUT_FILENO) }
}

private func write(_ text: String, to descriptor: CInt) {
  var bytes = Array(text.utf8)[...]
  while !bytes.isEmpty {
    let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
    guard count > 0 else { return }
    bytes = bytes.dropFirst(count)
  }
}
