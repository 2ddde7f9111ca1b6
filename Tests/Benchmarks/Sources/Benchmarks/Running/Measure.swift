import CBenchmarks

/// How long to measure, and beside whom.
struct Effort {
  var rounds = 9
  /// The shortest time of one sample, in nanoseconds.
  var sample = 2_000_000.0
  /// Whether a first look is enough.
  var isQuick = false
  let peers: PeerBuilder

  /// How many there are where there are to be many; a million fibers of Boost's take 10 GB.
  var largestCount: Int {
    isQuick || MachineFacts.memoryByteCount < 15 << 30 ? 100_000 : 1_000_000
  }
}

/// Measures several things in turn, round by round, so that all see the machine in the same mood.
///
/// - Parameters:
///   - effort: How often and how long.
///   - bodies: Each does its thing as often as it is told.
/// - Returns: Nanoseconds for one repetition of each.
func measure(_ effort: Effort, _ bodies: [(Int) -> Void]) -> [Samples] {
  // So many repetitions that a sample takes long enough.
  let repetitions = bodies.map { body in
    var count = 1
    while true {
      let time = time(count, body)
      if time >= effort.sample { return count }
      count =
        time < effort.sample / 100
        ? count * 10 : Int(Double(count) * effort.sample / max(time, 1) * 1.1) + 1
    }
  }
  var results = [[Double]](repeating: [], count: bodies.count)
  for _ in 0..<effort.rounds {
    for (index, body) in bodies.enumerated() {
      results[index].append(time(repetitions[index], body) / Double(repetitions[index]))
    }
  }
  return results.map(Samples.init)
}

/// Nanoseconds for `count` repetitions.
func time(_ count: Int, _ body: (Int) -> Void) -> Double {
  let start = bench_now()
  body(count)
  return Double(bench_now() - start)
}

/// Nanoseconds of each of the operations that `body` does.
func nanoseconds(per operations: Int, _ body: () throws -> Void) rethrows -> Double {
  let start = bench_now()
  try body()
  return Double(bench_now() - start) / Double(operations)
}
