/// The fibers that can run, first come first served: one list through the control blocks, the same
/// at every size, so that no fiber is ever more than one turn ahead of another (D11).
struct ReadyQueue {
  private var head: FiberRef?
  private var tail: FiberRef?

  @inline(__always)
  var isEmpty: Bool { head == nil }

  @inline(__always)
  mutating func append(_ fiber: FiberRef) {
    fiber.next = nil
    if let tail {
      tail.next = fiber
    } else {
      head = fiber
    }
    tail = fiber
  }

  @inline(__always)
  mutating func popFirst() -> FiberRef? {
    guard let fiber = head else { return nil }
    head = fiber.next
    if head == nil { tail = nil }
    return fiber
  }
}
