/// What one of many costs as their number grows.
func scalingRows(_ effort: Effort) -> [Row] {
  yieldScaling(effort) + spawnScaling(effort) + parkedScaling(effort) + timerScaling(effort)
}

private func sizes(_ effort: Effort, from least: Int = 10) -> [Int] {
  [10, 100, 1_000, 10_000, 100_000, 1_000_000].filter {
    $0 >= least && $0 <= effort.largestCount
  }
}

/// The large ones take long, and need no second look.
private func rounds(_ size: Int, _ effort: Effort) -> Int {
  size >= 100_000 || effort.isQuick ? 1 : 3
}

private let peers = ["Boost.Fiber", "Go", "Swift tasks"]

private func yieldScaling(_ effort: Effort) -> [Row] {
  sizes(effort).flatMap { size in
    let results = race(
      effort, rounds: rounds(size, effort),
      [
        .ours("yield-isolated", size), .ours("yield-shared", size, named: "shared"),
        .peer(.boostFiber, effort, "yield", size), .peer(.go, effort, "yield", size),
        .peer(.swiftTasks, effort, "yield", size),
      ])
    func point(_ line: String) -> Row.Point {
      Row.Point(chart: "yield, by number of fibers", line: line, size: size)
    }
    return [
      results.figure(
        "scaling: yield, \(grouped(size)) fibers, isolated", order: peers,
        point: point("ours, isolated")),
      results.figure(
        "scaling: yield, \(grouped(size)) fibers, shared", of: "shared",
        point: point("ours, shared")),
    ].rows()
  }
}

private func spawnScaling(_ effort: Effort) -> [Row] {
  sizes(effort).flatMap { size in
    let results = race(
      effort, rounds: rounds(size, effort),
      [
        .ours("spawn-isolated", size),
        // Its pool of stacks takes 138 KiB a fiber: a million need more memory than there is.
        size > 10_000 ? nil : .peer(.boostFiber, effort, "spawn", size),
        .peer(.go, effort, "spawn", size), .peer(.swiftTasks, effort, "spawn", size),
      ])
    return [
      results.figure(
        "scaling: spawn + join, batches of \(grouped(size))", order: peers,
        point: Row.Point(chart: "spawn + join, by size of the batch", line: "ours", size: size))
    ].rows()
  }
}

private func parkedScaling(_ effort: Effort) -> [Row] {
  sizes(effort, from: 1_000).flatMap { size in
    let results = race(
      effort, rounds: rounds(size, effort),
      [
        .ours("parked", size), .peer(.boostFiber, effort, "parked", size),
        .peer(.go, effort, "parked", size), .peer(.swiftTasks, effort, "parked", size),
      ])
    return [("resident", "bytes each", "resident memory"), ("park", "ns", "spawn and park")]
      .map { key, unit, what in
        results.figure(
          "scaling: \(grouped(size)) parked fibers, \(what)", unit: unit, key: key, order: peers,
          point: Row.Point(chart: "\(what), by number of parked fibers", line: "ours", size: size))
      }.rows()
  }
}

private func timerScaling(_ effort: Effort) -> [Row] {
  sizes(effort).flatMap { size in
    let results = race(
      effort, rounds: rounds(size, effort),
      [.ours("timer", size), .peer(.go, effort, "timer", size)])
    return [
      results.figure(
        "scaling: timer set and left, \(grouped(size)) sleepers", order: ["Go"],
        point: Row.Point(
          chart: "timer set and left, by number of sleepers", line: "ours", size: size))
    ].rows()
  }
}
