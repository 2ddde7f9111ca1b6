import CBenchmarks
import MiniAsync
import Synchronization

/// Completes at its tenth poll, and uses no notifier.
struct TenPolls: Future {
  var left = 10
  var progress = FutureProgress<Void>.idle

  mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Void> {
    left -= 1
    return left == 0 ? .complete(()) : .running
  }
}

/// Completes once it was woken.
struct Woken: Future {
  let event: Event
  var progress = FutureProgress<Void>.idle

  mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Void> {
    event.cell.register(&notifier)
    event.polls.store(event.polls.load(ordering: .relaxed) + 1, ordering: .releasing)
    return event.isSet.load(ordering: .acquiring) ? .complete(()) : .running
  }
}

final class Event: Sendable {
  let cell = WakerCell()
  let isSet = Atomic<Bool>(false)
  let polls = Atomic<Int>(0)
}

/// Waiting for N futures that are polled ten times each, beside a bare loop of polls.
func repeatedPollRows(_ effort: Effort) -> [Row] {
  let runtime = Runtime()
  return sizes(effort).flatMap { n in
    let fresh = [TenPolls](repeating: TenPolls(), count: n)
    let results = measure(
      effort,
      [
        { count in
          for _ in 0..<count {
            var futures = fresh
            runtime.waitMultiple(&futures)
          }
        },
        { count in
          for _ in 0..<count {
            var futures = fresh
            var left = n
            while left > 0 {
              for index in futures.indices where futures[index].state != .complete {
                if futures[index].poll() == .complete { left -= 1 }
              }
            }
          }
        },
      ])
    let bare = Figure.Peer(
      name: "bare poll loop", samples: results[1].map { $0 / Double(n) })
    // The C library sorts all futures at each pass.
    let others = n > 10_000 ? nil : effort.measured(.miniasync, "polls", n)
    return Figure(
      name: "waitMultiple, 10 polls each, N = \(grouped(n))", unit: "ns/future",
      ours: results[0].map { $0 / Double(n) }, peers: [bare] + [others].compactMap(\.self),
      // What the C library took for 10,000 on the machine that the budget was set on.
      budget: n == 10_000 ? .atMost(40, whenPeerIs: 265) : .none, reference: "C miniasync",
      point: Row.Point(
        chart: "waitMultiple, 10 polls each, by number of futures", line: "ours", size: n)
    ).rows
  }
}

/// Waiting for N futures that another core wakes one by one, each after the last was polled.
func wakeRows(_ effort: Effort) -> [Row] {
  let runtime = Runtime()
  return sizes(effort).flatMap { n in
    let rounds = n > 10_000 ? min(3, effort.rounds) : effort.rounds
    var samples: [Double] = []
    for _ in 0..<rounds {
      // The small ones several times over, so that a sample is not one moment.
      let repetitions = max(1, 1_000 / n)
      var total = 0.0
      for _ in 0..<repetitions {
        let events = (0..<n).map { _ in Event() }
        var futures = events.map { Woken(event: $0) }
        let took = onOtherCore {
          while events.last?.polls.load(ordering: .acquiring) == 0 {}
          let start = bench_now()
          for event in events {
            let before = event.polls.load(ordering: .acquiring)
            event.isSet.store(true, ordering: .releasing)
            event.cell.wake()
            while event.polls.load(ordering: .acquiring) == before {}
          }
          return Double(bench_now() - start)
        } meanwhile: {
          runtime.waitMultiple(&futures)
        }
        total += took
      }
      samples.append(total / Double(repetitions * n))
    }
    // The C library polls all futures at each wake: 3 s for 10,000.
    let other =
      n > (effort.isQuick ? 1_000 : 10_000)
      ? nil : effort.measured(.miniasync, "wakes", n, rounds: n > 1_000 ? 1 : 3)
    return Figure(
      name: "waitMultiple, woken one by one, N = \(grouped(n))", unit: "ns/wake",
      ours: Samples(samples), peers: [other].compactMap(\.self),
      budget: n == 10_000 ? .atMost(2_000) : .none,
      point: Row.Point(
        chart: "waitMultiple, woken one by one, by number of futures", line: "ours", size: n)
    ).rows
  }
}

/// How many futures are waited for at once.
private func sizes(_ effort: Effort) -> [Int] {
  [10, 100, 1_000, 10_000, 100_000] + (effort.isQuick ? [] : [1_000_000])
}

/// The cost of one of many divided by that of one of few: flat means close to 1.
func flatness(_ rows: [Row], name: String) -> Row {
  func median(_ size: Int) -> Double {
    rows.first { $0.point?.size == size }?.ours.median ?? .nan
  }
  return Row(
    name: name, unit: "N = 10,000 / N = 10",
    ours: Samples([median(10_000) / median(10)]), budget: .atMost(2))
}
