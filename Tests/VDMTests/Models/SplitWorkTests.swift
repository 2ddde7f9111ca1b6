import Glibc
import TestSupport
import Testing

@testable import VDM

/// A large operation in pieces.
@Suite struct SplitWorkTests {
  private func operation(_ bytes: MoverBytes, _ kind: OperationKind = .memset) -> Operation {
    Operation(kind, to: bytes.start, from: bytes.start, value: 1, byteCount: bytes.count, flags: [])
  }

  @Test func `the pieces cover the operation, once each, for every size`() {
    let split = SplitWork()
    for n in [1, 2, 99, 100, 101, 199, 200, 201, 1000, 1001] {
      for pieceSize in [1, 7, 100, 1000, 2000] {
        let bytes = MoverBytes(count: n)
        #expect(split.isIdle)
        #expect(!split.hasPieces)
        split.open(operation(bytes), slot: 42, pieceSize: pieceSize)
        var next = 0
        let count = (n + pieceSize - 1) / pieceSize
        for number in 0..<count {
          #expect(split.hasPieces)
          guard let piece = split.claim() else {
            Issue.record("no piece \(number) of \(n) by \(pieceSize)")
            return
          }
          #expect(piece.slot == 42)
          #expect(piece.isLast == (number + 1 == count))
          #expect(piece.operation.destination == bytes.start + next)
          #expect(piece.operation.source == UnsafeRawPointer(bytes.start + next))
          #expect(piece.operation.byteCount <= pieceSize)
          #expect(!split.isIdle)
          next += piece.operation.byteCount
        }
        #expect(next == n)
        #expect(split.claim() == nil)
        for number in 0..<count { #expect(split.finishPiece() == (number + 1 == count)) }
        #expect(split.isIdle)
      }
    }
  }

  @Test func `there may be as many pieces as the count has room for`() {
    let split = SplitWork()
    let bytes = MoverBytes(count: SplitWork.maximumPieces)
    for _ in 0..<2 {
      split.open(operation(bytes), slot: 1, pieceSize: 1)
      var last = 0
      while let piece = split.claim() {
        last += 1
        #expect(piece.isLast == (last == SplitWork.maximumPieces))
        _ = split.finishPiece()
      }
      #expect(last == SplitWork.maximumPieces)
      #expect(split.isIdle)
    }
  }

  @Test func `under threads each piece of each round is claimed once`() {
    // One leads round after round, each with another size; two help whenever there are pieces.
    let split = SplitWork()
    let rounds = 2_000 * stressFactor
    let wrong = Tally()
    let ended = Tally()
    let isOver = Tally()
    MoverThread.run(3) { number in
      func help() {
        while let piece = split.claim() {
          let start = piece.operation.destination.assumingMemoryBound(to: UInt8.self)
          for i in 0..<piece.operation.byteCount { start[i] &+= 1 }
          if split.finishPiece() { ended.add() }
        }
      }
      if number > 0 {
        while isOver.value == 0 {
          help()
          sched_yield()
        }
        return
      }
      let buffers = (1...8).map { MoverBytes(count: $0 * 13) }
      for round in 0..<rounds {
        let bytes = buffers[round % 8]
        memset(bytes.start, 0, bytes.count)
        split.open(
          operation(bytes), slot: UInt32(round), pieceSize: 1 + round % 31)
        help()
        while !split.isIdle { sched_yield() }
        if !bytes.isFilled(with: 1) || !bytes.areGuardsIntact { wrong.add() }
      }
      isOver.add()
    }
    #expect(wrong.value == 0)
    #expect(ended.value == rounds)
  }
}
