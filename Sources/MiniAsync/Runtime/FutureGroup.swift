/// A set of futures of one type that complete in any order, and may grow meanwhile.
///
/// ```swift
/// var group = FutureGroup<OperationFuture<ThreadMover>>()
/// while let chunk = chunks.next() {
///   group.add(mover.memcpy(to: chunk.destination, from: chunk.source, byteCount: chunk.count))
///   if group.count == window, let done = runtime.next(&group) { check(done) }
/// }
/// while let done = runtime.next(&group) { check(done) }
/// ```
///
/// Only futures that were woken are polled, so the cost of a completion does not depend on how
/// many are in the group. It may be waited for by a ``Runtime``, by `await` (``next()``), or be
/// polled as part of another future (``poll(_:)``).
///
/// A group is used by one thread at a time. Dropping it drops its futures, which need not end what
/// they have started: see ``Runtime/drain(_:)``.
public struct FutureGroup<F: Future & ~Copyable>: ~Copyable {
  /// A future of the group that has completed.
  public struct Completion {
    /// The future's number: how many were added before it.
    public let id: Int
    /// Its output.
    public let output: F.Output
  }

  @usableFromInline var engine: WaitEngine
  @usableFromInline let store: FutureStore<F>
  /// The group's own waker: what is woken in it wakes whoever waits for the group.
  private let cell: WakerCell

  /// Makes an empty group.
  ///
  /// - Parameter minimumCapacity: How many futures it will hold at once without allocating.
  @inlinable
  public init(minimumCapacity: Int = 0) {
    unsafe self.init(minimumCapacity) { unsafe $0.deinitialize(count: 1) }
  }

  @usableFromInline
  init(_ minimumCapacity: Int, destroy: @escaping (UnsafeMutablePointer<F>) -> Void) {
    cell = WakerCell()
    let list = ReadyList(unparking: .relay(cell))
    engine = WaitEngine(list: list, configuration: Runtime.Configuration())
    store = unsafe FutureStore(list: list, destroy: destroy)
    store.grow(to: minimumCapacity)
  }

  /// The number of futures in the group, with those that are complete and were not taken.
  public var count: Int { store.count }

  /// Whether there is nothing to wait for and nothing to take.
  public var isEmpty: Bool { count == 0 }

  @usableFromInline var takenCount: Int { store.takenCount }

  @usableFromInline
  borrowing func hasProperty(_ property: FutureProperty) -> Bool { store.hasProperty(property) }

  /// Adds a future.
  ///
  /// It is not polled before the group is waited for or polled.
  ///
  /// - Returns: The future's number, by which its ``Completion`` is known.
  /// - Complexity: O(1) amortised; allocates only when the group grows.
  @discardableResult
  public mutating func add(_ future: consuming F) -> Int { store.add(future) }

  /// Asks all futures in the group to finish early.
  public mutating func cancelAll() { store.cancelAll() }

  /// Takes a future that has completed out of the group, without polling; `nil` if there is none.
  public mutating func takeCompleted() -> Completion? { store.takeCompleted() }

  /// Polls the futures that want it, each at most once.
  ///
  /// - Parameter notifier: Is told when the group wants to be polled again.
  /// - Returns: Whether there is a completion to take, or nothing to wait for. If so the notifier
  ///   was told nothing: take, and poll again before waiting.
  @inlinable
  public mutating func poll(_ notifier: inout Notifier) -> Bool {
    register(&notifier)
    let store = store
    let body = { (index: Int, notifier: inout Notifier) in store.poll(index, &notifier) }
    pollFresh(body)
    _ = engine.pollReady(isAsync: { store.isAsync($0) }, body)

    if store.hasCompleted || store.isEmpty { return true }
    park(&notifier)
    return false
  }

  /// Polls the futures that were never polled, asynchronous ones first.
  @inlinable
  @inline(__always)
  mutating func pollFresh(_ body: (Int, inout Notifier) -> FutureState) {
    if store.fresh.isEmpty { return }
    for index in store.fresh where store.isAsync(Int(index)) {
      store.startedAsync = true
      _ = engine.poll(Int(index), body)
    }
    // Not "the others": a poll may have changed the property.
    for index in store.fresh where !engine.isStarted(Int(index)) {
      _ = engine.poll(Int(index), body)
    }
    store.clearFresh()
  }

  @usableFromInline
  mutating func register(_ notifier: inout Notifier) { cell.register(&notifier) }

  /// Ends a poll that found nothing complete.
  @usableFromInline
  mutating func park(_ notifier: inout Notifier) {
    if engine.repeating.isEmpty && engine.watching.count == 1 {
      notifier.watch(engine.watching[0].poller)
    } else if !engine.repeating.isEmpty || !engine.watching.isEmpty {
      notifier.pollRepeatedly()
    }
    // What was woken since it was looked at has not woken the cell, for nothing was parked.
    if !engine.list.announcePark() { cell.wake() }
  }
}

extension FutureGroup.Completion: Sendable where F: ~Copyable, F.Output: Sendable {}
