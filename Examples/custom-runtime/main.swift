// A runtime of one's own, with its own sizes, beside the default runtime of the thread.
import Fibers

func count(_ name: String) throws(FiberCancelled) {
  for number in 0...10 {
    print("\(name): \(number)")
    try Fiber.yield()
  }
}

func customRuntime() throws {
  var configuration = FiberRuntime.Configuration()
  configuration.taskCapacity = 16
  configuration.fiberCapacity = 8
  configuration.stackByteCount = 128 << 10
  configuration.capacitiesAreLimits = true

  let runtime = try FiberRuntime(configuration)
  try runtime.spawn(name: "first") { try count("counter 1") }
  try runtime.spawn(name: "second", stack: .bytes(256 << 10)) { try count("counter 2") }
  try runtime.run()
  print("all finished: \(runtime.aliveCount == 0)")

  let stacks = runtime.stackStatistics()
  print("stacks idle: \(stacks.idle), in use: \(stacks.inUse)")
  runtime.shutdown()
}

try customRuntime()
