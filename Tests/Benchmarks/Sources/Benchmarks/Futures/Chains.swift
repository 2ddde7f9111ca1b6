import CBenchmarks
import MiniAsync

/// One trivial entry: a call that is not inlined.
struct Step: Future {
  var state: Int64 = 0
  var input: Int64 = 1
  var progress = FutureProgress<Int64>.idle

  @inline(__always)
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

/// The same eight entries as a hand-written future: what `advance` is for.
private struct EightSteps: Future {
  var steps: InlineArray<8, Step> = .init(repeating: Step())
  var progress = FutureProgress<Int64>.idle

  mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Int64> {
    var input: Int64 = 1
    for index in 0..<8 {
      bench_bare_map(input, &steps[index].input)
      guard steps[index].poll(&notifier) == .complete, let output = steps[index].output else {
        return .running
      }
      input = output
    }
    return .complete(input)
  }
}

private func bareCalls() -> Int64 {
  var input: Int64 = 1
  for _ in 0..<8 {
    var state: Int64 = 0
    var next: Int64 = 0
    bench_bare_map(bench_bare_step(&state, input), &next)
    input = next
  }
  return input
}

/// Chains of eight trivial entries beside the bare calls they are made of.
func chainRows(_ effort: Effort) -> [Row] {
  // Chains that exist already, so that the poll alone is timed.
  let count = 100
  let made = UnsafeMutableBufferPointer.allocate(of: makeChain(), count: count)
  defer { made.deallocate() }
  var polled: [Double] = []
  for _ in 0..<effort.rounds * 20 {
    for index in 0..<count { initialize(made, index, to: makeChain()) }
    polled.append(
      time(1) { _ in for index in 0..<count { _ = made[index].poll() } } / Double(count))
    made.deinitialize()
  }
  let results = measure(
    effort,
    [
      { count in
        var sum: Int64 = 0
        for _ in 0..<count {
          var chain = makeChain()
          _ = chain.poll()
          sum &+= chain.output ?? 0
        }
        bench_keep(&sum)
      },
      { count in
        var sum: Int64 = 0
        for _ in 0..<count {
          var steps = EightSteps()
          _ = steps.poll()
          sum &+= steps.output ?? 0
        }
        bench_keep(&sum)
      },
      { count in
        var sum: Int64 = 0
        for _ in 0..<count { sum &+= bareCalls() }
        bench_keep(&sum)
      },
    ])
  let bare = [Figure.Peer(name: "bare calls", samples: results[2])]
  return [
    Row(
      name: "chain of 8, polled", unit: "ns", ours: Samples(polled), peer: results[2],
      peerName: "bare calls", budget: .atMostTimesPeer(1.3)),
    Row(
      name: "future of 8 by hand, made and polled", unit: "ns", ours: results[1], peer: results[2],
      peerName: "bare calls", budget: .atMostTimesPeer(1.3)),
  ]
    + Figure(
      name: "chain of 8, made, polled and dropped", unit: "ns", ours: results[0],
      peers: bare + [effort.measured(.miniasync, "chain")].compactMap(\.self)
    ).rows
}

extension UnsafeMutableBufferPointer {
  /// Room for `count` values of the type of `example`, which need not have a name.
  static func allocate(of example: consuming Element, count: Int) -> Self {
    .allocate(capacity: count)
  }
}

private func initialize<Element>(
  _ buffer: UnsafeMutableBufferPointer<Element>, _ index: Int, to value: Element
) {
  buffer.initializeElement(at: index, to: value)
}
