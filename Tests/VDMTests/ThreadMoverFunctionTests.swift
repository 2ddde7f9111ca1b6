import Glibc
import MiniAsync
import TestSupport
import Testing
import VDM

/// Functions that replace the thread mover's own.
@Suite struct ThreadMoverFunctionTests {
  /// One call of a replaced function.
  struct Call: Equatable {
    let name: String
    let destination: UnsafeMutableRawPointer
    let source: UnsafeRawPointer?
    let value: UInt8
    let byteCount: Int
    let flags: OperationFlags
  }

  /// The calls so far; touched by one worker at a time, and by the test when there are none.
  private func recording(_ calls: Box<[Call]>) throws -> ThreadMover {
    try ThreadMover(
      configuration: .with(threads: 1) {
        $0.memcpy = { to, from, count, flags in
          calls.value.append(
            Call(
              name: "memcpy", destination: to, source: from, value: 0, byteCount: count,
              flags: flags))
          memcpy(to, from, count)
        }
        $0.memmove = { to, from, count, flags in
          calls.value.append(
            Call(
              name: "memmove", destination: to, source: from, value: 0, byteCount: count,
              flags: flags))
          memmove(to, from, count)
        }
        $0.memset = { to, value, count, flags in
          calls.value.append(
            Call(
              name: "memset", destination: to, source: nil, value: value, byteCount: count,
              flags: flags))
          memset(to, CInt(value), count)
        }
      })
  }

  @Test(arguments: OperationFlags.combinations, [0, 1, 100, 5000])
  func `they are called once, with the operation's own arguments`(
    flags: OperationFlags, n: Int
  ) throws {
    let calls = Box([Call]())
    let mover = try recording(calls)
    guard mover.isSupported(flags) else { return }
    let source = MoverBytes(patternOf: n)
    let destination = MoverBytes(count: n)
    var copy = mover.memcpy(to: destination.start, from: source.start, byteCount: n, flags: flags)
    #expect(waitFor(&copy).isSuccess)
    #expect(destination.equals(source))
    var move = mover.memmove(to: destination.start, from: source.start, byteCount: n, flags: flags)
    #expect(waitFor(&move).isSuccess)
    var fill = mover.memset(destination.start, to: 0xEE, byteCount: n, flags: flags)
    #expect(waitFor(&fill).isSuccess)
    #expect(destination.isFilled(with: 0xEE))
    // A flush is always the mover's own.
    var flush = mover.flush(destination.start, byteCount: n)
    #expect(waitFor(&flush).isSuccess)
    mover.shutdown()
    let (to, from) = (destination.start, UnsafeRawPointer(source.start))
    #expect(
      calls.value == [
        Call(name: "memcpy", destination: to, source: from, value: 0, byteCount: n, flags: flags),
        Call(name: "memmove", destination: to, source: from, value: 0, byteCount: n, flags: flags),
        Call(name: "memset", destination: to, source: nil, value: 0xEE, byteCount: n, flags: flags),
      ])
  }

  @Test func `each may be replaced alone`() throws {
    for replaced in ["memcpy", "memmove", "memset"] {
      let tally = Tally()
      let mover = try ThreadMover(
        configuration: .with(threads: 1) {
          switch replaced {
          case "memcpy": $0.memcpy = { _, _, _, _ in tally.add() }
          case "memmove": $0.memmove = { _, _, _, _ in tally.add() }
          default: $0.memset = { _, _, _, _ in tally.add() }
          }
        })
      let source = MoverBytes(count: 8, filledWith: 3)
      let bytes = MoverBytes(count: 24, filledWith: 9)
      var copy = mover.memcpy(to: bytes.start, from: source.start, byteCount: 8)
      var move = mover.memmove(to: bytes.start + 8, from: source.start, byteCount: 8)
      var fill = mover.memset(bytes.start + 16, to: 3, byteCount: 8)
      Runtime().waitMultiple(&copy, &move, &fill)
      #expect(tally.value == 1)
      #expect(bytes[0] == (replaced == "memcpy" ? 9 : 3))
      #expect(bytes[8] == (replaced == "memmove" ? 9 : 3))
      #expect(bytes[16] == (replaced == "memset" ? 9 : 3))
    }
  }

  @Test(arguments: 1...4)
  func `of a large operation they get every byte exactly once`(threads: Int) throws {
    let n = 3_000_001
    let counts = MoverBytes(count: n)
    let pieces = Tally()
    let mover = try ThreadMover(
      configuration: .with(threads: threads) {
        $0.splitThreshold = 1 << 18
        // Counts what it is asked for, instead of doing it. Pieces do not share bytes, so no two
        // workers count the same byte.
        $0.memset = { start, value, count, flags in
          pieces.add()
          let bytes = start.assumingMemoryBound(to: UInt8.self)
          for i in 0..<count { bytes[i] &+= value }
        }
        $0.memcpy = { to, from, count, _ in
          pieces.add()
          let (a, b) = (
            to.assumingMemoryBound(to: UInt8.self), from.assumingMemoryBound(to: UInt8.self)
          )
          for i in 0..<count { a[i] &+= b[i] }
        }
      })
    var fill = mover.memset(counts.start, to: 1, byteCount: n)
    #expect(waitFor(&fill).isSuccess)
    #expect(counts.isFilled(with: 1))
    #expect(counts.areGuardsIntact)
    #expect(threads == 1 ? pieces.value == 1 : pieces.value > 1)
    let source = MoverBytes(count: n, filledWith: 5)
    var copy = mover.memcpy(to: counts.start, from: source.start, byteCount: n)
    #expect(waitFor(&copy).isSuccess)
    #expect(counts.isFilled(with: 6))
    #expect(counts.areGuardsIntact)
    #expect(source.isFilled(with: 5))
  }
}
