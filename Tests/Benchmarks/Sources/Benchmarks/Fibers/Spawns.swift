import Fibers

/// Fibers spawned and joined, one at a time and in batches.
func spawnRows(_ effort: Effort) -> [Row] {
  let peers = ["Boost.Fiber", "Go", "Swift tasks"]
  // Of the design, and what Go took on the machine they were set on. (Not Boost.Fiber, whose pool of
  // stacks was cold there.)
  return [(batch: 1, budget: 90.0, go: 254.0), (batch: 1000, budget: 40.0, go: 187.0)].flatMap {
    goal in
    let results = race(
      effort,
      [
        .ours("spawn-isolated", goal.batch),
        .ours("spawn-shared", goal.batch, named: "shared"),
        .peer(.boostFiber, effort, "spawn", goal.batch),
        .peer(.go, effort, "spawn", goal.batch),
        .peer(.swiftTasks, effort, "spawn", goal.batch),
      ])
    let what =
      goal.batch == 1
      ? "spawn + join, one at a time" : "spawn + join, batches of \(grouped(goal.batch))"
    let budget = Row.Budget.atMost(goal.budget, whenPeerIs: goal.go)
    return [
      results.figure("\(what), isolated", order: peers, budget: budget),
      results.figure("\(what), shared", of: "shared", order: peers, budget: budget),
    ].rows(decidedBy: "Go")
  }
}

let spawnMeasurements = inBothModes("spawn", size: 1) { batch, mode in
  let runtime = try makeRuntime(mode)
  let rounds = max(3, 200_000 / batch)
  let measured = try runtime.spawn {
    if batch == 1 {
      for _ in 0..<1000 { _ = try Fiber.spawn { 1 }.join() }
      return try nanoseconds(per: rounds) {
        for _ in 0..<rounds { _ = try Fiber.spawn { 1 }.join() }
      }
    }
    var fibers: [Fiber<Int, Never>] = []
    fibers.reserveCapacity(batch)
    try spawnAndJoin(batch, &fibers)
    return try nanoseconds(per: batch * rounds) {
      for _ in 0..<rounds { try spawnAndJoin(batch, &fibers) }
    }
  }
  return try measured.join()
}

/// One batch; `fibers` is empty before and after, its memory is kept.
private func spawnAndJoin(_ batch: Int, _ fibers: inout [Fiber<Int, Never>]) throws {
  for _ in 0..<batch { fibers.append(try Fiber.spawn { 1 }) }
  var sum = 0
  for fiber in fibers { sum &+= try fiber.join() }
  precondition(sum == batch)
  fibers.removeAll(keepingCapacity: true)
}
