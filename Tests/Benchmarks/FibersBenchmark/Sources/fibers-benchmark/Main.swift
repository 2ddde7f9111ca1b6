@_spi(Benchmark) import Fibers

func configuration(_ exclusivity: FiberRuntime.Exclusivity) -> FiberRuntime.Configuration {
  var configuration = FiberRuntime.Configuration()
  configuration.exclusivity = exclusivity
  return configuration
}

func rawSwitch(_ extras: RawSwitch.Extras) -> Double {
  let pairs = 2_000_000
  let flows = RawSwitch(extras)
  defer { flows.destroy() }
  flows.run(pairs: 1000)
  return nanoseconds(per: 2 * pairs) { flows.run(pairs: pairs) }
}

func yields(_ fibers: Int, _ exclusivity: FiberRuntime.Exclusivity) throws -> Double {
  let runtime = try FiberRuntime(configuration(exclusivity))
  let each = max(200, 4_000_000 / fibers)
  for _ in 0..<fibers {
    try runtime.spawn { for _ in 0..<each { try Fiber.yield() } }
  }
  // The first turn touches the stacks: not counted.
  let warmUp = try runtime.spawn {}
  try warmUp.join()
  return nanoseconds(per: each * fibers) { try? runtime.run() }
}

func spawnJoinOne(_ exclusivity: FiberRuntime.Exclusivity) throws -> Double {
  let runtime = try FiberRuntime(configuration(exclusivity))
  let count = 200_000
  let measured = try runtime.spawn {
    var sum = 0
    for _ in 0..<1000 { sum &+= try Fiber.spawn { 1 }.join() }
    let time = try nanoseconds(per: count) {
      for _ in 0..<count { sum &+= try Fiber.spawn { 1 }.join() }
    }
    precondition(sum == count + 1000)
    return time
  }
  return try measured.join()
}

func spawnJoinBatch(_ exclusivity: FiberRuntime.Exclusivity, capturing: Bool) throws -> Double {
  let runtime = try FiberRuntime(configuration(exclusivity))
  let batch = 1000
  let batches = 200
  let measured = try runtime.spawn {
    var fibers: [Fiber<Int, Never>] = []
    fibers.reserveCapacity(batch)
    try spawnAndJoin(batch, capturing: capturing, &fibers)
    return try nanoseconds(per: batch * batches) {
      for _ in 0..<batches { try spawnAndJoin(batch, capturing: capturing, &fibers) }
    }
  }
  return try measured.join()
}

/// One batch; `fibers` is empty before and after, its memory is kept.
func spawnAndJoin(_ batch: Int, capturing: Bool, _ fibers: inout [Fiber<Int, Never>]) throws {
  for number in 0..<batch {
    fibers.append(capturing ? try Fiber.spawn { number } : try Fiber.spawn { 1 })
  }
  var sum = 0
  for fiber in fibers { sum &+= try fiber.join() }
  precondition(sum > 0)
  fibers.removeAll(keepingCapacity: true)
}

func parkAndWake(_ exclusivity: FiberRuntime.Exclusivity) throws -> Double {
  let runtime = try FiberRuntime(configuration(exclusivity))
  let count = 1_000_000
  let parking = try runtime.spawn {
    for _ in 0..<count { try Fiber.park { _ = $0.wake() } }
  }
  return try nanoseconds(per: count) { try parking.join() }
}

/// Half of the fibers park inside an access; what does an access of another fiber cost?
final class Shared {
  var buffer = 0
}

func accesses(parked: Int, _ exclusivity: FiberRuntime.Exclusivity) throws -> Double {
  let runtime = try FiberRuntime(configuration(exclusivity))
  let objects = (0..<max(1, parked)).map { _ in Shared() }
  var waker: FiberWaker?
  let gate = try runtime.spawn { try Fiber.park { waker = $0 } }
  for index in 0..<parked {
    try runtime.spawn {
      func hold(_ value: inout Int) throws {
        value += 1
        try gate.join()
      }
      try hold(&objects[index].buffer)
    }
  }
  let count = parked >= 1000 && exclusivity == .shared ? 2_000 : 200_000
  let measured = try runtime.spawn {
    try Fiber.yield()
    let target = Shared()
    return nanoseconds(per: count) { for _ in 0..<count { touch(target) } }
  }
  let result = try measured.join()
  waker?.wake()
  try runtime.run()
  return result
}

@inline(never)
func bump(_ value: inout Int) { value &+= 1 }

/// The same property that the parked fibers hold (in other objects): checked at run time.
@inline(never)
func touch(_ shared: Shared) { bump(&shared.buffer) }

func figures() -> [Figure] {
  var figures = [
    Figure("switch, registers only", budget: 1.5) { rawSwitch(.none) },
    Figure("switch, FP control as by default", budget: 1.5) { rawSwitch(.standardFloatingPoint) },
    Figure("switch, all FP control words") { rawSwitch(.floatingPoint) },
    Figure("switch, FP and isolated accesses") { rawSwitch(.floatingPointAndAccesses) },
  ]
  for (fibers, shared, isolated) in [(2, 4.0, 11.0), (1000, 11, 12), (10_000, 20, 20)] {
    figures.append(
      Figure("yield, \(fibers) fibers, shared", budget: shared) { try yields(fibers, .shared) })
    figures.append(
      Figure("yield, \(fibers) fibers, isolated", budget: isolated) {
        try yields(fibers, .isolated)
      })
  }
  for (name, mode) in [("shared", FiberRuntime.Exclusivity.shared), ("isolated", .isolated)] {
    figures += [
      Figure("spawn + join, one, \(name)", budget: 90) { try spawnJoinOne(mode) },
      Figure("spawn + join, 1000, \(name)", budget: 40) {
        try spawnJoinBatch(mode, capturing: false)
      },
      Figure("spawn + join, 1000, capturing, \(name)") {
        try spawnJoinBatch(mode, capturing: true)
      },
      Figure("park + wake of itself, \(name)") { try parkAndWake(mode) },
      Figure("access, none parked inside one, \(name)") { try accesses(parked: 0, mode) },
      Figure("access, 8000 parked inside one, \(name)") { try accesses(parked: 8000, mode) },
    ]
  }
  return figures
}

@main
struct Main {
  static func main() throws {
    let arguments = CommandLine.arguments.dropFirst()
    let rounds = arguments.compactMap { Int($0) }.first ?? 7
    let filter = arguments.first { Int($0) == nil }
    let chosen = (figures() + figuresTogether()).filter { figure in
      filter.map { figure.name.contains($0) } ?? true
    }
    print("nanoseconds, least / median / most of \(rounds) interleaved rounds")
    for figure in try measureInterleaved(chosen, rounds: rounds) { print(figure.line) }
  }
}
