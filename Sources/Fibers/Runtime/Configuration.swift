extension FiberRuntime {
  /// How exclusive access is checked between the fibers of a runtime (see docs/fibers.md).
  public enum Exclusivity: Sendable, Hashable {
    /// ``shared`` in debug builds, ``isolated`` in release builds.
    case automatic
    /// Each fiber has its own set of accesses, as a Swift task has.
    ///
    /// A fiber parked inside an access costs the others nothing. Overlaps between two fibers are
    /// not seen.
    case isolated
    /// All fibers share the set of their thread.
    ///
    /// Two fibers whose accesses to a variable overlap trap, the same way in each run. Each access
    /// of each fiber takes time in proportion to the accesses that parked fibers hold.
    case shared
  }

  /// What a runtime starts with.
  ///
  /// Corresponds to C's `async_config_t`, with the same defaults.
  public struct Configuration: Sendable, Hashable {
    /// Fibers alive at once: those that control blocks are made for at the start, or the limit
    /// (``capacitiesAreLimits``).
    public var taskCapacity = 256
    /// Stacks in use at once: those that address space and guards are made for at the start, or the
    /// limit (``capacitiesAreLimits``).
    ///
    /// Fibers on memory of their own (``FiberStack/memory(_:)``) do not count.
    public var fiberCapacity = 64
    /// Usable bytes of each stack, rounded up to pages; at least 16 KiB.
    ///
    /// Up to 2.5 KiB at the top are given up to spread stacks over the cache.
    public var stackByteCount = 64 << 10
    /// Events on descriptors taken from the system at once.
    public var maxEvents = 64
    /// The most helper threads for ``Fiber/blocking(_:)``, at least 1; started when needed.
    public var blockingThreads = 4
    /// Whether a spawn beyond ``taskCapacity`` or ``fiberCapacity`` throws instead of growing.
    public var capacitiesAreLimits = false
    /// How overflows are caught.
    public var stackGuard = StackGuard.automatic
    /// How overlapping accesses are checked.
    public var exclusivity = Exclusivity.automatic
    /// Which floating-point control words each fiber has of its own.
    public var floatingPoint = FloatingPointControl.standard
    /// Whether stacks start empty, so that ``Fiber/stackHighWaterByteCount`` can be asked.
    ///
    /// Costs a system call and fresh pages each time a stack is taken.
    public var measuresStacks = false

    /// Whether time passes only when every fiber waits for it: for tests.
    package var hasVirtualTime = false

    /// The configuration of the C original.
    public init() {}
  }
}

@_spi(Benchmark)
extension FiberRuntime.Configuration {
  /// Whether time stands still while fibers run, so that what they do does not depend on how fast
  /// they are: for counting instructions.
  public var standsStill: Bool {
    get { hasVirtualTime }
    set { hasVirtualTime = newValue }
  }
}
