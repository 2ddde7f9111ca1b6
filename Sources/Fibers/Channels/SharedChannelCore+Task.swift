import MiniAsync

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
      let task = TaskWaiter()
      if setWake(.task(task), of: waiter) {
        await withTaskCancellationHandler {
          await task.suspend()
        } onCancel: {
          task.wake(token: 0)
        }
      }
      return look(waiter, givesUp: true)
    case .closed, .refused, .turnOver: return .closed
    }
  }
}
