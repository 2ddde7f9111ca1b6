import Fibers
import TestSupport
import Testing

@Suite("Stacks")
struct StackTests {
  static func configuration(
    _ change: (inout FiberRuntime.Configuration) -> Void
  ) -> FiberRuntime.Configuration {
    var configuration = FiberRuntime.Configuration()
    change(&configuration)
    return configuration
  }

  @Test("The configuration has the sizes of the C original")
  func defaults() {
    let configuration = FiberRuntime.Configuration()
    #expect(configuration.taskCapacity == 256)
    #expect(configuration.fiberCapacity == 64)
    #expect(configuration.stackByteCount == 65536)
    #expect(configuration.maxEvents == 64)
  }

  @Test(
    "Stacks are counted, reused and trimmed", arguments: [StackGuard.automatic, .protect, .none])
  func counted(guards: StackGuard) throws {
    let runtime = try FiberRuntime(Self.configuration { $0.stackGuard = guards })
    for round in 0..<3 {
      for _ in 0..<100 { try runtime.spawn { try Fiber.park { _ in } } }
      let checker = try runtime.spawn {
        let statistics = runtime.stackStatistics(countingResident: true)
        #expect(statistics.inUse == 101)
        #expect(statistics.promised == 0)
        #expect((statistics.residentByteCount ?? 0) >= 101 * 4096)
        #expect(statistics.reservedByteCount >= 101 * 65536)
      }
      if round == 0 { #expect(runtime.stackStatistics().promised == 101) }
      try checker.join()
      cancelAll(runtime)
      let after = runtime.stackStatistics()
      #expect(after.inUse == 0 && after.promised == 0)
      #expect(after.idle == 101)
    }
    let before = runtime.stackStatistics(countingResident: true)
    runtime.trimStacks(keeping: 1)
    let after = runtime.stackStatistics(countingResident: true)
    #expect(after.idle == 101)
    #expect((after.residentByteCount ?? .max) < (before.residentByteCount ?? 0))
    #expect((after.residentByteCount ?? .max) <= 16 * 4096)
    let again = try runtime.spawn { 1 }
    #expect(try again.join() == 1)
  }

  /// Ends every fiber of `runtime` by a fiber that cancels them through a scope of waits.
  func cancelAll(_ runtime: FiberRuntime) { runtime.cancelAllForTests() }

  @Test("A spawn may ask for its own size, or bring its own memory")
  func sizes() throws {
    let runtime = try FiberRuntime()
    let large = try runtime.spawn(stack: .bytes(1 << 20)) { useStack(kilobytes: 900) }
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 128 << 10, alignment: 16)
    defer { memory.deallocate() }
    let own = try runtime.spawn(stack: .memory(memory)) {
      var local = 0
      let isInside = withUnsafeMutablePointer(to: &local) { pointer in
        let address = UInt(bitPattern: pointer)
        let low = UInt(bitPattern: memory.baseAddress)
        return isAddressSanitized || address >= low && address < low + UInt(memory.count)
      }
      try Fiber.yield()
      return isInside
    }
    try runtime.run()
    #expect(try large.join() > 0)
    #expect(try own.join())
    #expect(runtime.stackStatistics().idle == 1)
  }

  @Test("Hard limits throw an error that says what to raise, and the rest goes on")
  func limits() throws {
    let runtime = try FiberRuntime(
      Self.configuration {
        $0.taskCapacity = 4
        $0.fiberCapacity = 3
        $0.capacitiesAreLimits = true
      })
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
    defer { memory.deallocate() }
    let fibers = try (0..<3).map { _ in try runtime.spawn { try Fiber.yield() } }
    #expect(throws: FiberError.stackLimitReached(limit: 3)) { try runtime.spawn {} }
    let fourth = try runtime.spawn(stack: .memory(memory)) { 4 }
    #expect(throws: FiberError.taskLimitReached(limit: 4)) { try runtime.spawn {} }
    try runtime.run()
    for fiber in fibers { try fiber.join() }
    #expect(try fourth.join() == 4)
    #expect(try runtime.spawn { 5 }.join() == 5)
    #expect("\(FiberError.stackLimitReached(limit: 3))".contains("fiberCapacity"))
    #expect("\(FiberError.mappingLimitReached(code: 12))".contains("vm.max_map_count"))
  }

  @Test("A stack that the system refuses is an error of the spawn; its closure is released")
  func refused() throws {
    final class Token {
      let counter: LocalCounter
      init(_ counter: LocalCounter) { self.counter = counter }
      deinit { counter.value += 1 }
    }
    let runtime = try FiberRuntime()
    let released = LocalCounter()
    do {
      let token = Token(released)
      #expect(throws: FiberError.self) {
        try runtime.spawn(stack: .bytes(1 << 50)) { withExtendedLifetime(token) {} }
      }
    }
    #expect(released.value == 1)
    #expect(try runtime.spawn { 1 }.join() == 1)
  }

  @Test("Capacities that may grow are made ready at the start; limits are not")
  func startingCapacities() throws {
    var configuration = FiberRuntime.Configuration()
    configuration.fiberCapacity = 300
    let runtime = try FiberRuntime(configuration)
    let reserved = runtime.stackStatistics().reservedByteCount
    #expect(reserved >= 300 * (64 << 10))
    for _ in 0..<300 { try runtime.spawn { try Fiber.yield() } }
    #expect(runtime.stackStatistics().reservedByteCount == reserved)
    try runtime.run()
    configuration.capacitiesAreLimits = true
    #expect(try FiberRuntime(configuration).stackStatistics().reservedByteCount == 0)
  }

  @Test(
    "Sizes that no address space holds are errors",
    arguments: [Int.max, Int.max - 4096, 1 << 60])
  func impossibleSizes(byteCount: Int) throws {
    let runtime = try FiberRuntime()
    let error = FiberError.outOfMemory(byteCount: byteCount, code: 12)
    #expect(throws: error) { try runtime.spawn(stack: .bytes(byteCount)) {} }
    var configuration = FiberRuntime.Configuration()
    configuration.stackByteCount = byteCount
    #expect(throws: error) { _ = try FiberRuntime(configuration) }
  }

  @Test("The high-water mark is what a fiber used, not what others did before it")
  func highWater() throws {
    let runtime = try FiberRuntime(Self.configuration { $0.measuresStacks = true })
    func use(_ kilobytes: Int) throws -> Int {
      let fiber = try runtime.spawn(stack: .bytes(512 << 10)) {
        _ = useStack(kilobytes: kilobytes)
        try Fiber.yield()
      }
      let watcher = try runtime.spawn { fiber.erased.stackHighWaterByteCount }
      try runtime.run()
      return try watcher.join() ?? 0
    }
    let large = try use(200)
    let small = try use(1)
    if !isAddressSanitized { #expect(large >= 150 << 10) }  // ASan moves large frames to the heap
    #expect(large < 512 << 10)
    #expect(small < 100 << 10)
    #expect(small > 0)
  }
}

extension FiberRuntime {
  /// Cancels what is parked and runs it to its end; the runtime stays open.
  func cancelAllForTests() {
    cancelAll()
    try? run()
  }
}
