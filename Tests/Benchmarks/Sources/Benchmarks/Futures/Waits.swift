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
  return [10, 100, 1_000, 10_000].map { n in
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
    return Row(
      name: "waitMultiple, 10 polls each, N = \(n)", unit: "ns/future",
      ours: results[0].map { $0 / Double(n) }, peer: results[1].map { $0 / Double(n) },
      peerName: "bare poll loop", budget: .atMost(40))
  }
}

/// Waiting for N futures that another core wakes one by one, each after the last was polled.
func wakeRows(_ effort: Effort) -> [Row] {
  let runtime = Runtime()
  return [10, 100, 1_000, 10_000].map { n in
    let rounds = effort.rounds
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
    return Row(
      name: "waitMultiple, woken one by one, N = \(n)", unit: "ns/wake",
      ours: Samples(samples), budget: .atMost(2_000))
  }
}

/// The longest of a row of figures divided by the first: flat means close to 1.
func flatness(_ rows: [Row], name: String) -> Row {
  let medians = rows.map(\.ours.median)
  return Row(
    name: name, unit: "N = 10,000 / N = 10",
    ours: Samples([medians[medians.count - 1] / medians[0]]), budget: .atMost(2))
}
