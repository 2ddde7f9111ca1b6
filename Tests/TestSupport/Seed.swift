/// A small deterministic generator for property tests (SplitMix64).
///
/// Print ``seed`` when a test fails, and pass it in to repeat the failure.
public struct Seed: RandomNumberGenerator, Sendable, CustomStringConvertible {
  /// What the sequence was started from.
  public let seed: UInt64
  private var state: UInt64

  /// Starts from `seed`; from `MINIASYNC_TEST_SEED` when `nil` and set; else from the system.
  public init(_ seed: UInt64? = nil) {
    let chosen = seed ?? environmentNumber("MINIASYNC_TEST_SEED") ?? .random(in: .min ... .max)
    self.seed = chosen
    state = chosen
  }

  /// The next 64 random bits.
  public mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  public var description: String { "seed \(seed) (set MINIASYNC_TEST_SEED=\(seed) to repeat)" }
}
