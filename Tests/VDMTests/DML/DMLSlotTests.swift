import Glibc
import MiniAsync
import TestSupport
import Testing
import VDM

/// What slots that were used before, dropped or refused must not do, and waiting for one.
@Suite struct DMLSlotTests {
  /// Memory of dropped operations, which the mover goes on with until it ends itself.
  private static let lasting = MoverBytes(count: 64)

  @Test(arguments: [DMLMover.Path.software, .hardware])
  func `a batch flushes nothing of the operation that had its slot before`(
    path: DMLMover.Path
  ) async throws {
    await #expect(processExitsWith: .success) { [isSoftware = (path == .software) as Bool] in
      try Self.useSlotAgain(isSoftware ? .software : .hardware)
    }
  }

  /// The memory of the first operation is gone: who touches it dies.
  private static func useSlotAgain(_ path: DMLMover.Path) throws {
    let mover = try DMLMover.doubled(path, DoubledDML())
    let page = try #require(
      mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
    var fill = mover.fill(page, with: 1, byteCount: 4096, flags: .durable)
    try waitFor(&fill).get()
    munmap(page, 4096)
    var batch = mover.batch([])
    try waitFor(&batch).get().get()
  }

  @Test(arguments: [-1, .max, 1 << 50])
  func `a durable batch flushes nothing of what makes no sense`(byteCount: Int) async throws {
    await #expect(processExitsWith: .success) { [byteCount = byteCount as Int] in
      try Self.refuseOne(byteCount: byteCount)
    }
  }

  private static func refuseOne(byteCount: Int) throws {
    let mover = try DMLMover.doubled(.software, DoubledDML())
    let bytes = MoverBytes(count: 64)
    var batch = mover.batch(
      [
        .memcpy(to: bytes.start, from: bytes.start + 32, byteCount: byteCount),
        .fill(bytes.start, with: 1, byteCount: 8),
      ], flags: .durable)
    let errors = try waitFor(&batch).get().errors
    precondition(errors[0] != nil && errors[1] == nil)
  }

  @Test func `a runtime waits for full queues and a slow device`() throws {
    let library = DoubledDML()
    let mover = try DMLMover.doubled(.hardware, library)
    let bytes = MoverBytes(count: 64)
    for _ in 0..<50 { library.plan { $0.submit_status = 102 } }
    library.plan { $0.checks = 50 }
    var fill = mover.fill(bytes.start, with: 0x0303_0303_0303_0303, byteCount: 64)
    try Runtime().wait(&fill).get()
    #expect(bytes.isFilled(with: 3))
  }

  @Test func `a task waits for full queues and a slow device`() async throws {
    let library = DoubledDML()
    let mover = try DMLMover.doubled(.hardware, library)
    let bytes = MoverBytes(count: 64)
    for _ in 0..<50 { library.plan { $0.submit_status = 102 } }
    library.plan { $0.checks = 50 }
    try await mover.fill(bytes.start, with: 0x0404_0404_0404_0404, byteCount: 64).value().get()
    #expect(bytes.isFilled(with: 4))
  }

  @Test func `an operation does not look at all that were dropped before it`() throws {
    let library = DoubledDML { $0.queue_size = 1000 }
    let mover = try DMLMover.doubled(.hardware, library) { $0.slotCapacity = 500 }
    let bytes = Self.lasting
    let before = library.counts.checks
    for _ in 0..<500 {
      library.plan { $0.checks = 100 }
      var crc = mover.crc32c(bytes.start, byteCount: 64)
      crc.poll()
    }
    // Each was looked at when it began, and looked at a few others then.
    #expect(library.counts.checks - before < 500 * 20)
    // But all are before it is said that there is no slot.
    while mover.memset(bytes.start, to: 1, byteCount: 64).state == .complete {}
    let looks = library.counts.checks
    var crc = mover.crc32c(bytes.start, byteCount: 64)
    crc.poll()
    #expect(library.counts.checks - looks < 40)
  }

  @Test func `a dropped operation among many frees its slot for one that needs it`() throws {
    let library = DoubledDML { $0.queue_size = 1000 }
    let mover = try DMLMover.doubled(.hardware, library) { $0.slotCapacity = 100 }
    let bytes = Self.lasting
    for number in 0..<100 {
      library.plan { $0.checks = number == 99 ? 1 : 100_000 }
      var crc = mover.crc32c(bytes.start, byteCount: 64)
      crc.poll()
    }
    let fill = mover.memset(bytes.start, to: 1, byteCount: 64)
    #expect(fill.state == .idle, "the last one's slot, though 99 wait before it")
  }

  @Test func `a task that is cancelled does not wait for full queues`() async throws {
    let library = DoubledDML { $0.queue_size = 1 }
    let mover = try DMLMover.doubled(.hardware, library)
    let bytes = Self.lasting
    library.plan { $0.checks = 100_000 }
    var slow = mover.crc32c(bytes.start, byteCount: 64)
    #expect(slow.poll() == .running)
    let task = Task {
      let output = await mover.fill(bytes.start, with: 1, byteCount: 64).value()
      if case .failure(let error) = output { throw error }
    }
    task.cancel()
    let result = await task.result
    #expect(throws: (any Error).self) { try result.get() }
    #expect(bytes[0] == 0)
  }
}
