import CMiniAsync

/// The inside of every wait: which futures to poll, and what to do when none wants it.
///
/// The futures themselves are elsewhere (an array, a group, a few variables); the engine knows
/// them by index and polls them through a closure that is inlined. It is used by one thread at a
/// time.
///
/// - A future that took its waker is polled when it was woken, and at no other time.
/// - One that named a word is polled when the word has changed.
/// - One that used nothing is polled again and again, with growing pauses, in between the others.
@usableFromInline
struct WaitEngine: ~Copyable {
  @usableFromInline var list: ReadyList
  @usableFromInline var notifier: Notifier

  /// Futures that are polled again after a pause.
  @usableFromInline var repeating: [Repeating] = []
  /// Futures that named a word to watch.
  @usableFromInline var watching: [(index: UInt32, poller: Poller)] = []
  /// Polls owed to `repeating`: one for each poll of another future, so that a stream of wakes
  /// does not starve them and they do not slow down the stream.
  @usableFromInline var owed = 0

  /// What was woken, the last woken first; `.max` once it was polled.
  @usableFromInline var batch: [UInt32] = []
  private var backoff: Backoff
  private var spin: SpinLimit
  @usableFromInline var counts = Runtime.Statistics()

  /// A future that is polled again, with its node, so that a sweep need not look that up.
  @safe
  @usableFromInline
  struct Repeating {
    @usableFromInline let index: Int
    // SAFETY: nodes live and stay where they are as long as the list.
    @usableFromInline let node: UnsafeMutablePointer<ReadyNode>

    @usableFromInline
    init(index: Int, node: UnsafeMutablePointer<ReadyNode>) {
      self.index = index
      unsafe self.node = unsafe node
    }
  }

  init(list: ReadyList, configuration: Runtime.Configuration) {
    self.list = list
    notifier = Notifier(waker: Waker(list))
    backoff = Backoff(longestSleep: configuration.longestSleepNanoseconds)
    spin = SpinLimit(largest: configuration.spinLimit)
  }

  // MARK: Indices

  /// Makes room for the indices below `count`.
  @usableFromInline
  mutating func reserve(_ count: Int) {
    list.reserve(count)
    // All may be woken at once; better now than at the first wake.
    if batch.capacity < count { batch.reserveCapacity(count) }
  }

  /// Forgets the futures below `count` and all counts, for another wait.
  ///
  /// Wakers of this wait may be left somewhere, and be called at any time, even now. They have an
  /// old generation then; one that is in the middle of a wake may still put its index into the
  /// list of a later wait, where it costs a poll or, if the place is not in use, nothing.
  mutating func resetForReuse(count: Int) {
    notifier = Notifier()
    if !isKnownUniquelyReferenced(&list) {
      for index in 0..<count { list.renew(index) }
    }
    notifier = Notifier(waker: Waker(list))
    list.clear(using: &batch)
    // Places that the next wait does not use must not be polled by it.
    for index in 0..<count { unsafe list.node(index).pointee.mark = .done }
    // All are complete, so none is repeated or watched, but some may stand in the list still.
    if !repeating.isEmpty { repeating.removeAll(keepingCapacity: true) }
    if !watching.isEmpty { watching.removeAll(keepingCapacity: true) }
    owed = 0
    backoff.reset()
    counts = Runtime.Statistics()
  }

  // MARK: Polling

  /// What a poll of a future has come to.
  @usableFromInline
  enum Outcome {
    /// It is complete since this poll.
    case completed
    /// It wants what it wanted before.
    case unchanged
    /// Look at its mark.
    case changed
  }

  /// Polls the future of `index`, unless it is done, and notes how it wants to be polled again.
  @inlinable
  @inline(__always)
  mutating func poll(
    _ index: Int, _ body: (Int, inout Notifier) -> FutureState
  ) -> Outcome {
    let node = unsafe list.node(index)
    let mark = unsafe node.pointee.mark
    if mark.contains(.done) { return .changed }
    counts.polls &+= 1
    return unsafe poll(index, node, mark, body)
  }

  /// Polls a future that is not done; `mark` is its node's.
  @unsafe
  @inlinable
  @inline(__always)
  mutating func poll(
    _ index: Int, _ node: UnsafeMutablePointer<ReadyNode>, _ mark: ReadyNode.Mark,
    _ body: (Int, inout Notifier) -> FutureState
  ) -> Outcome {
    notifier.reset(token: UInt64(unsafe node.pointee.generation) << 32 | UInt64(index))
    if body(index, &notifier) == .complete {
      if mark.contains(.watched) { unwatch(index) }
      let mark = unsafe node.pointee.mark
      unsafe node.pointee.mark = mark.subtracting(.repeats).union([.started, .done])
      return .completed
    }
    // The two usual cases, in which nothing has changed since the last poll.
    if notifier.use == .waker && mark == .started { return .unchanged }
    if notifier.use.isEmpty && mark == [.started, .listed, .repeats] { return .unchanged }
    classify(index)
    return .changed
  }

  /// Notes what the future of the last poll used of the notifier.
  @usableFromInline
  mutating func classify(_ index: Int) {
    let node = unsafe list.node(index)
    if unsafe node.pointee.mark.contains(.watched) { unwatch(index) }
    var mark = unsafe node.pointee.mark.union(.started)
    if let poller = notifier.poller {
      unsafe node.pointee.watch = UInt32(watching.count)
      watching.append((UInt32(index), poller))
      mark.insert(.watched)
    }
    if notifier.used.isEmpty || notifier.used.contains(.repeatedPolls) {
      if !mark.contains(.listed) { unsafe repeating.append(Repeating(index: index, node: node)) }
      mark.formUnion([.listed, .repeats])
    } else {
      mark.remove(.repeats)
    }
    unsafe node.pointee.mark = mark
  }

  /// Stops watching the word of a future: it is valid until the next poll only.
  @usableFromInline
  mutating func unwatch(_ index: Int) {
    let position = unsafe Int(list.node(index).pointee.watch)
    // The last one takes its place.
    let last = watching.removeLast()
    if position < watching.count {
      watching[position] = last
      unsafe list.node(Int(last.index)).pointee.watch = UInt32(position)
    }
    list.unmark(index, .watched)
  }

  /// Whether the future of `index` was polled since its place was given to it.
  @inlinable
  @inline(__always)
  func isStarted(_ index: Int) -> Bool {
    unsafe list.node(index).pointee.mark.contains(.started)
  }

  @inlinable
  @inline(__always)
  func isDone(_ index: Int) -> Bool {
    unsafe list.node(index).pointee.mark.contains(.done)
  }

  /// Polls the futures below `count` for the first time, asynchronous ones first.
  ///
  /// - Returns: How many are complete.
  @inlinable
  @inline(__always)
  mutating func start(
    count: Int, isAsync: (Int) -> Bool, _ body: (Int, inout Notifier) -> FutureState
  ) -> Int {
    reserve(count)
    var completed = 0
    for index in 0..<count {
      unsafe list.node(index).pointee.mark = []
      if isAsync(index), poll(index, body) == .completed { completed += 1 }
    }
    for index in 0..<count where !isStarted(index) {
      if poll(index, body) == .completed { completed += 1 }
    }
    return completed
  }

  /// Polls whatever wants it now, each at most once.
  ///
  /// Never sleeps.
  ///
  /// - Returns: How many became complete.
  @inlinable
  @inline(__always)
  mutating func pollReady(
    isAsync: (Int) -> Bool, _ body: (Int, inout Notifier) -> FutureState
  ) -> Int {
    let woken = takeWoken()
    var completed = 0
    // In the order of their wakes, asynchronous ones first.
    for position in stride(from: woken - 1, through: 0, by: -1) {
      let index = Int(batch[position])
      if isAsync(index) {
        batch[position] = .max
        if pollWoken(index, body) { completed += 1 }
      }
    }
    // Not "the others": the property may have changed since, and each is polled exactly once.
    for position in stride(from: woken - 1, through: 0, by: -1) {
      let index = batch[position]
      if index != .max, pollWoken(Int(index), body) { completed += 1 }
    }
    if !watching.isEmpty { completed += pollChanged(body) }
    // Those that are polled anyway have their turn when nothing else had, or as often as others.
    owed += woken
    if !repeating.isEmpty && (woken == 0 || owed >= repeating.count) {
      completed += pollRepeating(body)
      owed = 0
    }
    if woken > 0 || completed > 0 { progressed() }
    return completed
  }

  @inlinable
  @inline(__always)
  mutating func pollWoken(_ index: Int, _ body: (Int, inout Notifier) -> FutureState) -> Bool {
    list.dequeue(index)
    counts.wakes &+= 1
    return poll(index, body) == .completed
  }

  /// Polls the futures whose word has changed, each at most once.
  @inlinable
  mutating func pollChanged(_ body: (Int, inout Notifier) -> FutureState) -> Int {
    var completed = 0
    var position = 0
    for _ in 0..<watching.count where position < watching.count {
      guard watching[position].poller.hasChanged else {
        position += 1
        continue
      }
      // The poll ends the validity of the word, and may add another at the end.
      let index = Int(watching[position].index)
      unwatch(index)
      if poll(index, body) == .completed { completed += 1 }
      progressed()
    }
    return completed
  }

  /// Polls the futures that are polled again and again.
  @inlinable
  mutating func pollRepeating(_ body: (Int, inout Notifier) -> FutureState) -> Int {
    // Out of `self` for the sweep. No future joins the list meanwhile: those polled stand in it.
    var entries = repeating
    repeating = []
    var completed = 0
    var polls = 0
    var kept = 0
    for position in 0..<entries.count {
      let entry = entries[position]
      let mark = unsafe entry.node.pointee.mark
      var isKept = mark.contains(.repeats)
      if isKept {
        polls &+= 1
        switch unsafe poll(entry.index, entry.node, mark, body) {
        case .unchanged: break
        case .changed: isKept = unsafe entry.node.pointee.mark.contains(.repeats)
        case .completed:
          completed += 1
          isKept = false
        }
      }
      if isKept {
        if kept != position { entries[kept] = entry }
        kept += 1
      } else {
        list.unmark(entry.index, .listed)
      }
    }
    if kept < entries.count { entries.removeLast(entries.count - kept) }
    swap(&repeating, &entries)
    counts.polls &+= polls
    return completed
  }

  // MARK: Nothing to poll

  /// Takes what was woken into `batch`, but for places that are done: they may hold no future
  /// that could be asked or polled.
  @usableFromInline
  mutating func takeWoken() -> Int {
    // Most often there was none: even emptying an array costs more than this look.
    if !batch.isEmpty { batch.removeAll(keepingCapacity: true) }
    list.take(into: &batch)
    var kept = 0
    for position in batch.indices {
      let index = batch[position]
      if isDone(Int(index)) {
        list.dequeue(Int(index))
      } else {
        if kept != position { batch[kept] = index }
        kept += 1
      }
    }
    batch.removeLast(batch.count - kept)
    return kept
  }

  @usableFromInline
  mutating func progressed() { backoff.reset() }

  /// Passes the time until another call of ``pollReady(isAsync:_:)`` is worth while.
  ///
  /// Threads only.
  @usableFromInline
  mutating func idle() {
    if repeating.isEmpty && watching.isEmpty {
      spinThenPark()
      return
    }
    switch backoff.next() {
    case .again: break
    case .pause(let count): pause(count)
    case .sleep(let nanoseconds):
      if list.park(nanoseconds: nanoseconds) { counts.sleeps &+= 1 }
    }
  }

  private mutating func spinThenPark() {
    for _ in 0..<spin.pauses {
      if list.hasWoken {
        spin.learn(hit: true)
        return
      }
      mini_cpu_pause()
    }
    let slept = list.park(nanoseconds: -1)
    spin.learn(hit: !slept)
    if slept { counts.sleeps &+= 1 }
  }

  private func pause(_ count: Int) {
    if watching.count == 1, repeating.isEmpty, mini_cpu_has_umwait() != 0 {
      // In slices, because wakes do not end the instruction. About 40 ticks to a CPU pause.
      let poller = watching[0].poller
      unsafe mini_cpu_umwait(
        UnsafeRawPointer(poller.address).assumingMemoryBound(to: UInt64.self), poller.value,
        UInt64(count) * 40)
      return
    }
    for _ in 0..<count {
      if list.hasWoken || watching.contains(where: { $0.poller.hasChanged }) { return }
      mini_cpu_pause()
    }
  }
}

// @unchecked: an engine moves between threads only at rest, between two waits, when it knows no
// future and watches no word; the rest of it are values and a list that is Sendable.
extension WaitEngine: @unchecked Sendable {}
