import Fibers

/// Fibers that do nothing but yield.
func yieldRows(_ effort: Effort) -> [Row] {
  let peers = ["Boost.Fiber", "Go", "Swift tasks"]
  // Of the design, and what Boost.Fiber took on the machine they were set on.
  let budgets = [
    (count: 2, isolated: 11.0, shared: 4.0, boost: 58.0),
    (count: 1000, isolated: 12.0, shared: 11.0, boost: 29.1),
    (count: 10_000, isolated: 20.0, shared: 20.0, boost: 69.9),
  ]
  return budgets.flatMap { budget in
    let count = budget.count
    let results = race(
      effort,
      [
        .ours("yield-isolated", count),
        .ours("yield-shared", count, named: "shared"),
        .peer(.boostFiber, effort, "yield", count),
        .peer(.go, effort, "yield", count),
        .peer(.swiftTasks, effort, "yield", count),
      ])
    return [
      results.figure(
        "yield, \(grouped(count)) fibers, isolated", order: peers,
        budget: .atMost(budget.isolated, whenPeerIs: budget.boost)),
      results.figure(
        "yield, \(grouped(count)) fibers, shared", of: "shared", order: peers,
        budget: .atMost(budget.shared, whenPeerIs: budget.boost)),
    ].rows(decidedBy: "Boost.Fiber")
  }
}

let yieldMeasurements = inBothModes("yield", size: 2) { count, mode in
  let runtime = try makeRuntime(mode)
  let each = max(5, 4_000_000 / count)
  for _ in 0..<count {
    try runtime.spawn { for _ in 0..<each { try Fiber.yield() } }
  }
  // The first turn touches the stacks: not counted.
  try runtime.spawn {}.join()
  return nanoseconds(per: each * count) { try? runtime.run() }
}
