import Glibc
import MiniAsync
import TestSupport
import Testing
import VDM

/// Operations that several workers do in pieces.
@Suite struct ThreadMoverSplitTests {
  static let threshold = 200_000

  /// Around the threshold, around the size of a piece, and odd ones.
  static let sizes = [
    threshold - 1, threshold, threshold + 1, 262_143, 262_144, 262_145, 393_217, 1_000_003,
    (1 << 20) + 4096, (1 << 21) - 1,
  ]

  private func mover(_ threads: Int) throws -> ThreadMover {
    try ThreadMover(configuration: .with(threads: threads) { $0.splitThreshold = Self.threshold })
  }

  @Test(arguments: 1...4, OperationFlags.combinations)
  func `memcpy, memmove, memset and flush of any size`(threads: Int, flags: OperationFlags) throws {
    let mover = try mover(threads)
    guard mover.isSupported(flags) else { return }
    let runtime = Runtime()
    for n in Self.sizes {
      for offset in [0, 1] {
        let source = MoverBytes(patternOf: n, salt: n &+ offset)
        let copied = MoverBytes(count: n)
        let moved = MoverBytes(count: n)
        let filled = MoverBytes(count: n)
        var copy = mover.memcpy(
          to: copied.start + offset, from: source.start + offset, byteCount: n - offset,
          flags: flags)
        var move = mover.memmove(
          to: moved.start + offset, from: source.start + offset, byteCount: n - offset,
          flags: flags)
        var fill = mover.memset(
          filled.start + offset, to: 0x77, byteCount: n - offset, flags: flags)
        var flush = mover.flush(source.start + offset, byteCount: n - offset)
        runtime.waitMultiple(&copy, &move, &fill, &flush)
        #expect(copy.output?.isSuccess == true)
        #expect(move.output?.isSuccess == true)
        #expect(fill.output?.isSuccess == true)
        #expect(flush.output?.isSuccess == true)
        for result in [copied, moved] {
          #expect(memcmp(result.start + offset, source.start + offset, n - offset) == 0)
          #expect(offset == 0 || result[0] == 0)
          #expect(result.areGuardsIntact)
        }
        filled[0] = 0x77
        #expect(filled.isFilled(with: 0x77))
        #expect(filled.areGuardsIntact)
        #expect(source.equals(MoverBytes(patternOf: n, salt: n &+ offset)))
      }
    }
    #expect(mover.slotsInUse == 0)
  }

  @Test(arguments: 1...4, OperationFlags.combinations)
  func `a large memmove stays right however its ranges overlap`(
    threads: Int, flags: OperationFlags
  ) throws {
    let mover = try mover(threads)
    guard mover.isSupported(flags) else { return }
    let n = 600_000
    let actual = MoverBytes(count: 2 * n + 10)
    let expected = MoverBytes(count: 2 * n + 10)
    for distance in [0, 1, -1, 64, 4096, -4097, 131_072, n / 2, n - 1, n, n + 1] {
      actual.fillWithPattern(salt: distance)
      expected.fillWithPattern(salt: distance)
      let from = distance < 0 ? -distance : 0
      memmove(expected.start + from + distance, expected.start + from, n)
      var future = mover.memmove(
        to: actual.start + from + distance, from: actual.start + from, byteCount: n, flags: flags)
      #expect(waitFor(&future).isSuccess)
      #expect(actual.equals(expected), "by \(distance)")
      #expect(actual.areGuardsIntact)
    }
  }

  @Test func `every worker helps`() throws {
    // Each worker stands at the gate with a piece: so three pieces are done at once.
    let gate = MoverGate()
    let mover = try ThreadMover(
      configuration: .with(threads: 3) {
        $0.splitThreshold = 1 << 16
        $0.memset = { start, value, count, _ in
          gate.pass()
          memset(start, CInt(value), count)
        }
      })
    let bytes = MoverBytes(count: 1 << 21)
    var future = mover.memset(bytes.start, to: 1, byteCount: bytes.count)
    future.poll()
    gate.waitForArrivals(3)
    gate.open()
    #expect(waitFor(&future).isSuccess)
    #expect(bytes.isFilled(with: 1))
    #expect(gate.arrivals > 3)
  }

  @Test func `many large operations at once, with small ones in between`() throws {
    for threads in 1...4 {
      let mover = try ThreadMover(
        configuration: .with(threads: threads) {
          $0.splitThreshold = 1 << 17
          $0.queueCapacity = 8
        })
      let count = 40
      let rows = (0..<count).map { MoverBytes(count: $0 % 3 == 0 ? 300_001 : 17) }
      let row = FutureRow<ThreadMover>(count: count)
      for i in 0..<count {
        row.put(
          mover.memset(rows[i].start, to: UInt8(i + 1), byteCount: rows[i].count), at: i)
      }
      for output in row.waitForAll() { #expect(output?.isSuccess == true) }
      for i in 0..<count {
        #expect(rows[i].isFilled(with: UInt8(i + 1)))
        #expect(rows[i].areGuardsIntact)
      }
      #expect(mover.slotsInUse == 0)
    }
  }

  @Test func `a threshold of one byte`() throws {
    let mover = try ThreadMover(configuration: .with(threads: 2) { $0.splitThreshold = 1 })
    for n in [0, 1, 2, 4096, 200_000] {
      let source = MoverBytes(patternOf: n)
      let destination = MoverBytes(count: n)
      for _ in 0..<20 {
        memset(destination.start, 0, n)
        var future = mover.memcpy(to: destination.start, from: source.start, byteCount: n)
        #expect(waitFor(&future).isSuccess)
        #expect(destination.equals(source))
      }
      #expect(destination.areGuardsIntact)
    }
  }
}
