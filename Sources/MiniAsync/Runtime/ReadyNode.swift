import Synchronization

/// What wakers and the waiter share of one future: 8 bytes.
///
/// Apart from ``ReadyNode``, so that the waiter's changes of its own part are no accesses to this.
@usableFromInline
struct ReadyLink: ~Copyable {
  /// Generation and "is in the list", the part that wakers race for.
  let wakeWord = Atomic<WakeWord>(WakeWord(generation: 0, isQueued: false))
  /// The next woken index.
  ///
  /// Written by the waker that set `isQueued`, read by the waiter that took the list: ordered by
  /// the head of the list, not by itself.
  let next = Atomic<ReadyHead>(.empty)
}

/// What the waiter alone keeps of one future: 12 bytes.
@usableFromInline
struct ReadyNode {
  /// The generation that tokens carry now.
  @usableFromInline var generation: UInt32 = 0
  /// What the waiter knows of the future.
  @usableFromInline var mark: Mark = []
  /// Where it stands among the watched words, if it is marked so.
  @usableFromInline var watch: UInt32 = 0

  @usableFromInline
  init() {}

  /// What the waiter knows of a future.
  @usableFromInline
  struct Mark: OptionSet {
    @usableFromInline let rawValue: UInt8

    @inlinable
    init(rawValue: UInt8) { self.rawValue = rawValue }

    /// It was polled at least once.
    @inlinable static var started: Mark { Mark(rawValue: 1) }
    /// It is complete, its place is free, or no wait is under way: not to be polled.
    @inlinable static var done: Mark { Mark(rawValue: 2) }
    /// It wants to be polled again after a pause.
    @inlinable static var repeats: Mark { Mark(rawValue: 4) }
    /// It stands in the list of futures to poll again (it may have stopped wanting that).
    @inlinable static var listed: Mark { Mark(rawValue: 8) }
    /// It stands in the list of words to watch.
    @inlinable static var watched: Mark { Mark(rawValue: 16) }
  }
}

/// The word of a ``ReadyLink`` that wakers race for.
struct WakeWord: RawRepresentable, AtomicRepresentable, Hashable, Sendable {
  let rawValue: UInt32

  init(rawValue: UInt32) { self.rawValue = rawValue }

  init(generation: UInt32, isQueued: Bool) {
    rawValue = generation << 1 | (isQueued ? 1 : 0)
  }

  /// 31 bits that tell successive futures in one place apart.
  var generation: UInt32 { rawValue >> 1 }
  var isQueued: Bool { rawValue & 1 != 0 }
}
