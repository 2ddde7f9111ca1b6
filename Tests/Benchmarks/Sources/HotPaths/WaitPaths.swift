import Fibers

let waitPaths = [
  HotPath("mutex") { count in
    let mutex = FiberMutex(0)
    try inFiber { for _ in 0..<count { try mutex.withLock { $0 += 1 } } }
  },
  HotPath("mutex-contended") { count in
    let mutex = FiberMutex(0)
    let each = {
      for _ in 0..<count / 2 {
        try mutex.withLock { value in
          value += 1
          try Fiber.yield()
        }
      }
    }
    try inFibers([each, each])
  },
  HotPath("semaphore-round-trip") { count in
    let there = FiberSemaphore(permits: 0)
    let back = FiberSemaphore(permits: 0)
    try inFibers([
      {
        for _ in 0..<count {
          try there.acquire()
          back.release()
        }
      },
      {
        for _ in 0..<count {
          there.release()
          try back.acquire()
        }
      },
    ])
  },
  HotPath("deadline-set-and-left") { count in
    try inFiber {
      let deadline = FiberClock.now.advanced(by: .seconds(10))
      for _ in 0..<count { try Fiber.withDeadline(deadline) { try Fiber.checkCancellation() } }
    }
  },
  HotPath("sleep") { count in
    try inFiber { for _ in 0..<count { try Fiber.sleep(for: .microseconds(1)) } }
  },
  HotPath("socket-write-and-read") { count in
    try inFiber {
      let pair = try IOHandle.socketPair()
      var bytes = [UInt8](repeating: 1, count: 64)
      for _ in 0..<count {
        _ = try pair.first.write(bytes)
        _ = try pair.second.read(into: &bytes)
      }
    }
  },
]
