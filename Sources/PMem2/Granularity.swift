/// How much is made durable at a time: what has to be done after a store to make it so.
///
/// Ordered from fine to coarse: a map whose granularity is finer than required does as well.
///
/// Corresponds to C's `enum pmem2_granularity`.
public enum Granularity: UInt8, Hashable, Sendable, CaseIterable {
  /// A store is durable once it is visible: the CPU caches keep their contents in a power cut.
  case byte
  /// A store is durable once its cache line was written back.
  case cacheLine
  /// A store is durable once its page was written to the file by the kernel.
  case page
}

extension Granularity: Comparable {
  /// Whether the first is finer than the second.
  public static func < (a: Granularity, b: Granularity) -> Bool { a.rawValue < b.rawValue }
}

extension Granularity {
  /// The granularity that `PMEM2_FORCE_GRANULARITY` names, as the original spells it, in any case.
  ///
  /// - Returns: `nil` for anything else, which is as good as unset.
  init?(forcedBy value: String) {
    switch value.uppercased() {
    case "BYTE": self = .byte
    case "CACHE_LINE", "CACHELINE": self = .cacheLine
    case "PAGE": self = .page
    default: return nil
    }
  }

  /// The granularity of a mapping.
  ///
  /// - Parameters:
  ///   - isVolatile: Whether nothing of it can reach a file: it is anonymous or private. There is
  ///     nothing to make durable then, and nothing to force.
  ///   - forced: What the environment says instead of the system.
  ///   - isSynchronous: Whether the kernel has mapped it with `MAP_SYNC`: stores go to the medium.
  ///   - cachesPersist: Whether the CPU caches keep their contents in a power cut.
  /// - Returns: The granularity.
  static func available(
    isVolatile: Bool, forced: Granularity?, isSynchronous: Bool, cachesPersist: () -> Bool
  ) -> Granularity {
    if isVolatile { return .byte }
    if let forced { return forced }
    guard isSynchronous else { return .page }
    return cachesPersist() ? .byte : .cacheLine
  }
}
