import MiniAsync

/// How a fiber waits for a future: polls it with a waker that ends this very park, parks, repeats.
///
/// Without types, so that what is specialised for each future is only its poll.
@usableFromInline
enum FutureWait {
  /// Polls until `poll` says complete, and parks the running fiber in between.
  ///
  /// Each poll gets a waker of its own, with a ticket for the park that follows. A wake that comes
  /// during the poll ends that park before it begins; one of an earlier poll does nothing, because
  /// whoever calls it has published before, and the poll since then has looked.
  ///
  /// - Throws: ``FiberCancelled``, before a poll or while parked; nothing is registered then.
  @usableFromInline
  static func untilComplete(
    _ function: StaticString, _ poll: (inout Notifier) -> FutureState
  ) throws(FiberCancelled) {
    let scheduler = Fiber.fiberScheduler(function)
    var pauses = RepeatedPolls()
    while true {
      var next = Next.poll
      try scheduler.parkExternally(as: .future) { door, token in
        var notifier = Notifier(waker: Waker(door, token: token))
        if poll(&notifier) == .complete {
          next = .end
        } else if notifier.used != .waker {
          next = .pause
        } else if door.isWoken(token) {
          next = .yield
        } else {
          return
        }
        // There is no park then.
        door.wake(token: token)
      }
      switch next {
      case .end: return
      case .poll: pauses = RepeatedPolls()
      // Woken during the poll, perhaps by itself: the other fibers have their turn all the same.
      case .yield: try scheduler.yield()
      case .pause: try pauses.pass(scheduler)
      }
    }
  }

  /// The same to the end, whatever happens to the fiber.
  @usableFromInline
  static func untilCompleteShielded(
    _ function: StaticString, _ poll: (inout Notifier) -> FutureState
  ) {
    Fiber.shield {
      do throws(FiberCancelled) {
        try untilComplete(function, poll)
      } catch {
        misuse("\(function): a wait inside a shield was cut short")
      }
    }
  }

  /// Makes the cancellation that was just delivered, and answered, one for the next suspension.
  @usableFromInline
  static func putBack(_ error: FiberCancelled) { Fiber.deliverLater(error) }

  private enum Next {
    case end
    case poll
    case yield
    case pause
  }
}

/// How the time passes between polls of a future that cannot call its waiter, or watches a word.
///
/// The one place that decides it. A thread with other fibers must not watch a word, so all such
/// futures are polled again after a turn for each other ready fiber, and later after sleeps that
/// grow to a millisecond.
private struct RepeatedPolls {
  private var passes = 0

  mutating func pass(_ scheduler: Scheduler) throws(FiberCancelled) {
    passes += 1
    if passes <= 64 { return try scheduler.yield() }
    let doublings = min((passes - 64) / 8, 10)
    try scheduler.sleep(until: scheduler.readClock() + Int64(1000 << doublings))
  }
}

extension Door {
  /// Whether the wait of `token`, which the running fiber began and has not left, was ended.
  func isWoken(_ token: UInt64) -> Bool {
    guard let fiber = blocks[UInt32(token >> WakeWord.ticketBits)] else { return true }
    // A hint: finishExternalWait orders.
    let word = unsafe WakeWord(raw: fiber.pointer.pointee.wakeWord.load(ordering: .relaxed))
    return word.state == .notified
  }
}
