/// Suspends a Swift task until a waker is called.
///
/// A wake that comes before the suspension is kept, so none is lost.
package final class TaskWaiter: WakeTarget {
  @safe
  private enum State {
    case idle
    case woken
    case suspended(UnsafeContinuation<Void, Never>)
  }

  private let state = Locked(State.idle)

  /// Waits for a wake from now on.
  package init() {}

  /// Ends a suspension, also one that has not begun; the token means nothing.
  package func wake(token: UInt64) {
    let continuation: UnsafeContinuation<Void, Never>? = unsafe state.withLock { state in
      if case .suspended(let continuation) = state {
        state = .idle
        return unsafe continuation
      }
      state = .woken
      return nil
    }
    unsafe continuation?.resume()
  }

  /// Whether there was a wake since the last time.
  func takeWake() -> Bool {
    state.withLock { state in
      guard case .woken = state else { return false }
      state = .idle
      return true
    }
  }

  /// Suspends the task until a wake, or returns at once if there was one since the last time.
  ///
  /// One task only may be suspended here at a time.
  package func suspend(isolation: isolated (any Actor)? = #isolation) async {
    await unsafe withUnsafeContinuation { continuation in
      let isWoken = state.withLock { state in
        if case .woken = state {
          state = .idle
          return true
        }
        unsafe state = .suspended(continuation)
        return false
      }
      if isWoken { unsafe continuation.resume() }
    }
  }
}
