public import VDM

/// What a map must be like.
///
/// ```swift
/// var config = Config(granularity: .page)   // Any memory will do.
/// config.offset = 1 << 20
/// let map = try Map(source, config)
/// ```
///
/// A plain value: nothing is checked before a map is made of it, with the source beside it.
///
/// Corresponds to C's `struct pmem2_config`.
public struct Config: Sendable {
  /// The coarsest store granularity that will do.
  ///
  /// ``Granularity/page`` accepts every source; ``Granularity/cacheLine`` only what is persistent
  /// memory, where nothing but the CPU is needed to make stores durable.
  ///
  /// Corresponds to C's `pmem2_config_set_required_store_granularity`.
  public var granularity: Granularity
  /// Where in the source the map begins, in bytes: a multiple of ``Source/alignment``.
  ///
  /// Anonymous memory has no places; there it is only checked.
  ///
  /// Corresponds to C's `pmem2_config_set_offset`.
  public var offset = 0
  /// How many bytes: a multiple of ``Source/alignment``; 0 for all up to the source's end.
  ///
  /// Corresponds to C's `pmem2_config_set_length`.
  public var length = 0
  /// Who sees what is stored.
  ///
  /// Corresponds to C's `pmem2_config_set_sharing`.
  public var sharing = Sharing.shared
  /// What may be done with the memory.
  ///
  /// Corresponds to C's `pmem2_config_set_protection`.
  public var protection: Protection = [.read, .write]
  /// What does the asynchronous operations; `nil` for the calling thread, in their first poll.
  ///
  /// It is kept by the map. Corresponds to C's `pmem2_config_set_vdm`.
  public var mover: (any DataMover)?

  /// Makes a configuration: the whole source, shared, to be read and written.
  ///
  /// - Parameters:
  ///   - granularity: The coarsest store granularity that will do.
  ///   - mover: What does the asynchronous operations.
  public init(granularity: Granularity, mover: (any DataMover)? = nil) {
    self.granularity = granularity
    self.mover = mover
  }
}

/// Who sees what is stored in a map.
///
/// Corresponds to C's `enum pmem2_sharing_type`.
public enum Sharing: Hashable, Sendable {
  /// Everyone who maps the source, and the source keeps it.
  case shared
  /// This map alone, and nobody keeps it: so its granularity is always ``Granularity/byte``.
  case `private`
}

/// What may be done with the memory of a map; an empty set for nothing.
///
/// Corresponds to C's `PMEM2_PROT_*`, with the same bits.
public struct Protection: OptionSet, Hashable, Sendable {
  /// The bits, as the C flags have them.
  public let rawValue: UInt32

  /// Makes a set from raw bits.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Its bytes may be executed.
  public static let execute = Protection(rawValue: 1 << 29)
  /// Its bytes may be read.
  public static let read = Protection(rawValue: 1 << 30)
  /// Its bytes may be written.
  public static let write = Protection(rawValue: 1 << 31)

  static let all: Protection = [.execute, .read, .write]
}

extension Protection: CustomStringConvertible {
  /// The names of what may be done.
  public var description: String {
    let names = [(Protection.read, "reading"), (.write, "writing"), (.execute, "executing")]
    let held = names.filter { contains($0.0) }.map(\.1)
    return held.isEmpty ? "nothing" : held.joined(separator: " and ")
  }
}
