import Fibers
import Glibc
import TestSupport
import Testing

@Suite("Floating-point control words")
struct FloatingPointTests {
  /// One third, rounded as the mode says: the compiler must not know the operands.
  @inline(never)
  static func third(_ one: Double, _ three: Double) -> Double { one / three }

  @Test("Each fiber has its own rounding mode, set through the C library")
  func rounding() throws {
    let runtime = try FiberRuntime()
    let modes: [Int32] = [0x0000, 0x0400, 0x0800, 0x0c00]  // nearest, down, up, to zero (x86-64)
    let fibers = try modes.map { mode in
      try runtime.spawn { () throws -> [Double] in
        var results: [Double] = []
        #if arch(x86_64)
          fesetround(mode)
        #else
          fesetround(mode << 12)
        #endif
        for _ in 0..<4 {
          try Fiber.yield()
          results.append(Self.third(1, 3))
        }
        return results
      }
    }
    try runtime.run()
    let down = Self.third(1, 3)
    for (mode, fiber) in zip(modes, fibers) {
      let expected = mode == 0x0800 ? down.nextUp : down
      #expect(try fiber.join() == [Double](repeating: expected, count: 4))
    }
    #expect(fegetround() == 0)
  }

  @Test("A fiber starts with the mode of the thread, whoever ran on its stack before")
  func startsClean() throws {
    let runtime = try FiberRuntime()
    try runtime.spawn { fesetround(0x0400) }
    let next = try runtime.spawn { fegetround() }
    try runtime.run()
    #expect(try next.join() == 0)
    #expect(fegetround() == 0)
  }
}
