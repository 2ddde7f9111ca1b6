// Two fibers count from 0 to 10 and give way to each other after each number.
import Fibers

func count(_ name: String) throws(FiberCancelled) {
  for number in 0...10 {
    print("\(name): \(number)")
    try Fiber.yield()
  }
}

func counters() throws {
  let first = try Fiber.spawn(name: "first") { try count("counter 1") }
  let second = try Fiber.spawn(name: "second") { try count("counter 2") }
  try Fiber.run()
  try first.join()
  try second.join()
}

try counters()
