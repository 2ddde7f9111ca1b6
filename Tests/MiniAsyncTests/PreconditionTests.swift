import MiniAsync
import TestSupport
import Testing

/// Misuse ends the process. In debug builds the message says which type was misused how; release
/// builds do not print it.
@Suite struct PreconditionTests {
  func expectMessage(
    _ message: String, _ result: ExitTest.Result?, at location: SourceLocation = #_sourceLocation
  ) {
    guard isDebugBuild, let result else { return }
    let text = String(decoding: result.standardErrorContent, as: UTF8.self)
    #expect(text.contains(message), sourceLocation: location)
  }

  @Test func `asking a chain for an entry that it does not have`() async {
    let exists = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      let chain = Chain(output: 0, first: CompletedFuture(1))
      _ = chain.isInitialized(1)
    }
    expectMessage("Chain.isInitialized: no entry 1", exists)
    let processed = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      let chain = Chain(output: 0, first: CompletedFuture(1))
      _ = chain.isProcessed(-1)
    }
    expectMessage("Chain.isProcessed: no entry -1", processed)
  }

  @Test func `skipping a future that was polled`() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      var future = Skippable(Repeated(polls: 2))
      future.poll()
      future.skip()
    }
    expectMessage("Skippable.skip: the future has been polled already", result)
  }

  @Test func `the first of nothing`() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      _ = FirstOf([Repeated]())
    }
    expectMessage("FirstOf: there is nothing to wait for; add a future", result)
  }

  @Test func `all of a group of which some were taken`() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      var group = FutureGroup<Repeated>()
      group.add(Repeated(polls: 1))
      _ = await group.next()
      _ = AllOf(group)
    }
    expectMessage("AllOf: completions were taken out of the group; use a new group", result)
  }

  @Test func `two threads that register with one cell at the same time`() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      let cell = WakerCell()
      let target = RecordingTarget()
      onThreads(4) { _ in for _ in 0..<10_000_000 { cell.register(target.waker) } }
    }
    expectMessage("WakerCell: two threads register at the same time", result)
  }
}
