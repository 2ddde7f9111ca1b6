// One fiber waits for the result of another, and gets its error when it fails.
import Fibers

struct TooLarge: Error {
  let number: Int
}

func square(of number: Int) throws -> Int {
  try Fiber.yield()  // somebody else may run meanwhile
  guard number < 1000 else { throw TooLarge(number: number) }
  return number * number
}

func awaits() throws {
  try Fiber.spawn(name: "parent") {
    let child = try Fiber.spawn(name: "child") { try square(of: 12) }
    print("parent: waiting for child")
    print("parent: child returned \(try child.join())")

    let failing = try Fiber.spawn(name: "failing child") { try square(of: 4096) }
    do {
      _ = try failing.join()
    } catch let error as TooLarge {
      print("parent: child failed, \(error.number) is too large")
    }
  }
  try Fiber.run()
}

try awaits()
