import VDM

/// Who makes an asynchronous operation durable: the mover itself, or the future when it is done.
///
/// | granularity | mover | asked of the mover | when it is done |
/// |---|---|---|---|
/// | byte | any | nothing | drain |
/// | cache line | durable | durable | nothing |
/// | cache line | not durable | nothing | flush the lines, drain |
/// | page | any | nothing | msync |
///
/// So nothing is flushed twice. The table is the original's but for the drain: stores that the
/// polling thread has just made, or has made past the caches, are waited for.
struct Durability: Hashable {
  /// What is done when an operation, or all of a batch, are.
  enum After: Hashable {
    case nothing
    case drain
    case persist
    case synchronise
  }

  /// What is asked of the mover.
  let moverFlags: OperationFlags
  /// What is done after it.
  let after: After

  init(_ granularity: Granularity, moverHas capabilities: OperationFlags) {
    switch granularity {
    case .byte:
      moverFlags = []
      after = .drain
    case .cacheLine where capabilities.contains(.durable):
      moverFlags = .durable
      after = .nothing
    case .cacheLine:
      moverFlags = []
      after = .persist
    case .page:
      moverFlags = []
      after = .synchronise
    }
  }

  /// What is asked of the mover when the user asks for `flags`.
  ///
  /// `durable` is what the map is for: whether the mover is to do it is decided here.
  func moverFlags(_ flags: OperationFlags) -> OperationFlags {
    flags.subtracting(.durable).union(moverFlags)
  }
}
