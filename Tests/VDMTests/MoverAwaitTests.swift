import MiniAsync
import TestSupport
import Testing
import VDM

/// Operations awaited from Swift concurrency.
@Suite struct MoverAwaitTests {
  @Test(arguments: MoverChoice.allCases)
  func `an operation may be awaited`(choice: MoverChoice) async throws {
    func check<M: DataMover>(_ mover: M) async {
      let source = MoverBytes(patternOf: 300_001)
      let destination = MoverBytes(count: 300_001)
      let output = await mover.memcpy(
        to: destination.start, from: source.start, byteCount: 300_001
      ).value()
      #expect(output.isSuccess)
      #expect(output.kind == .memcpy)
      #expect(output.destination == destination.start)
      #expect(destination.equals(source))
      let failed = await mover.memset(destination.start, to: 1, byteCount: -1).value()
      #expect(failed.error == .invalidArgument(.negativeByteCount(-1)))
    }
    switch try choice.make() {
    case let mover as ThreadMover: await check(mover)
    case let mover as SynchronousMover: await check(mover)
    default: Issue.record("another mover")
    }
  }

  @Test func `many tasks may await operations of one mover with a tiny queue`() async throws {
    let mover = try ThreadMover(configuration: .with { $0.queueCapacity = 2 })
    let bytes = MoverBytes(count: 200)
    let succeeded = await withTaskGroup(of: Bool.self) { group in
      for i in 0..<200 {
        group.addTask {
          await mover.memset(bytes.start + i, to: 5, byteCount: 1).value().isSuccess
        }
      }
      return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
    }
    #expect(succeeded == 200)
    #expect(bytes.isFilled(with: 5))
    #expect(mover.slotsInUse == 0)
  }

  @Test func `a group of operations may be awaited`() async throws {
    let mover = try ThreadMover(configuration: .with { $0.queueCapacity = 8 })
    let bytes = MoverBytes(count: 100)
    var group = FutureGroup<OperationFuture<ThreadMover>>()
    for i in 0..<100 { group.add(mover.memset(bytes.start + i, to: 6, byteCount: 1)) }
    var ids: Set<Int> = []
    while let completion = await group.next() {
      #expect(completion.output.isSuccess)
      ids.insert(completion.id)
    }
    #expect(ids.count == 100)
    #expect(bytes.isFilled(with: 6))
  }

  @Test func `cancelling a task cancels its operation in the queue`() async throws {
    let gated = try GatedMover()
    let busy = gated.occupyWorkers()
    let (mover, start) = (gated.mover, gated.bytes)
    let task = Task { await mover.memset(start.start + 8, to: 1, byteCount: 1).value() }
    task.cancel()
    #expect(await task.value.error == .cancelled)
    gated.gate.open()
    #expect(await busy.take(0).value().isSuccess)
    mover.shutdown()
    #expect(gated.done.value == 0)
    #expect(start[8] == 0)
    #expect(mover.slotsInUse == 0)
  }

  @Test func `cancelling a task cancels its operation that waits for room`() async throws {
    let gated = try GatedMover { $0.queueCapacity = 2 }
    let busy = gated.occupyWorkers()
    let row = FutureRow<ThreadMover>(count: 2)
    for i in 0..<2 {
      row.put(gated.free(at: i + 1), at: i)
      row.poll(i)
    }
    let (mover, bytes) = (gated.mover, gated.bytes)
    let task = Task { await mover.memset(bytes.start + 8, to: 1, byteCount: 1).value() }
    task.cancel()
    #expect(await task.value.error == .cancelled)
    gated.gate.open()
    for i in 0..<2 { #expect(await row.take(i).value().isSuccess) }
    #expect(await busy.take(0).value().isSuccess)
    mover.shutdown()
    #expect(gated.done.value == 2)
    #expect(bytes[8] == 0)
    #expect(mover.slotsInUse == 0)
  }

  @Test func `a task that is cancelled too late gets its result`() async throws {
    let gated = try GatedMover()
    let (mover, bytes, gate) = (gated.mover, gated.bytes, gated.gate)
    let task = Task {
      await mover.memset(bytes.start, to: GatedMover.marker, byteCount: 1).value()
    }
    // Other tests block the threads of the pool for a while, but do not depend on this one.
    while gate.arrivals == 0 { await Task.yield() }
    task.cancel()
    gate.open()
    #expect(await task.value.isSuccess)
    #expect(bytes[0] == GatedMover.marker)
    #expect(mover.slotsInUse == 0)
  }
}
