import CBenchmarks
import MiniAsync

let futurePaths = [
  HotPath("future-poll") { count in
    var future = Unending()
    for _ in 0..<count {
      _ = future.poll()
      keep(&future)
    }
  },
  HotPath("chain-of-8") { count in
    var sum: Int64 = 0
    for _ in 0..<count {
      var chain = makeChain()
      _ = chain.poll()
      sum &+= chain.output ?? 0
    }
    keep(&sum)
  },
  HotPath("future-wake-and-poll") { count in
    var future = WakesItself(left: count)
    Runtime().wait(&future)
  },
  HotPath("waker-cell") { count in
    var future = WakesThroughCell(left: count)
    Runtime().wait(&future)
  },
  HotPath("waitMultiple-poll") { count in
    // So few polls each that no pause comes between them.
    let runtime = Runtime()
    for _ in 0..<count / 1_000 {
      var futures = [TenPolls](repeating: TenPolls(), count: 100)
      runtime.waitMultiple(&futures)
    }
  },
]

/// Is never complete.
private struct Unending: Future {
  var polls = 0
  var progress = FutureProgress<Int>.idle

  mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Int> {
    polls &+= 1
    return .running
  }
}

/// Wakes itself at each poll but the last.
private struct WakesItself: Future {
  var left: Int
  var progress = FutureProgress<Void>.idle

  mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Void> {
    left -= 1
    if left <= 0 { return .complete(()) }
    notifier.takeWaker()?.wake()
    return .running
  }
}

/// The same through a cell, as a future does whose work ends elsewhere.
private struct WakesThroughCell: Future {
  let cell = WakerCell()
  var left: Int
  var progress = FutureProgress<Void>.idle

  init(left: Int) { self.left = left }

  mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Void> {
    left -= 1
    if left <= 0 { return .complete(()) }
    cell.register(&notifier)
    cell.wake()
    return .running
  }
}

/// Completes at its tenth poll, and uses no notifier.
private struct TenPolls: Future {
  var left = 10
  var progress = FutureProgress<Void>.idle

  mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Void> {
    left -= 1
    return left == 0 ? .complete(()) : .running
  }
}

/// One trivial entry: a call that is not inlined.
private struct Step: Future {
  var state: Int64 = 0
  var input: Int64 = 1
  var progress = FutureProgress<Int64>.idle

  mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Int64> {
    .complete(bench_bare_step(&state, input))
  }
}

@inline(__always)
private func makeChain() -> some Future<Int64> {
  Chain(output: Int64(0), first: Step())
    .then(Step()) { bench_bare_map($1, &$2.input) }
    .then(Step()) { bench_bare_map($1, &$2.input) }
    .then(Step()) { bench_bare_map($1, &$2.input) }
    .then(Step()) { bench_bare_map($1, &$2.input) }
    .then(Step()) { bench_bare_map($1, &$2.input) }
    .then(Step()) { bench_bare_map($1, &$2.input) }
    .then(Step()) { bench_bare_map($1, &$2.input) }
    .mapOutput { $0.output = $1 }
}
