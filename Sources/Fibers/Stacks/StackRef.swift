/// Which stack a fiber runs on: a slot of one of the pools, the user's memory, or none yet.
///
/// 32 bits, so that a control block stays within two cache lines.
struct StackRef: Equatable {
  private var raw: UInt32

  /// Slots are numbered from 0 within a pool; the largest number means "not given yet".
  static let slotBits: UInt32 = 24
  static let noSlot: UInt32 = (1 << slotBits) - 1
  private static let foreignPool: UInt8 = .max
  /// Pools of one runtime, at most.
  static let poolLimit = Int(foreignPool)

  private init(pool: UInt8, slot: UInt32) { raw = UInt32(pool) << Self.slotBits | slot }

  /// A promise of `pool`, without a slot yet.
  static func promised(by pool: UInt8) -> StackRef { StackRef(pool: pool, slot: noSlot) }

  /// User-provided memory: its bounds are in the fiber's object.
  static let foreign = StackRef(pool: foreignPool, slot: noSlot)

  var pool: UInt8 { UInt8(raw >> Self.slotBits) }
  var isForeign: Bool { pool == Self.foreignPool }
  var hasSlot: Bool { slot != Self.noSlot }
  var slot: UInt32 {
    get { raw & Self.noSlot }
    set { raw = raw & ~Self.noSlot | newValue }
  }
}
