import Fibers

/// Timers, with few and with many other sleepers beside them.
func timerRows(_ effort: Effort) -> [Row] {
  let crowds = effort.isQuick ? [10, 10_000] : [10, 10_000, effort.largestCount]
  return crowds.flatMap { others in
    let rounds = others > 100_000 ? 1 : Int.max
    let timers = race(
      effort, rounds: rounds, [.ours("timer", others), .peer(.go, effort, "timer", others)])
    let sleeps = race(
      effort, rounds: rounds,
      [
        .ours("sleep", others), .peer(.boostFiber, effort, "sleep", others),
        .peer(.go, effort, "sleep", others), .peer(.swiftTasks, effort, "sleep", others),
      ])
    let beside = "beside \(grouped(others)) sleepers"
    return [
      timers.figure("timer set and left, \(beside)", order: ["Go"]),
      sleeps.figure(
        "100 fibers sleep 1 us each, \(beside)", unit: "ns/sleep",
        order: ["Boost.Fiber", "Go", "Swift tasks"]),
    ].rows()
  }
}

let timerMeasurements = [
  Measurement(name: "timer", size: 10) { others in [("", try timer(others))] },
  Measurement(name: "sleep", size: 10) { others in [("", try sleep(others))] },
]

/// Fibers that sleep an hour.
private func makeSleepers(_ count: Int, _ runtime: FiberRuntime) throws {
  for number in 0..<count {
    try runtime.spawn { try Fiber.sleep(for: .seconds(3600 + number % 977)) }
  }
  // They are asleep when this one had its turn.
  try runtime.spawn {}.join()
}

private func timer(_ others: Int) throws -> Double {
  let runtime = try FiberRuntime()
  try makeSleepers(others, runtime)
  let count = 300_000
  let measured = try runtime.spawn {
    let deadline = FiberClock.now.advanced(by: .seconds(10))
    return try nanoseconds(per: count) {
      for _ in 0..<count { try Fiber.withDeadline(deadline) { try Fiber.checkCancellation() } }
    }
  }
  return try measured.join()
}

/// Arming, firing and switching.
private func sleep(_ others: Int) throws -> Double {
  let runtime = try FiberRuntime()
  try makeSleepers(others, runtime)
  let (count, each) = (100, 1000)
  let fibers = try (0..<count).map { _ in
    try runtime.spawn { for _ in 0..<each { try Fiber.sleep(for: .microseconds(1)) } }
  }
  return try nanoseconds(per: count * each) { for fiber in fibers { try fiber.join() } }
}
