/// One alternative of ``Fiber/select(_:_:)``: ``SelectReceive`` or ``SelectSend``.
public protocol SelectCase: ~Copyable {
  /// Does it now, if that needs no waiting.
  ///
  /// For `select` only.
  mutating func _attempt() -> Bool

  /// Calls `body` with a place where others can do it for this fiber meanwhile.
  ///
  /// For `select` only.
  mutating func _withPlace(
    _ scheduler: SelectScheduler, _ body: (SelectPlace) throws(FiberCancelled) -> Void
  ) throws(FiberCancelled)
}

/// What a select hands to its cases: nothing that users need.
public struct SelectScheduler {
  let scheduler: Scheduler

  init(_ scheduler: Scheduler) { self.scheduler = scheduler }

  /// The alternative to be attempted first.
  @usableFromInline
  func choose(from count: Int) -> Int { scheduler.choose(from: count) }

  /// Parks the running fiber until the alternative at `first`, or one that follows it, is chosen.
  ///
  /// - Returns: Which one, from 0.
  @usableFromInline
  func wait(at first: SelectPlace) throws(FiberCancelled) -> Int {
    try unsafe scheduler.park(on: UnsafeMutableRawPointer(first.node), as: .select)
    var index = 0
    var node = unsafe first.node
    while unsafe node.pointee.outcome == .none, let next = unsafe node.pointee.sibling {
      unsafe node = next
      index += 1
    }
    return index
  }

  /// Parks the running fiber as a receiver of `count` channels, all with the same slot.
  ///
  /// - Returns: Which one has served it, or is closed, from 0.
  @usableFromInline
  func wait(
    count: Int, slot: UnsafeMutableRawPointer,
    core: (Int) -> UnsafeMutablePointer<ChannelCore>
  ) throws(FiberCancelled) -> Int {
    let result: Result<Int, FiberCancelled> = unsafe withUnsafeTemporaryAllocation(
      of: ChannelWaiter.self, capacity: count
    ) { nodes in
      guard let first = nodes.baseAddress else { preconditionFailure("Fiber.select: no channels") }
      for index in 0..<count {
        let node = unsafe (first + index)
        unsafe node.initialize(
          to: ChannelWaiter(scheduler, core(index), isSender: false, slot: slot))
        if index > 0 { unsafe nodes[index - 1].sibling = node }
        unsafe ChannelCore.enqueue(node)
      }
      defer { for index in 0..<count { unsafe ChannelCore.dequeue(first + index) } }
      do throws(FiberCancelled) {
        return .success(try unsafe wait(at: SelectPlace(node: first)))
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }
}

/// The place of a case in the queue of its channel: nothing that users need.
@safe
public struct SelectPlace {
  @usableFromInline let node: UnsafeMutablePointer<ChannelWaiter>

  @inlinable
  @inline(__always)
  init(node: UnsafeMutablePointer<ChannelWaiter>) { unsafe self.node = node }

  @usableFromInline
  func isFollowed(by other: SelectPlace) { unsafe node.pointee.sibling = other.node }
}

extension ChannelCore {
  /// Calls `body` with a place in the queue of `side` meanwhile.
  ///
  /// Inlined into the select: see ``Scheduler/park(in:as:)``.
  @inlinable
  @inline(__always)
  static func withPlace(
    _ core: UnsafeMutablePointer<ChannelCore>, _ side: Side, slot: UnsafeMutableRawPointer,
    _ scheduler: SelectScheduler, _ body: (SelectPlace) throws(FiberCancelled) -> Void
  ) throws(FiberCancelled) {
    var waiter = unsafe ChannelWaiter(
      scheduler, core, isSender: side == .sender, slot: slot)
    // SAFETY: the node is on this stack and leaves the queue before this returns.
    try unsafe withUnsafeMutablePointer(to: &waiter) { node throws(FiberCancelled) in
      unsafe enqueue(node)
      defer { unsafe dequeue(node) }
      try unsafe body(SelectPlace(node: node))
    }
  }
}
