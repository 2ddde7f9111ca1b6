@_spi(Benchmark) import Fibers

let switchPaths = [
  HotPath("switch") { count in
    let flows = RawSwitch(.none)
    flows.run(pairs: count / 2)
    flows.destroy()
  },
  HotPath("switch-isolated") { count in
    let flows = RawSwitch(.floatingPointAndAccesses)
    flows.run(pairs: count / 2)
    flows.destroy()
  },
]

let fiberPaths = [
  HotPath("yield-shared") { try yields($0, .shared) },
  HotPath("yield-isolated") { try yields($0, .isolated) },
  HotPath("spawn-join-one") { count in
    try inFiber {
      var sum = 0
      for _ in 0..<count { sum &+= try Fiber.spawn { 1 }.join() }
      keep(&sum)
    }
  },
  HotPath("spawn-join-batch") { count in
    try inFiber {
      var fibers: [Fiber<Int, Never>] = []
      fibers.reserveCapacity(100)
      var sum = 0
      for _ in 0..<count / 100 {
        for _ in 0..<100 { fibers.append(try Fiber.spawn { 1 }) }
        for fiber in fibers { sum &+= try fiber.join() }
        fibers.removeAll(keepingCapacity: true)
      }
      keep(&sum)
    }
  },
  HotPath("park-and-wake") { count in
    try inFiber { for _ in 0..<count { try Fiber.park { _ = $0.wake() } } }
  },
  HotPath("park-woken-by-another") { count in
    var waker: FiberWaker?
    try inFibers([
      { for _ in 0..<count { try Fiber.park { waker = $0 } } },
      {
        for _ in 0..<count {
          waker?.wake()
          try Fiber.yield()
        }
      },
    ])
  },
]

private func yields(_ count: Int, _ exclusivity: FiberRuntime.Exclusivity) throws {
  let each = { for _ in 0..<count / 2 { try Fiber.yield() } }
  try inFibers([each, each], exclusivity)
}

/// Runs `body` as the one fiber of a runtime.
func inFiber(_ body: @escaping () throws -> Void) throws { try inFibers([body]) }

/// Runs each of `bodies` as a fiber of one runtime.
///
/// Time stands still while they run: how fast the counting tool is shall not count.
func inFibers(
  _ bodies: [() throws -> Void], _ exclusivity: FiberRuntime.Exclusivity = .shared
) throws {
  var configuration = FiberRuntime.Configuration()
  configuration.exclusivity = exclusivity
  configuration.standsStill = true
  let runtime = try FiberRuntime(configuration)
  let fibers = try bodies.map { body in try runtime.spawn { try body() } }
  for fiber in fibers { try fiber.join() }
}
