import Synchronization

/// A large operation that several workers do in pieces.
///
/// Each worker has one, for the operation that it leads; the others look here when they have
/// nothing else to do. The operation ends when its last piece does, whoever does that.
@safe
final class SplitWork: Sendable {
  // A round, the number of pieces, and the next piece to be claimed, in one word: so a claim that
  // was meant for an earlier operation fails instead of taking a piece of this one.
  private let claims = Atomic<UInt64>(0)
  private let unfinished = Atomic<Int>(0)
  // SAFETY: written by the leading worker while no piece can be claimed and none is unfinished;
  // read by workers that have claimed a piece, before they finish it.
  nonisolated(unsafe) private var operation: Operation?
  nonisolated(unsafe) private var pieceSize = 0
  nonisolated(unsafe) private var slot: UInt32 = 0

  /// The most pieces of one operation.
  static let maximumPieces = 1 << 16 - 1

  /// A piece that was claimed.
  struct Piece {
    let operation: Operation
    /// The slot of the whole operation.
    let slot: UInt32
    /// Whether this was the last piece to be claimed.
    let isLast: Bool
  }

  /// Whether an operation can be opened: the last one has ended.
  ///
  /// Leading worker only.
  var isIdle: Bool {
    // ORDER: acquires the other workers' last reads of the fields; pairs with `finishPiece`.
    unfinished.load(ordering: .acquiring) == 0
  }

  /// Whether there are pieces to be claimed.
  var hasPieces: Bool {
    let word = claims.load(ordering: .relaxed)
    return word & 0xFFFF < word >> 16 & 0xFFFF
  }

  /// Offers an operation to all workers.
  ///
  /// Leading worker only, while ``isIdle``.
  ///
  /// - Parameters:
  ///   - operation: The whole operation; its ranges must not overlap.
  ///   - slot: Its slot.
  ///   - pieceSize: The bytes of a piece, but for the last.
  func open(_ operation: Operation, slot: UInt32, pieceSize: Int) {
    let count = (operation.byteCount + pieceSize - 1) / pieceSize
    unsafe self.operation = operation
    unsafe self.slot = slot
    unsafe self.pieceSize = pieceSize
    unfinished.store(count, ordering: .relaxed)
    let round = claims.load(ordering: .relaxed) >> 32 &+ 1
    // ORDER: releases the fields; pairs with `claim`. In one order with the look for parked
    // workers that follows.
    claims.store(round << 32 | UInt64(count) << 16, ordering: .sequentiallyConsistent)
  }

  /// Claims a piece, if there is one left.
  func claim() -> Piece? {
    var word = claims.load(ordering: .relaxed)
    while true {
      let piece = Int(word & 0xFFFF)
      let count = Int(word >> 16 & 0xFFFF)
      guard piece < count else { return nil }
      // ORDER: acquires the fields; pairs with `open`. They stay until the piece is finished.
      let (claimed, seen) = claims.weakCompareExchange(
        expected: word, desired: word + 1, ordering: .acquiring)
      if claimed {
        guard let whole = unsafe operation else {
          preconditionFailure("ThreadMover: a piece of nothing was claimed")
        }
        let offset = unsafe piece * pieceSize
        let size = unsafe min(pieceSize, whole.byteCount - offset)
        return unsafe Piece(
          operation: whole.part(at: offset, byteCount: size), slot: slot, isLast: piece + 1 == count
        )
      }
      word = seen
    }
  }

  /// Ends a piece that was done.
  ///
  /// - Returns: Whether that was the last: the caller ends the operation.
  func finishPiece() -> Bool {
    // ORDER: releases what this piece wrote, and acquires what all others did.
    unfinished.subtract(1, ordering: .acquiringAndReleasing).newValue == 0
  }
}
