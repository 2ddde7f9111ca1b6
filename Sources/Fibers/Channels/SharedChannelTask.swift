import MiniAsync

/// A Swift task that waits for a channel: suspended until it is woken or cancelled.
final class SharedChannelTask: Sendable {
  @safe
  private enum State {
    case idle
    case woken
    case suspended(UnsafeContinuation<Void, Never>)
  }

  private let state = Locked(State.idle)

  /// Ends the wait, also one that has not begun.
  func wake() {
    let continuation: UnsafeContinuation<Void, Never>? = unsafe state.withLock { state in
      if case .suspended(let continuation) = state {
        state = .woken
        return unsafe continuation
      }
      state = .woken
      return nil
    }
    unsafe continuation?.resume()
  }

  /// Suspends the calling task until ``wake()`` or its cancellation.
  ///
  /// Once.
  func wait() async {
    await withTaskCancellationHandler {
      await unsafe withUnsafeContinuation { continuation in
        let isWoken = state.withLock { state in
          if case .woken = state { return true }
          unsafe state = .suspended(continuation)
          return false
        }
        if isWoken { unsafe continuation.resume() }
      }
    } onCancel: {
      wake()
    }
  }
}

/// The side of tasks: they are suspended.
extension SharedChannelCore {
  /// Sees an operation to its end; suspends the task if it has to wait.
  ///
  /// - Returns: What has become of it; ``SharedChannelMachine/Fate/waiting``: the task was cancelled.
  func finish(_ step: Step) async -> SharedChannelMachine.Fate {
    switch step {
    case .done(let wake):
      wake()
      return .served
    case .waits(let waiter):
      let task = SharedChannelTask()
      if setWake(.task(task), of: waiter) { await task.wait() }
      return look(waiter, givesUp: true)
    case .closed, .refused, .turnOver: return .closed
    }
  }
}
