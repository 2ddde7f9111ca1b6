import Glibc
import MiniAsync
import TestSupport
import VDM

/// A thread mover whose memset workers stand at a gate: a test knows what a worker has begun, and
/// that nothing else will be, until it opens the gate.
///
/// A memset of the value `marker` passes the gate before it fills; all others fill at once.
struct GatedMover {
  static let marker: UInt8 = 0xC3

  let mover: ThreadMover
  let gate: MoverGate
  /// How many memsets of other values were done.
  let done = Tally()
  let bytes: MoverBytes

  init(
    threads: Int = 1, byteCount: Int = 4096,
    _ change: (inout ThreadMover.Configuration) -> Void = { _ in }
  ) throws {
    let gate = MoverGate()
    let done = done
    self.gate = gate
    bytes = MoverBytes(count: byteCount)
    mover = try ThreadMover(
      configuration: .with(threads: threads) {
        $0.memset = { start, value, count, _ in
          if value == Self.marker { gate.pass() } else { done.add() }
          memset(start, CInt(value), count)
        }
        change(&$0)
      })
  }

  /// A memset that stands at the gate.
  func gated(at offset: Int = 0, byteCount: Int = 1) -> OperationFuture<ThreadMover> {
    mover.memset(bytes.start + offset, to: Self.marker, byteCount: byteCount)
  }

  /// A memset that does not.
  func free(at offset: Int, to value: UInt8 = 1, byteCount: Int = 1)
    -> OperationFuture<ThreadMover>
  {
    mover.memset(bytes.start + offset, to: value, byteCount: byteCount)
  }

  /// Lets every worker begin a memset and stand at the gate.
  ///
  /// - Returns: Their futures, running.
  func occupyWorkers() -> FutureRow<ThreadMover> {
    let row = FutureRow<ThreadMover>(count: mover.configuration.threads)
    for i in 0..<row.count {
      row.put(gated(at: i), at: i)
      row.poll(i)
      // One at a time, so that no worker takes two of them.
      gate.waitForArrivals(i + 1)
    }
    return row
  }
}
