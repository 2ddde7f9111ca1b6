/// How a copy or fill of a ``Map`` is made durable.
///
/// Without flags it is durable when the call returns, by the way that is best for its size. Of
/// flags that contradict each other the first of these wins, as in the original: ``noFlush``, then
/// ``nonTemporal`` and ``writeCombining``, then ``temporal`` and ``writeBack``.
///
/// Corresponds to C's `PMEM2_F_MEM_*`, with the same bits.
public struct CopyFlags: OptionSet, Hashable, Sendable {
  /// The bits, as the C flags have them.
  public let rawValue: UInt32

  /// Makes a set from raw bits.
  @inlinable
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Do not wait: durable after a later ``Map/drain()`` of the same thread, which can serve many.
  ///
  /// On a map of page granularity, which has no drain, the call waits all the same.
  public static let noDrain = CopyFlags(rawValue: 1 << 0)
  /// Write past the CPU caches.
  ///
  /// The destination will not be in the caches afterwards.
  public static let nonTemporal = CopyFlags(rawValue: 1 << 1)
  /// Write through the CPU caches, and write the lines back.
  ///
  /// For what is read soon, if the CPU keeps lines that it writes back.
  public static let temporal = CopyFlags(rawValue: 1 << 2)
  /// As ``nonTemporal``: the memory is thought of as write-combining.
  public static let writeCombining = CopyFlags(rawValue: 1 << 3)
  /// As ``temporal``: the memory is thought of as write-back.
  public static let writeBack = CopyFlags(rawValue: 1 << 4)
  /// Only store: durable after a later ``Map/persist(_:byteCount:)`` of the range.
  public static let noFlush = CopyFlags(rawValue: 1 << 5)

  static let all = CopyFlags(rawValue: (1 << 6) - 1)
}
