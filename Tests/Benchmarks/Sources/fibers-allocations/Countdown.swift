import MiniAsync

/// Wakes itself at each poll but the last.
struct Countdown: Future {
  var left: Int
  var progress = FutureProgress<Int>.idle

  mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Int> {
    left -= 1
    if left == 0 { return .complete(1) }
    notifier.takeWaker()?.wake()
    return .running
  }
}
