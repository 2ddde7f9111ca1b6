/// Waiting for the first of several channels.
extension Fiber where Success == Never, Failure == Never {
  /// Does exactly one of the alternatives, and parks the running fiber until one can be done.
  ///
  ///     var job = SelectReceive(from: jobs)
  ///     var stop = SelectReceive(from: stops)
  ///     while true {
  ///       switch try Fiber.select(&job, &stop) {
  ///       case .first: run(job.take())
  ///       case .second: return
  ///       }
  ///     }
  ///
  /// Fair: where several can be done at once, each is chosen equally often; the choice is the same in
  /// each run of a program. An alternative whose channel is closed can be done: a receiver gets `nil`,
  /// a sender keeps its element. For a time limit, call it inside ``withTimeout(_:_:)``.
  ///
  /// - Parameters:
  ///   - a: An alternative.
  ///   - b: An alternative; may be for the same channel.
  /// - Returns: The alternative that was done; the other has had no effect.
  /// - Throws: ``FiberCancelled``: none was done.
  /// - Precondition: Called by a fiber.
  /// - Complexity: O(1), no allocation.
  @available(*, noasync, message: "it parks a fiber, not a task")
  @inlinable
  public static func select<A: SelectCase & ~Copyable, B: SelectCase & ~Copyable>(
    _ a: inout A, _ b: inout B
  ) throws(FiberCancelled) -> SelectChoice2 {
    let scheduler = selectScheduler()
    var chosen = scheduler.choose(from: 2)
    for _ in 0..<2 {
      let isDone = chosen == 0 ? a._attempt() : b._attempt()
      if isDone { return SelectChoice2(chosen) }
      chosen = (chosen + 1) % 2
    }
    try a._withPlace(scheduler) { a throws(FiberCancelled) in
      try b._withPlace(scheduler) { b throws(FiberCancelled) in
        a.isFollowed(by: b)
        chosen = try scheduler.wait(at: a)
      }
    }
    return SelectChoice2(chosen)
  }

  /// The same with three alternatives; see ``select(_:_:)``.
  ///
  /// - Parameters:
  ///   - a: An alternative.
  ///   - b: An alternative.
  ///   - c: An alternative.
  /// - Returns: The alternative that was done.
  /// - Throws: ``FiberCancelled``: none was done.
  @available(*, noasync, message: "it parks a fiber, not a task")
  @inlinable
  public static func select<
    A: SelectCase & ~Copyable, B: SelectCase & ~Copyable,
    C: SelectCase & ~Copyable
  >(
    _ a: inout A, _ b: inout B, _ c: inout C
  ) throws(FiberCancelled) -> SelectChoice3 {
    let scheduler = selectScheduler()
    var chosen = scheduler.choose(from: 3)
    for _ in 0..<3 {
      let isDone =
        switch chosen {
        case 0: a._attempt()
        case 1: b._attempt()
        default: c._attempt()
        }
      if isDone { return SelectChoice3(chosen) }
      chosen = (chosen + 1) % 3
    }
    try a._withPlace(scheduler) { a throws(FiberCancelled) in
      try b._withPlace(scheduler) { b throws(FiberCancelled) in
        try c._withPlace(scheduler) { c throws(FiberCancelled) in
          a.isFollowed(by: b)
          b.isFollowed(by: c)
          chosen = try scheduler.wait(at: a)
        }
      }
    }
    return SelectChoice3(chosen)
  }

  /// The same with four alternatives; see ``select(_:_:)``.
  ///
  /// - Parameters:
  ///   - a: An alternative.
  ///   - b: An alternative.
  ///   - c: An alternative.
  ///   - d: An alternative.
  /// - Returns: The alternative that was done.
  /// - Throws: ``FiberCancelled``: none was done.
  @available(*, noasync, message: "it parks a fiber, not a task")
  @inlinable
  public static func select<
    A: SelectCase & ~Copyable, B: SelectCase & ~Copyable,
    C: SelectCase & ~Copyable, D: SelectCase & ~Copyable
  >(
    _ a: inout A, _ b: inout B, _ c: inout C, _ d: inout D
  ) throws(FiberCancelled) -> SelectChoice4 {
    let scheduler = selectScheduler()
    var chosen = scheduler.choose(from: 4)
    for _ in 0..<4 {
      let isDone =
        switch chosen {
        case 0: a._attempt()
        case 1: b._attempt()
        case 2: c._attempt()
        default: d._attempt()
        }
      if isDone { return SelectChoice4(chosen) }
      chosen = (chosen + 1) % 4
    }
    try a._withPlace(scheduler) { a throws(FiberCancelled) in
      try b._withPlace(scheduler) { b throws(FiberCancelled) in
        try c._withPlace(scheduler) { c throws(FiberCancelled) in
          try d._withPlace(scheduler) { d throws(FiberCancelled) in
            a.isFollowed(by: b)
            b.isFollowed(by: c)
            c.isFollowed(by: d)
            chosen = try scheduler.wait(at: a)
          }
        }
      }
    }
    return SelectChoice4(chosen)
  }

  /// Receives from the first of the channels that has an element or is closed.
  ///
  /// As ``select(_:_:)`` with any number of receiving alternatives.
  ///
  /// - Parameter channels: One or more.
  /// - Returns: Which channel it was, and its element; `nil` when that channel is closed and drained.
  /// - Throws: ``FiberCancelled``: nothing was received.
  /// - Precondition: Called by a fiber.
  /// - Complexity: O(n); allocates when there are more than about ten.
  @available(*, noasync, message: "it parks a fiber, not a task")
  @inlinable
  public static func select<Element>(
    receivingFrom channels: [Channel<Element>]
  ) throws(FiberCancelled) -> (index: Int, element: Element?) {
    require(!channels.isEmpty, "Fiber.select: there is no channel to receive from")
    let scheduler = selectScheduler()
    let start = scheduler.choose(from: channels.count)
    for offset in 0..<channels.count {
      let index = (start + offset) % channels.count
      var attempt = SelectReceive(from: channels[index])
      if attempt._attempt() { return (index, attempt.take()) }
    }
    var slot: Element? = nil
    // SAFETY: the slot stays where it is until the wait is over; it is served once.
    let index = try unsafe withUnsafeMutablePointer(to: &slot) { slot throws(FiberCancelled) in
      try unsafe scheduler.wait(
        count: channels.count, slot: UnsafeMutableRawPointer(slot),
        core: { unsafe channels[$0].core })
    }
    return (index, slot)
  }

  /// The scheduler of the running fiber, for a select.
  @usableFromInline
  static func selectScheduler() -> SelectScheduler {
    SelectScheduler(fiberScheduler("Fiber.select"))
  }
}
