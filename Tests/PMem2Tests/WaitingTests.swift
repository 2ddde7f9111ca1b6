import Glibc
import MiniAsync
import TestSupport
import Testing
import VDM

@testable import PMem2

/// Durable copies waited for in every way, over every mover.
@Suite struct WaitingTests {
  enum Mover: CaseIterable {
    case own, synchronous, threads, poller, tinyQueue

    func make() throws -> (any DataMover)? {
      var configuration = ThreadMover.Configuration(threads: 2)
      switch self {
      case .own: return nil
      case .synchronous: return SynchronousMover()
      case .threads: break
      case .poller: configuration.notifier = .poller
      case .tinyQueue:
        configuration.queueCapacity = 1
        configuration.spinLimit = 0
      }
      return try ThreadMover(configuration: configuration)
    }
  }

  @Test(arguments: Mover.allCases, Granularity.allCases)
  func `the runtime waits for one, for several, for a group`(
    mover: Mover, granularity: Granularity
  ) throws {
    let file = try TestFile(byteCount: 1 << 20)
    let map = try file.map(granularity, mover: mover.make())
    let source = MoverBytes(patternOf: 1 << 20)
    let runtime = Runtime()
    let part = 1 << 14
    func future(_ index: Int) -> DurableFuture {
      map.memcpyAsync(
        to: map.address + index * part, from: source.start + index * part, byteCount: part)
    }
    var first = future(0)
    try runtime.wait(&first).get()
    var second = future(1)
    var third = future(2)
    runtime.waitMultiple(&second, &third)
    var group = FutureGroup<DurableFuture>()
    for index in 3..<64 { group.add(future(index)) }
    while let completion = runtime.next(&group) { try completion.output.get() }
    let equal = file.bytes?.withUnsafeBytes { memcmp($0.baseAddress!, source.start, 1 << 20) }
    #expect(equal == 0)
    try synchronously { try map.unmap() }
  }

  @Test(arguments: Mover.allCases)
  func `a copy and a batch may be awaited`(mover: Mover) async throws {
    let file = try TestFile()
    let map = try file.map(mover: mover.make())
    let source = MoverBytes(patternOf: 1 << 16)
    try await map.memcpyAsync(to: map.address, from: source.start, byteCount: 1 << 15)
      .value().get()
    var batch = map.batch()
    for offset in stride(from: 1 << 15, to: 1 << 16, by: 1 << 12) {
      try batch.memcpy(
        to: map.address + offset, from: source.start + offset, byteCount: 1 << 12)
    }
    try await batch.value().get()
    let equal = file.bytes?.withUnsafeBytes { memcmp($0.baseAddress!, source.start, 1 << 16) }
    #expect(equal == 0)
  }

  @Test func `a waiter sleeps until the mover wakes it`() async throws {
    let mover = RecordingMover([], isAsync: true)
    mover.set(\.isHeld, true)
    let file = try TestFile()
    let map = try file.map(mover: mover)
    async let output = map.memsetAsync(map.address, to: 4, byteCount: 100).value()
    await eventually { mover.state.withLock { !$0.wakers.isEmpty } }
    mover.release()
    #expect(await output.isSuccess)
    #expect(file.bytes?[99] == 4)
  }

  @Test func `cancelling a task cancels its copy`() async throws {
    let mover = RecordingMover([], isAsync: true)
    mover.set(\.isHeld, true)
    mover.set(\.canCancel, true)
    let file = try TestFile()
    let map = try file.map(mover: mover)
    let task = Task { await map.memsetAsync(map.address, to: 4, byteCount: 100).value() }
    await eventually { mover.state.withLock { !$0.wakers.isEmpty } }
    task.cancel()
    #expect(await task.value.error == .operation(.cancelled))
  }

  @Test func `futures combine with others`() throws {
    let file = try TestFile()
    let map = try file.map()
    var both = map.memsetAsync(map.address, to: 1, byteCount: 10)
      .then { first in
        map.memcpyAsync(to: map.address + 10, from: first.destination, byteCount: 10)
      }
      .map { $0.isSuccess }
    expect(Runtime().wait(&both))
    #expect(file.bytes?[19] == 1)
  }
}
