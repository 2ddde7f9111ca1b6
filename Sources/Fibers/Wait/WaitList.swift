/// Fibers that wait for the same thing, first come first served.
///
/// A circle through the control blocks: adding, taking the first and removing any one are O(1) and
/// allocate nothing. The list must stay where it is while it is not empty: waiters point to it, so
/// that a cancelled fiber can be taken out without knowing what it waited for.
struct WaitList {
  private var first: FiberRef?

  var isEmpty: Bool { first == nil }

  /// Adds `fiber` at the back of the list at `list`.
  static func append(_ fiber: FiberRef, to list: UnsafeMutablePointer<WaitList>) {
    unsafe fiber.waitSubject = UnsafeMutableRawPointer(list)
    if let first = unsafe list.pointee.first, let last = first.previous {
      fiber.next = first
      fiber.previous = last
      last.next = fiber
      first.previous = fiber
    } else {
      fiber.next = fiber
      fiber.previous = fiber
      unsafe list.pointee.first = fiber
    }
  }

  /// Takes the fiber that waits longest.
  mutating func popFirst() -> FiberRef? {
    guard let fiber = first else { return nil }
    remove(fiber)
    return fiber
  }

  /// Takes `fiber`, which waits in a list, out of it.
  static func remove(_ fiber: FiberRef) {
    guard fiber.waitKind.isListed, let list = unsafe fiber.waitSubject else { return }
    // SAFETY: for these kinds append() above stored the address of a list there.
    unsafe list.assumingMemoryBound(to: WaitList.self).pointee.remove(fiber)
  }

  private mutating func remove(_ fiber: FiberRef) {
    if let next = fiber.next, let previous = fiber.previous, next != fiber {
      previous.next = next
      next.previous = previous
      if first == fiber { first = next }
    } else {
      first = nil
    }
    fiber.next = nil
    fiber.previous = nil
    unsafe fiber.waitSubject = nil
  }
}
