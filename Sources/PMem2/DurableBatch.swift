public import MiniAsync
public import VDM

/// Many operations of a ``Map`` that become durable together: with one fence, or each page once.
///
/// ```swift
/// var batch = map.batch()
/// for record in records {
///   try batch.memcpy(to: place(of: record), from: record.bytes, byteCount: record.count)
/// }
/// try runtime.wait(&batch).get()
/// ```
///
/// The operations run in any order: their destinations do not overlap. Nothing happens before the
/// first poll; afterwards nothing can be added. A batch is dropped and keeps its map as a
/// ``DurableFuture`` does, but what a mover has not begun when it is dropped is not done.
public struct DurableBatch: Future, ~Copyable {
  private let map: Map
  private var operations: [Operation] = []
  private var failures: [DurableBatchOutput.Failure] = []
  // INVARIANT: `nil` if the map's mover is the calling thread, and as long as nothing was added.
  private var group: FutureGroup<OperationFuture<MapMover>>?
  /// Whether the map counts the batch.
  private var isCounted: Bool
  /// Where the operations stand.
  public var progress = FutureProgress<DurableBatchOutput>.idle

  init(_ map: Map, minimumCapacity: Int) {
    self.map = map
    isCounted = map.beginOperation()
    operations.reserveCapacity(minimumCapacity)
  }

  deinit {
    guard isCounted else { return }
    if progress.state == .running, var group {
      // What has not begun must not begin later, when its source is gone.
      group.cancelAll()
      map.adopt(group)
    } else {
      map.endOperations(1)
    }
  }

  /// How many operations it has.
  public var count: Int { operations.count }

  // MARK: Adding

  /// Adds a copy between ranges that do not overlap.
  ///
  /// - Parameters:
  ///   - destination: Where to, in the map.
  ///   - source: Where from; it stays valid until the batch is complete.
  ///   - byteCount: How many bytes; none is fine.
  ///   - flags: What else is asked of the mover: `noCacheHint`.
  /// - Throws: ``PMem2Error/rangeOutsideMap(offset:byteCount:mapByteCount:)`` and the like, or
  ///   ``PMem2Error/operation(_:)`` if the mover refuses. Nothing is added then.
  /// - Precondition: The batch was not polled.
  public mutating func memcpy(
    to destination: UnsafeMutableRawPointer, from source: UnsafeRawPointer, byteCount: Int,
    flags: OperationFlags = []
  ) throws(PMem2Error) {
    unsafe try add(
      Operation(.memcpy, to: destination, from: source, byteCount: byteCount, flags: flags))
  }

  /// Adds a copy between ranges that may overlap.
  ///
  /// As ``memcpy(to:from:byteCount:flags:)``.
  public mutating func memmove(
    to destination: UnsafeMutableRawPointer, from source: UnsafeRawPointer, byteCount: Int,
    flags: OperationFlags = []
  ) throws(PMem2Error) {
    unsafe try add(
      Operation(.memmove, to: destination, from: source, byteCount: byteCount, flags: flags))
  }

  /// Adds a fill with `value`.
  ///
  /// As ``memcpy(to:from:byteCount:flags:)``.
  public mutating func memset(
    _ destination: UnsafeMutableRawPointer, to value: UInt8, byteCount: Int,
    flags: OperationFlags = []
  ) throws(PMem2Error) {
    unsafe try add(
      Operation(
        .memset, to: destination, from: destination, value: value, byteCount: byteCount,
        flags: flags))
  }

  private mutating func add(_ wanted: Operation) throws(PMem2Error) {
    precondition(
      progress.state == .idle, "DurableBatch: it was polled already; add to a new batch")
    unsafe try map.checkWritable(wanted.destination, wanted.byteCount)
    let operation = wanted.with(flags: map.durability.moverFlags(wanted.flags))
    if !map.performs(operation) {
      let future = OperationFuture(map.mover, operation)
      if let error = future.output?.error { throw .operation(error) }
      if group == nil { group = FutureGroup() }
      group?.add(future)
    }
    operations.append(operation)
  }

  // MARK: Doing

  /// Starts the operations, or looks whether they are done; called by `poll`.
  public mutating func advance(
    _ notifier: inout Notifier
  ) -> FutureProgress<DurableBatchOutput> {
    while let isReady = group?.poll(&notifier) {
      guard isReady else { return .running }
      while let completion = group?.takeCompleted() {
        if let error = completion.output.error { fail(completion.id, .operation(error)) }
      }
      if group?.isEmpty ?? true { break }
    }
    if group == nil {
      // SAFETY: the destinations were checked; the batch's maker answers for the sources.
      for operation in operations { unsafe operation.perform(with: map.system.memory) }
    }
    makeDurable()
    return .complete(end())
  }

  private mutating func fail(_ index: Int, _ error: PMem2Error) {
    failures.append(DurableBatchOutput.Failure(index: index, error: error))
  }

  private mutating func end() -> DurableBatchOutput {
    group = nil
    if isCounted { map.endOperations(1) }
    isCounted = false
    return DurableBatchOutput(
      count: operations.count, failures: failures.sorted { $0.index < $1.index })
  }

  /// Makes durable what the mover has done; all of it at once.
  private mutating func makeDurable() {
    let failed = Set(failures.map(\.index))
    let done = operations.indices.filter { !failed.contains($0) }
    switch map.durability.after {
    case .synchronise: synchronise(done)
    case .persist:
      for index in done {
        // SAFETY: the range was checked.
        unsafe map.system.memory.flush(
          operations[index].destination, byteCount: operations[index].byteCount)
      }
      map.drain()
    case .drain: map.drain()
    // The map's own functions leave the fence to the batch; another mover does not.
    case .nothing: if case .native = map.mover { map.drain() }
    }
  }

  /// Has the kernel write each page once; what lies in pages that it cannot write has failed.
  private mutating func synchronise(_ done: [Int]) {
    let operations = operations
    let ranges = PageRanges(
      done.lazy.map { operations[$0].addresses }, pageSize: UInt(map.system.pageSize))
    for range in ranges.merged {
      do throws(PMem2Error) {
        try map.system.synchronisePages(range.lowerBound, byteCount: range.count)
      } catch {
        for index in done where operations[index].addresses.overlaps(range) { fail(index, error) }
      }
    }
  }

  /// Whether the mover's futures have `property`; a complete batch has none.
  public borrowing func hasProperty(_ property: FutureProperty) -> Bool {
    !progress.isComplete && map.mover.hasProperty(property)
  }

  /// Completes what the mover has not begun with `VDMError.cancelled`.
  ///
  /// The batch is complete when the rest is.
  public mutating func cancel() {
    if progress.isComplete { return }
    guard group == nil else {
      group?.cancelAll()
      return
    }
    for index in operations.indices { fail(index, .operation(.cancelled)) }
    progress = .complete(end())
  }
}

extension Operation {
  fileprivate var addresses: Range<UInt> {
    let start = unsafe UInt(bitPattern: destination)
    return start..<start + UInt(byteCount)
  }
}

/// What has become of a ``DurableBatch``.
public struct DurableBatchOutput: Hashable, Sendable {
  /// How many operations there were.
  public let count: Int
  /// Those that are not durable, in the order in which they were added.
  public let failures: [Failure]

  /// An operation that has failed.
  public struct Failure: Hashable, Sendable {
    /// Its number: how many were added before it.
    public let index: Int
    /// Why.
    public let error: PMem2Error
  }

  /// Whether all bytes are there, and durable.
  public var isSuccess: Bool { failures.isEmpty }

  /// Returns if all has succeeded.
  ///
  /// - Throws: The first error, if an operation has failed.
  public func get() throws(PMem2Error) {
    if let failure = failures.first { throw failure.error }
  }
}
