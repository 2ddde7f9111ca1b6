// Futures awaited from Swift concurrency.

extension Future where Self: ~Copyable {
  /// Waits for the future without blocking a thread, and returns its output.
  ///
  /// The future is polled by the calling task, on the caller's actor, and the task is suspended in
  /// between: so the future need not be `Sendable`, and chains with their maps can be awaited. A
  /// future that uses no waker is polled again after a yield, then after sleeps that grow to a
  /// millisecond.
  ///
  /// Cancelling the task calls ``Future/cancel()`` once; the task then goes on waiting for what
  /// the future makes of it. A future that does not support cancellation is waited for to its end.
  ///
  /// ```swift
  /// let copied = await mover.memcpy(to: destination, from: source, byteCount: n).value()
  /// ```
  @inlinable
  public consuming func value(
    isolation: isolated (any Actor)? = #isolation
  ) async -> Output {
    var driver = TaskDriver()
    while true {
      driver.beginPoll()
      _ = poll(&driver.notifier)
      if let output { return output }
      if driver.shouldCancel() {
        cancel()
      } else {
        await driver.suspend()
      }
    }
  }
}

extension FutureGroup where F: ~Copyable {
  /// Waits for the next future of the group that completes, without blocking a thread.
  ///
  /// Cancelling the task cancels all futures of the group, once per call.
  ///
  /// - Returns: What has completed, in the order of completion; `nil` if the group is empty.
  public mutating func next(
    isolation: isolated (any Actor)? = #isolation
  ) async -> Completion? {
    var driver = TaskDriver()
    while true {
      driver.beginPoll()
      if poll(&driver.notifier) { return takeCompleted() }
      if driver.shouldCancel() {
        cancelAll()
      } else {
        await driver.suspend()
      }
    }
  }
}

/// What a task needs to drive a future: a waker, the cancellation, and pauses.
@usableFromInline
struct TaskDriver: ~Copyable {
  private let waiter: TaskWaiter
  @usableFromInline var notifier: Notifier
  private var isCancelled = false
  private var pauses = 0

  @usableFromInline
  init() {
    waiter = TaskWaiter()
    notifier = Notifier(waker: Waker(waiter))
  }

  /// Forgets what the last poll has used; so that one after a cancellation is seen for itself.
  @usableFromInline
  mutating func beginPoll() { notifier.reset(token: 0) }

  /// Whether the task was cancelled and this was not answered yet.
  @usableFromInline
  mutating func shouldCancel() -> Bool {
    if isCancelled || !Task.isCancelled { return false }
    isCancelled = true
    return true
  }

  /// Suspends until another poll is worth while.
  @usableFromInline
  mutating func suspend(isolation: isolated (any Actor)? = #isolation) async {
    if notifier.used == .waker {
      pauses = 0
      let waiter = waiter
      if waiter.takeWake() {
        // Woken already, perhaps by itself: the other tasks have their turn all the same.
        await Task.yield()
      } else if isCancelled {
        await waiter.suspend()
      } else {
        await withTaskCancellationHandler {
          await waiter.suspend()
        } onCancel: {
          waiter.wake(token: 0)
        }
      }
      return
    }
    // A thread of the pool must not watch a word: so all others are polled after a pause.
    pauses += 1
    if pauses <= 16 {
      await Task.yield()
    } else {
      let doublings = min(pauses - 16, 7)
      let pause = Duration.microseconds(8 << doublings)
      if isCancelled {
        // A cancelled task no longer sleeps; another sleeps for it.
        await Task.detached { try? await Task.sleep(for: pause) }.value
      } else {
        try? await Task.sleep(for: pause)
      }
    }
  }
}
