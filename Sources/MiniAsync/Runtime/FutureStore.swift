/// The futures of a ``FutureGroup``, each in a place that is used again and again.
///
/// Used by one thread at a time, like the group.
@safe
@usableFromInline
final class FutureStore<F: Future & ~Copyable> {
  private let list: ReadyList

  // Place i holds a future if, and only if, its node is not marked `done` or its `ids` entry is
  // not negative.
  @usableFromInline var places: UnsafeMutablePointer<F>
  /// The number of the future in each place; -1 for a free one.
  private var ids: [Int] = []
  /// The free places, that used last at the end.
  private var free: [UInt32] = []
  /// The places whose future was not polled yet.
  @usableFromInline var fresh: [UInt32] = []
  private var added = 0

  /// Completed and not taken, the first at `nextCompleted`.
  private var completed: [FutureGroup<F>.Completion] = []
  private var nextCompleted = 0

  /// Ends a future in its place.
  ///
  /// Formed where the type is known: Swift 6.3.1 skips the `deinit` of a generic non-copyable
  /// struct that optimised code destroys without knowing it.
  private let destroy: (UnsafeMutablePointer<F>) -> Void

  init(list: ReadyList, destroy: @escaping (UnsafeMutablePointer<F>) -> Void) {
    self.list = list
    unsafe self.destroy = destroy
    unsafe places = .allocate(capacity: 0)
  }

  deinit {
    for index in ids.indices where ids[index] >= 0 {
      unsafe destroy(places + index)
    }
    unsafe places.deallocate()
  }

  var count: Int { ids.count - free.count + completed.count - nextCompleted }

  var takenCount: Int { added - count }

  /// Whether one of the futures was asynchronous before it was polled for the first time.
  ///
  /// Remembered, because asking all of them at each wake would cost what polling all does.
  @usableFromInline var startedAsync = false

  /// Whether one of the futures that were not polled yet has `property`, or one of the others had
  /// it before its first poll.
  func hasProperty(_ property: FutureProperty) -> Bool {
    if count == 0 { return false }
    return startedAsync || fresh.contains { unsafe places[Int($0)].hasProperty(property) }
  }

  @usableFromInline
  func clearFresh() { fresh.removeAll(keepingCapacity: true) }

  @usableFromInline var isEmpty: Bool { count == 0 }

  @usableFromInline var hasCompleted: Bool { nextCompleted < completed.count }

  func grow(to capacity: Int) {
    guard capacity > ids.count else { return }
    list.reserve(capacity)
    let larger = UnsafeMutablePointer<F>.allocate(capacity: capacity)
    for index in ids.indices where ids[index] >= 0 {
      unsafe (larger + index).moveInitialize(from: places + index, count: 1)
    }
    unsafe places.deallocate()
    unsafe places = unsafe larger
    for index in stride(from: capacity - 1, through: ids.count, by: -1) {
      unsafe list.node(index).pointee.mark = .done
      free.append(UInt32(index))
    }
    ids.append(contentsOf: repeatElement(-1, count: capacity - ids.count))
  }

  func add(_ future: consuming F) -> Int {
    if count == 0 { startedAsync = false }
    if free.isEmpty { grow(to: max(16, ids.count * 2)) }
    let index = Int(free.removeLast())
    // SAFETY: a free place holds no future.
    unsafe (places + index).initialize(to: future)
    // The last future in this place may still stand in the engine's list of repeated polls.
    let node = unsafe list.node(index)
    let mark = unsafe node.pointee.mark
    unsafe node.pointee.mark = mark.intersection(.listed)
    ids[index] = added
    fresh.append(UInt32(index))
    added += 1
    return added - 1
  }

  @inlinable
  func isAsync(_ index: Int) -> Bool {
    // SAFETY: the engine knows indices of places that hold a future, or are marked `done`.
    guard !isDone(index) else { return false }
    return unsafe places[index].hasProperty(.async)
  }

  @usableFromInline
  func isDone(_ index: Int) -> Bool { unsafe list.node(index).pointee.mark.contains(.done) }

  /// Polls the future of `index`, and moves it to the completed ones when it is.
  @inlinable
  func poll(_ index: Int, _ notifier: inout Notifier) -> FutureState {
    // SAFETY: the engine polls no place that is marked `done`.
    let state = unsafe places[index].poll(&notifier)
    if state == .complete, let output = unsafe places[index].output { finish(index, output) }
    return state
  }

  @usableFromInline
  func finish(_ index: Int, _ output: F.Output) {
    completed.append(.init(id: ids[index], output: output))
    // SAFETY: the place holds the future that was just polled.
    unsafe destroy(places + index)
    ids[index] = -1
    free.append(UInt32(index))
    // The engine marks the node `done` when this returns.
    list.renew(index)
  }

  func cancelAll() {
    for index in ids.indices where ids[index] >= 0 {
      unsafe places[index].cancel()
      // Whatever the cancel has changed, a poll will find.
      list.wake(token: list.token(index))
    }
  }

  func takeCompleted() -> FutureGroup<F>.Completion? {
    guard hasCompleted else { return nil }
    let completion = completed[nextCompleted]
    nextCompleted += 1
    // Amortised O(1), and no output is kept for long by a group that never runs dry.
    if nextCompleted * 2 >= completed.count {
      completed.removeFirst(nextCompleted)
      nextCompleted = 0
    }
    return completion
  }
}
