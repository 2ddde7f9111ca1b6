import Fibers

/// Locks of fibers, alone and contended, and semaphores.
func mutexRows(_ effort: Effort) -> [Row] {
  let alone = race(
    effort,
    [.ours("mutex", 1), .peer(.boostFiber, effort, "mutex", 1), .peer(.go, effort, "mutex", 1)])
  let contended = race(
    effort,
    [.ours("mutex", 4), .peer(.boostFiber, effort, "mutex", 4), .peer(.go, effort, "mutex", 4)])
  let semaphore = race(effort, [.ours("semaphore")])
  let peers = ["Boost.Fiber", "Go"]
  return [
    alone.figure("mutex, nobody else", unit: "ns/lock", order: peers),
    contended.figure("mutex, 4 fibers that yield holding it", unit: "ns/lock", order: peers),
    semaphore.figure("round trip over two semaphores"),
  ].rows()
}

let mutexMeasurements = [
  Measurement(name: "mutex", size: 1) { fibers in [("", try mutex(fibers))] },
  Measurement(name: "semaphore") { _ in [("", try semaphore())] },
]

private func mutex(_ fibers: Int) throws -> Double {
  let runtime = try FiberRuntime()
  let each = 1_000_000 / fibers
  let mutex = FiberMutex(0)
  for _ in 0..<fibers {
    try runtime.spawn {
      for _ in 0..<each {
        try mutex.withLock { value in
          value += 1
          if fibers > 1 { try Fiber.yield() }
        }
      }
    }
  }
  return try nanoseconds(per: each * fibers) { try runtime.run() }
}

private func semaphore() throws -> Double {
  let runtime = try FiberRuntime()
  let count = 1_000_000
  let there = FiberSemaphore(permits: 0)
  let back = FiberSemaphore(permits: 0)
  try runtime.spawn {
    for _ in 0..<count {
      try there.acquire()
      back.release()
    }
  }
  try runtime.spawn {
    for _ in 0..<count {
      there.release()
      try back.acquire()
    }
  }
  return try nanoseconds(per: count) { try runtime.run() }
}
