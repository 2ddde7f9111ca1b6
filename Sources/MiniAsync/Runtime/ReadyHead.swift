import Synchronization

/// The one word of a ``ReadyList`` that wakers and the waiter race for: a pure value whose
/// transitions tell what to do.
///
/// It is the head of a linked list of indices, and at the same time says whether the waiter is
/// parked. So "something was woken" and "go to sleep" exclude each other by one compare-exchange,
/// and a wake between the poll and the sleep is never lost.
@usableFromInline
struct ReadyHead: RawRepresentable, AtomicRepresentable, Hashable, Sendable {
  @usableFromInline let rawValue: UInt32

  @usableFromInline
  init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Nothing is woken, the waiter is busy.
  static let empty = ReadyHead(rawValue: 0)
  /// Nothing is woken, the waiter is parked or about to be.
  static let parked = ReadyHead(rawValue: .max)
  /// The largest index that can be woken.
  static let maximumIndex = UInt32.max - 2

  /// The first woken index, if any.
  var first: UInt32? {
    self == .empty || self == .parked ? nil : rawValue - 1
  }

  /// Puts `index` in front.
  ///
  /// - Returns: What the index must link to, and whether the waiter must be unparked.
  mutating func push(_ index: UInt32) -> (next: ReadyHead, unpark: Bool) {
    let old = self
    self = ReadyHead(rawValue: index + 1)
    return old == .parked ? (.empty, true) : (old, false)
  }

  /// Announces that the waiter goes to sleep.
  ///
  /// It may only if this returns `true`.
  mutating func park() -> Bool {
    guard self == .empty || self == .parked else { return false }
    self = .parked
    return true
  }

  /// Takes the whole list, and ends a park.
  mutating func take() -> UInt32? {
    defer { self = .empty }
    return first
  }
}
