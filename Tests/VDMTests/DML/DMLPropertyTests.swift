import MiniAsync
import TestSupport
import Testing
import VDM

/// Random operations against plain memory functions, with random faults of the device.
@Suite struct DMLPropertyTests {
  private static let arena = 48_000

  @Test(arguments: DMLChoice.all)
  func `random operations do what plain functions do`(choice: DMLChoice) throws {
    var seed = Seed()
    for _ in 0..<4 * stressFactor {
      let limit = Int.random(in: 64...20_000, using: &seed)
      // Never 0, which is a device without faults.
      let mover = try choice.make(transferLimit: limit, seed: seed.next() | 1)
      let real = MoverBytes(patternOf: Self.arena, salt: 1)
      let plain = MoverBytes(patternOf: Self.arena, salt: 1)
      for step in 0..<60 {
        let what = try perform(on: mover, real.start, plain.start, &seed)
        #expect(real.equals(plain), "\(what), step \(step), limit \(limit), \(seed)")
        if !real.equals(plain) { return }
      }
      #expect(real.areGuardsIntact, "\(seed)")
      #expect(mover.slotsInUse == 0)
    }
  }

  /// One random operation, and the same on plain memory.
  private func perform(
    on mover: DMLMover, _ real: UnsafeMutableRawPointer, _ plain: UnsafeMutableRawPointer,
    _ seed: inout Seed
  ) throws -> String {
    let size = Int.random(in: 0...Int.random(in: 1...Self.arena / 3, using: &seed), using: &seed)
    let flags = OperationFlags.combinations.randomElement(using: &seed) ?? []
    let durable = flags.intersection(.durable)
    func place() -> Int { Int.random(in: 0...Self.arena - size, using: &seed) }
    /// Two places in halves of the arena, which do not overlap.
    func two() -> (Int, Int) {
      let half = Self.arena / 2
      let (a, b) = (
        Int.random(in: 0...half - size, using: &seed),
        half + Int.random(in: 0...half - size, using: &seed)
      )
      return Bool.random(using: &seed) ? (a, b) : (b, a)
    }
    let pattern = seed.next()
    switch Int.random(in: 0..<9, using: &seed) {
    case 0:
      let (to, from) = two()
      var future = mover.memcpy(to: real + to, from: real + from, byteCount: size, flags: flags)
      try waitFor(&future).get()
      (plain + to).copyMemory(from: plain + from, byteCount: size)
      return "memcpy \(size)"
    case 1:
      let (to, from) = (place(), place())
      var future = mover.memmove(to: real + to, from: real + from, byteCount: size, flags: flags)
      try waitFor(&future).get()
      (plain + to).copyMemory(from: plain + from, byteCount: size)
      return "memmove \(size) by \(to - from)"
    case 2:
      let to = place()
      let value = UInt8(truncatingIfNeeded: pattern)
      var future = mover.memset(real + to, to: value, byteCount: size, flags: flags)
      try waitFor(&future).get()
      (plain + to).initializeMemory(as: UInt8.self, repeating: value, count: size)
      return "memset \(size)"
    case 3:
      let to = place()
      var future = mover.fill(real + to, with: pattern, byteCount: size, flags: durable)
      try waitFor(&future).get()
      plainFill(plain + to, pattern, size)
      return "fill \(size)"
    case 4:
      let (a, b) = (place(), place())
      var future = mover.compare(real + a, real + b, byteCount: size)
      #expect(try waitFor(&future).get() == plainDifference(plain + a, plain + b, size), "\(seed)")
      return "compare \(size)"
    case 5:
      let (to, from) = two()
      let crc = UInt32(truncatingIfNeeded: pattern)
      var future = mover.memcpyWithCRC32C(
        to: real + to, from: real + from, byteCount: size, continuing: crc, flags: durable)
      (plain + to).copyMemory(from: plain + from, byteCount: size)
      let bytes = UnsafeRawBufferPointer(start: plain + from, count: size)
      #expect(try waitFor(&future).get() == plainCRC32C(bytes, continuing: crc), "\(seed)")
      return "copy with CRC \(size)"
    case 6:
      let from = place()
      var future = mover.crc32c(real + from, byteCount: size)
      let bytes = UnsafeRawBufferPointer(start: plain + from, count: size)
      #expect(try waitFor(&future).get() == plainCRC32C(bytes), "\(seed)")
      return "CRC \(size)"
    case 7:
      let small = size % 8000
      let (first, from) = (Int.random(in: 0..<100, using: &seed), 30_000)
      let second = first + 4096 * Int.random(in: 2...5, using: &seed)
      var future = mover.dualcast(
        to: real + first, and: real + second, from: real + from, byteCount: small, flags: durable)
      try waitFor(&future).get()
      (plain + first).copyMemory(from: plain + from, byteCount: small)
      (plain + second).copyMemory(from: plain + from, byteCount: small)
      return "dualcast \(small)"
    default:
      let count = Int.random(in: 1...20, using: &seed)
      let part = size % 1000
      let items = (0..<count).map { i -> DMLMover.BatchItem in
        let to = 24_000 + i * 1000
        if i % 3 == 0 {
          plainFill(plain + to, pattern, part)
          return .fill(real + to, with: pattern, byteCount: part)
        }
        (plain + to).copyMemory(from: plain + i, byteCount: part)
        return .memcpy(to: real + to, from: real + i, byteCount: part)
      }
      var future = mover.batch(items, flags: durable)
      try waitFor(&future).get().get()
      return "batch of \(count), \(part)"
    }
  }
}
