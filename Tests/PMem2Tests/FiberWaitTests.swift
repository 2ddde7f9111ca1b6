import Fibers
import Glibc
import MiniAsync
import TestSupport
import Testing
import VDM

@testable import PMem2

/// Durable copies waited for by fibers: the thread is left to the others.
@Suite struct FiberWaitTests {
  @Test(arguments: Granularity.allCases)
  func `a fiber parks for a durable copy while another one runs`(
    granularity: Granularity
  ) throws {
    // Held open until the other fiber has had its turns.
    let gate = MoverGate()
    var configuration = ThreadMover.Configuration(threads: 1)
    configuration.memcpy = { to, from, count, _ in
      gate.pass()
      to.copyMemory(from: from, byteCount: count)
    }
    let mover = try ThreadMover(configuration: configuration)
    let file = try TestFile(byteCount: 1 << 16)
    let map = try file.map(granularity, mover: mover)
    let source = MoverBytes(patternOf: 1 << 16)
    let runtime = try FiberRuntime()
    let turns = LocalCounter()
    let copier = try runtime.spawn(name: "copier") {
      try map.memcpyAsync(to: map.address, from: source.start, byteCount: 1 << 16).value().get()
      return turns.value
    }
    try runtime.spawn(name: "other") {
      for _ in 0..<10 {
        turns.value += 1
        try Fiber.yield()
      }
      gate.open()
    }
    #expect(try copier.join() == 10)
    let equal = file.bytes?.withUnsafeBytes { memcmp($0.baseAddress!, source.start, 1 << 16) }
    #expect(equal == 0)
    try runtime.run()
    try map.unmap()
  }

  @Test func `a batch is waited for in a fiber`() throws {
    let file = try TestFile()
    let map = try file.map(.cacheLine)
    let runtime = try FiberRuntime()
    let fiber = try runtime.spawn {
      var batch = DurableBatch(map, minimumCapacity: 2)
      try batch.memset(map.address, to: 1, byteCount: 100)
      try batch.memset(map.address + 200, to: 2, byteCount: 100)
      return try batch.value().get()
    }
    _ = try fiber.join()
    #expect(file.bytes?[0] == 1 && file.bytes?[299] == 2)
  }
}
