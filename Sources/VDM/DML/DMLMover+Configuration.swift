extension DMLMover {
  /// Who does the work.
  ///
  /// Corresponds to C's `enum data_mover_dml_type`.
  public enum Path: Sendable {
    /// libdml on the CPU, inside the first poll. Not asynchronous.
    case software
    /// An accelerator, and nothing else.
    ///
    /// What its queues have no room for is tried again at the next poll. Only what it cannot
    /// finish because a page is not in memory is done by the CPU.
    case hardware
    /// An accelerator if there is one, and the CPU for what that has no room for; else as
    /// ``software``.
    case auto
  }

  /// How a DML mover is made up.
  public struct Configuration: Sendable {
    /// Who does the work.
    public var path: Path
    /// How many operations may exist at once, started or not.
    public var slotCapacity = 1 << 12
    /// The most bytes that libdml is given at once, 64 to 2^32 - 1; longer operations are done in
    /// pieces of so many, one after the other.
    ///
    /// `nil` for what all enabled work queues take, or 2 MiB if that cannot be found out; on the
    /// CPU, for the most that libdml's 32 bits can tell.
    public var transferLimit: Int?
    /// The most operations of a batch that libdml is given at once: 4 to 1,024.
    ///
    /// Work queues have a limit, too, which is 32 unless it was configured.
    public var batchCapacity = 32
    /// The NUMA node whose accelerators are used; `nil` for that of the polling thread.
    ///
    /// With ``Path/hardware`` and `nil`, a thread on a node without one finds its queues full for
    /// ever.
    public var numaNode: UInt32?

    /// Makes a configuration with the defaults.
    ///
    /// - Parameter path: Who does the work.
    public init(path: Path) { self.path = path }
  }
}
