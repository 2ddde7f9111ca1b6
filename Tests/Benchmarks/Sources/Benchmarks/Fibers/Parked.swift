import Fibers

/// Fibers that only wait, each on a guarded stack: their time and their memory.
func parkedRows(_ effort: Effort) -> [Row] {
  let count = effort.largestCount
  let results = race(
    effort, rounds: effort.isQuick ? 1 : 2,
    [
      .ours("parked", count), .peer(.boostFiber, effort, "parked", count),
      .peer(.go, effort, "parked", count), .peer(.swiftTasks, effort, "parked", count),
    ])
  // Boost.Fiber's stacks have no guards here: with guards it fails near 32,700 fibers.
  let peers = ["Boost.Fiber", "Go", "Swift tasks"]
  let what = "\(grouped(count)) parked fibers"
  return [
    results.figure("\(what), spawn and park", key: "park", order: peers),
    results.figure(
      "\(what), resident memory", unit: "bytes each", key: "resident", order: peers,
      budget: .atMost(4.6 * 1024)),
    results.figure(
      "\(what), page tables", unit: "bytes each", key: "tables", order: peers,
      budget: .atMost(0.2 * 1024)),
    results.figure("\(what), wake and join", key: "wake", order: peers),
  ].rows()
}

let parkedMeasurements = [Measurement(name: "parked", size: 100_000, run: parked)]

@Sendable
private func parked(_ count: Int) throws -> [(key: String, value: Double)] {
  let runtime = try FiberRuntime()
  let (resident, tables) = (kilobytes("VmRSS:"), kilobytes("VmPTE:"))
  // A gate: a fiber that ends when all others are to go on. Joining it parks them.
  var opener: FiberWaker?
  let gate = try runtime.spawn { try Fiber.park { opener = $0 } }
  var fibers: [Fiber<Void, any Error>] = []
  fibers.reserveCapacity(count)
  let spawning = try runtime.spawn(stack: .bytes(256 << 10)) {
    for number in 1...count {
      fibers.append(try Fiber.spawn { try gate.join() })
      // Let the new ones run up to their park; the caches still hold them.
      if number % 64 == 0 { try Fiber.yield() }
    }
    try Fiber.yield()
  }
  let park = try nanoseconds(per: count) { try spawning.join() }
  let residentEach = (kilobytes("VmRSS:") - resident) * 1024 / Double(count)
  let tablesEach = (kilobytes("VmPTE:") - tables) * 1024 / Double(count)
  opener?.wake()
  let wake = try nanoseconds(per: count) {
    try runtime.spawn { for fiber in fibers { try fiber.join() } }.join()
  }
  return [("park", park), ("resident", residentEach), ("tables", tablesEach), ("wake", wake)]
}
