/// Who has a turn, and in which order: the running fiber and those that can run, in a circle through
/// the control blocks.
///
/// A fiber that runs stays in the circle, at its front. So a yield only moves on by one: it reads one
/// link and writes none. First come first served, the same at every size, so that no fiber is ever
/// more than one turn ahead of another (D11).
struct ReadyQueue {
  /// The one before the front: its link leads there.
  private var last: FiberRef?

  @inline(__always)
  var isEmpty: Bool { last == nil }

  /// Whether nobody can run but `fiber`.
  func isEmpty(besides fiber: FiberRef) -> Bool {
    last.map { $0 == fiber && $0.next == fiber } ?? true
  }

  /// Whose turn it is; while the root runs, whose it is next.
  @inline(__always)
  var first: FiberRef? { last?.next }

  /// Adds a fiber behind all others.
  @inline(__always)
  mutating func append(_ fiber: FiberRef) {
    if let last {
      fiber.next = last.next
      last.next = fiber
    } else {
      fiber.next = fiber
    }
    last = fiber
  }

  /// Moves on by one: `first`, which is at the front, becomes the last.
  @inline(__always)
  mutating func rotate(_ first: FiberRef) { last = first }

  /// Takes out `first`, which is at the front.
  @inline(__always)
  mutating func removeFirst(_ first: FiberRef) {
    if last == first {
      last = nil
    } else {
      last?.next = first.next
    }
  }
}
