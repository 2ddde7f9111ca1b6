/// What a data mover can promise beyond moving bytes, and what an operation may ask of it.
///
/// An operation that asks for a flag its mover lacks fails when it is made, with
/// `VDMError.unsupportedFlags`; a flag is never silently ignored.
///
/// Corresponds to C's `VDM_F_MEM_DURABLE` and `VDM_F_NO_CACHE_HINT`.
public struct OperationFlags: OptionSet, Sendable, Hashable, BitwiseCopyable {
  /// The bits, as the C flags have them.
  public let rawValue: UInt32

  /// Makes a set from raw bits.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// The operation completes only when its destination has reached the persistence domain.
  public static let durable = OperationFlags(rawValue: 1 << 0)
  /// The destination will not be read soon: write past the CPU caches.
  public static let noCacheHint = OperationFlags(rawValue: 1 << 1)
}

extension OperationFlags: CustomStringConvertible {
  /// The names of the flags, and the bits of those that have none.
  public var description: String {
    var names: [String] = []
    if contains(.durable) { names.append("durable") }
    if contains(.noCacheHint) { names.append("noCacheHint") }
    let others = subtracting([.durable, .noCacheHint])
    if !others.isEmpty { names.append("0x" + String(others.rawValue, radix: 16)) }
    return "[" + names.joined(separator: ", ") + "]"
  }
}
