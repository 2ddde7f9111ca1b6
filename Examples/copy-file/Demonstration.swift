import ExampleSupport
import Glibc
import VDM

/// Copies the same bytes with `memcpy` and with each mover, and prints how fast each was.
func demonstrate(_ stop: StopSignals) throws(CopyError) {
  let size = 256 << 20
  // Some more than the two files, so that nobody else finds the disk full.
  let directory = try TemporaryDirectory(room: 2 * size + size / 2)
  let source = try directory.makeFile(TemporaryDirectory.source, byteCount: size)
  let copy = try directory.makeFile(TemporaryDirectory.copy, byteCount: size)
  try fillWithVariedBytes(source.bytes, stop)

  let threads = try startThreads(nil)
  let rounds = 5
  Console.write(
    """
    Copying \(formatByteCount(size)) of varied bytes in \(directory.parent), \
    \(threads.configuration.threads) worker threads, median of \(rounds) rounds.

    """)
  var comparison = Comparison(source: source.readable, destination: copy.bytes, stop: stop)
  comparison.addAll(threads)
  try comparison.run(rounds: rounds)
  Console.write(comparison.table())
}

/// Makes every page differ from every other, so that a chunk in the wrong place is noticed.
private func fillWithVariedBytes(
  _ bytes: UnsafeMutableRawBufferPointer, _ stop: StopSignals
) throws(CopyError) {
  let pattern = (0..<4096 / 8).map { UInt64($0 + 1) &* 0x9e37_79b9_7f4a_7c15 }
  for page in 0..<bytes.count / 4096 {
    if page % 256 == 0 { try stop.check() }
    let target = UnsafeMutableRawBufferPointer(rebasing: bytes[page * 4096..<(page + 1) * 4096])
    pattern.withUnsafeBytes { target.copyMemory(from: $0) }
    target.storeBytes(of: UInt64(page) &* 0xd6e8_feb8_6659_fd93, as: UInt64.self)
  }
}
