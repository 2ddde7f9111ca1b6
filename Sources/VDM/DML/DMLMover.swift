import CMiniAsync
import Glibc
public import MiniAsync

/// A mover over Intel's libdml: on the CPU, or on the Data Streaming Accelerator of some Xeons.
///
/// ```swift
/// let mover = try DMLMover(path: .auto)
/// var copy = mover.memcpy(to: destination, from: source, byteCount: n)
/// try Runtime().wait(&copy).get()
/// var crc = mover.crc32c(destination, byteCount: n)
/// print(try Runtime().wait(&crc).get())
/// ```
///
/// It needs the package trait `DML` (`docs/dml.md`); without it this type is there, and cannot be
/// made. ``diagnose()`` tells why no accelerator is used, in any build.
///
/// With an accelerator, operations are asynchronous, and a device cannot call a waker: the futures
/// use nothing of the notifier, so that their waiter looks again with growing pauses. On the CPU
/// libdml works inside the first poll. `durable` is real in both: the CPU's own flush follows.
/// A flush is always the CPU's own, and so is a memmove whose ranges are less than 4 KiB apart and
/// overlap.
///
/// May be used from any thread. A future that is dropped while it is at work leaves a slot behind:
/// each poll and each new operation goes on with a few of those. The last reference to the mover,
/// and its futures, waits for the device to be done with the rest.
///
/// Corresponds to C's `data_mover_dml_new` and `data_mover_dml_delete`.
public final class DMLMover: DataMover, JobOwner {
  /// How the mover is made up.
  public let configuration: Configuration
  /// The flags that this CPU can honour.
  public let capabilities: OperationFlags
  /// Whether an accelerator is used.
  public let usesAccelerator: Bool

  private let pool: DMLPool
  private let policy: DMLTransfer.Policy

  /// Makes a mover.
  ///
  /// Looks for an accelerator, unless `path` is ``Path/software``, by giving it something to do.
  ///
  /// - Parameter path: Who does the work.
  /// - Throws: As ``init(configuration:)``.
  public convenience init(path: Path) throws(VDMError) {
    try self.init(configuration: Configuration(path: path))
  }

  /// Makes a mover.
  ///
  /// - Parameter configuration: How it is made up.
  /// - Throws: ``VDMError/dmlNotBuilt`` in a build without the trait;
  ///   ``VDMError/noAccelerator(_:missing:)`` for ``Path/hardware`` without one.
  /// - Precondition: 1 to 2^31 slots; limits as ``Configuration`` tells.
  public convenience init(configuration: Configuration) throws(VDMError) {
    guard let library = installedDML() else { throw .dmlNotBuilt }
    try self.init(configuration: configuration, library: library)
  }

  /// Makes a mover over any libdml, on any system.
  package init(
    configuration: Configuration, library: any DMLLibrary, system: SystemFiles = SystemFiles()
  ) throws(VDMError) {
    precondition(
      1...(1 << 31) ~= configuration.slotCapacity, "DMLMover: it needs 1 to 2^31 slots")
    precondition(
      64...Int(UInt32.max) ~= configuration.transferLimit ?? 64,
      "DMLMover: the transfer limit must be 64 to 2^32 - 1")
    precondition(
      4...1024 ~= configuration.batchCapacity, "DMLMover: the batch capacity must be 4 to 1,024")
    let numaNode = configuration.numaNode ?? .max
    let status = configuration.path == .software ? nil : Self.probe(library, numaNode)
    let hasDevice = status == .ok || configuration.path == .auto && status?.isBusy == true
    if configuration.path == .hardware, let status, !hasDevice {
      let missing = DMLDiagnosis(of: library, on: system).firstProblem
      throw .noAccelerator(status, missing: DMLShortage(missing ?? Self.explanation(of: status)))
    }
    let limit = hasDevice ? system.smallestTransferLimit ?? 2 << 20 : Int(UInt32.max) & ~4095
    policy = DMLTransfer.Policy(
      hasDevice: hasDevice, fallsBack: configuration.path == .auto,
      limit: configuration.transferLimit ?? limit, numaNode: numaNode)
    pool = DMLPool(library, capacity: configuration.slotCapacity)
    self.configuration = configuration
    capabilities = NativeMemory.best.supportedFlags
    usesAccelerator = hasDevice
  }

  deinit {
    // A device writes into its job when it is done: the memory must not be freed before.
    while !pool.finishOrphans() { sched_yield() }
  }

  /// What to look for where nothing of the system is missing.
  private static func explanation(of status: DMLStatus) -> String {
    status.isBusy
      ? "all work queues of this NUMA node are full, or it has none (Configuration.numaNode)"
      : "libdml's queues cannot be used"
  }

  /// Gives a device nothing to do, and waits until that is done.
  private static func probe(_ library: any DMLLibrary, _ numaNode: UInt32) -> DMLStatus {
    let slot = DMLSlot(library)
    slot.transfer = DMLTransfer(
      DMLRequest(.nop, byteCount: 1),
      .init(hasDevice: true, fallsBack: false, limit: 64, numaNode: numaNode))
    // Queues that others have filled are empty soon; with none on this node it stays like this.
    var looks = 0
    while looks < 1000 {
      switch slot.advance() {
      case .idle:
        looks += 1
        sched_yield()
      case .running: mini_cpu_pause()
      case .complete(.dml(let status)): return status
      case .complete: return .ok
      }
    }
    return .workQueuesNotAvailable
  }

  /// Tells in plain lines whether an accelerator can be used, and what is missing.
  ///
  /// Looks at the build, the CPU, the kernel's devices, the configuration library, the work
  /// queues and the rights to use them. Reads some small files each time.
  ///
  /// - Returns: A line for each thing, which begins with `ok:`, `missing:` or `note:`.
  public static func diagnose() -> [String] {
    DMLDiagnosis(of: installedDML(), on: SystemFiles()).lines
  }

  /// Everything, except a flush on a CPU that is not known.
  public func supports(_ kind: OperationKind) -> Bool {
    kind != .flush || capabilities.contains(.durable)
  }

  /// Its futures are asynchronous if an accelerator is used.
  public func hasProperty(_ property: FutureProperty) -> Bool {
    property == .async && usesAccelerator
  }

  /// The number of slots in use: operations that exist, and those that were dropped and go on.
  ///
  /// Only counts them: what was dropped goes on when the mover is used.
  public var slotsInUse: Int { pool.inUse }

  // MARK: Operations

  /// Takes a slot, unless the CPU does the operation without libdml.
  ///
  /// - Throws: ``VDMError/outOfSlots(capacity:)``.
  public func makeJob(for operation: Operation) throws(VDMError) -> OperationJob {
    if isNative(operation) { return OperationJob() }
    let overlaps = operation.kind == .memmove && operation.overlaps
    let isUpward = unsafe UnsafeRawPointer(operation.destination) > operation.source
    return try makeJob(
      DMLTransfer(
        DMLRequest(operation), policy,
        overlap: overlaps ? (operation.distance, isUpward) : nil))
  }

  /// Starts the operation; on the CPU, does it.
  public func start(
    _ job: inout OperationJob, of operation: Operation, _ notifier: inout Notifier
  ) -> FutureProgress<VDMError?> {
    if isNative(operation) {
      pool.finishOrphans()
      // SAFETY: the operation's maker answers for the memory, and its arguments were checked.
      unsafe operation.performAndDrain()
      return .complete(nil)
    }
    // The notifier is not used, which makes the runtime poll again after a pause: neither a device
    // that is done nor a queue that has room again can call anybody.
    return advance(job)
  }

  /// Looks whether the operation is done, and starts its next piece.
  public func check(
    _ job: inout OperationJob, of operation: Operation, _ notifier: inout Notifier
  ) -> FutureProgress<VDMError?> {
    advance(job)
  }

  /// Gives the slot back, or leaves it to whoever uses the mover next.
  public func endJob(_ token: UInt64) {
    let slot = DMLPool.slot(at: UInt(token))
    if slot.isUnderWay { pool.orphan(slot) } else { pool.giveBack(slot) }
  }

  /// Whether the CPU does the operation without libdml.
  ///
  /// libdml's flush misses lines that the range touches in part, its stores on the CPU are neither
  /// durable nor past the caches, and its overlapping moves go byte by byte there.
  private func isNative(_ operation: Operation) -> Bool {
    switch operation.kind {
    case .flush: true
    case .memmove where operation.overlaps && operation.distance < Operation.smallestDistance: true
    case .memcpy, .memmove, .memset: !usesAccelerator && !operation.flags.isEmpty
    }
  }

  // MARK: Slots

  func makeJob(_ transfer: DMLTransfer) throws(VDMError) -> OperationJob {
    try makeJob { $0.transfer = transfer }
  }

  /// Takes a slot, and has `fill` say there what to do.
  func makeJob(_ fill: (DMLSlot) -> Void) throws(VDMError) -> OperationJob {
    guard let slot = pool.take() else { throw .outOfSlots(capacity: pool.capacity) }
    fill(slot)
    return OperationJob(owner: self, token: UInt64(DMLPool.address(of: slot)))
  }

  /// Makes what a request goes through libdml as.
  func makeTransfer(_ request: DMLRequest) throws(VDMError) -> DMLTransfer {
    if let problem = request.invalidArgument { throw .invalidArgument(problem) }
    try check(request.flags)
    return DMLTransfer(request, policy)
  }

  /// Makes what requests go through libdml as together.
  func makeBatch(
    _ requests: [DMLRequest], _ flags: OperationFlags
  ) throws(VDMError) -> DMLBatch {
    try check(flags)
    return DMLBatch(requests, policy, capacity: configuration.batchCapacity)
  }

  /// What only libdml can do has no other flag than `durable`.
  private func check(_ flags: OperationFlags) throws(VDMError) {
    let unsupported = flags.subtracting(capabilities.intersection(.durable))
    if !unsupported.isEmpty { throw .unsupportedFlags(unsupported) }
  }

  /// Takes the operation of a job as far as it goes now.
  func advance(_ job: borrowing OperationJob) -> FutureProgress<VDMError?> {
    pool.finishOrphans()
    return slot(of: job).advance()
  }

  /// The slot that a job of this mover has.
  func slot(of job: borrowing OperationJob) -> DMLSlot { DMLPool.slot(at: UInt(job.token)) }
}
