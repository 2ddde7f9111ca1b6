import Fibers
import MiniAsync
import TestSupport
import Testing

/// What a process that trapped said on standard error.
private func said(_ result: ExitTest.Result?, _ words: String...) -> Bool {
  guard let result else { return false }
  let text = String(decoding: result.standardErrorContent, as: UTF8.self)
  return words.allSatisfy { text.contains($0) }
}

@Suite("Bridge: misuse")
struct BridgeDeathTests {
  @Test("Waiting outside of a fiber")
  func outside() async {
    let wait = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try synchronously {
        var future = Signalled()
        _ = try Fiber.wait(for: &future)
      }
    }
    #expect(said(wait, "Fiber.wait: called outside of a fiber"))
    let value = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try synchronously { _ = Signalled().value() }
    }
    #expect(said(value, "Future.value: called outside of a fiber"))
    let blocking = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try synchronously { Fiber.blocking {} }
    }
    #expect(said(blocking, "Fiber.blocking: called outside of a fiber"))
  }

  @Test("A future of a fiber is made on the runtime's thread")
  func foreignFuture() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try synchronously {
        let runtime = try FiberRuntime()
        nonisolated(unsafe) let fiber = try runtime.spawn { 1 }
        onOwnThread { _ = fiber.future() }
      }
    }
    #expect(said(result, "Fiber.future: called from another thread"))
  }

  @Test("No helper threads at all")
  func noHelpers() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try synchronously {
        var configuration = FiberRuntime.Configuration()
        configuration.blockingThreads = 0
        _ = try FiberRuntime(configuration)
      }
    }
    #expect(said(result, "FiberRuntime: Configuration.blockingThreads must be greater than 0"))
  }

  @Test("A future that parks the fiber that polls it")
  func parksInPoll() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try synchronously {
        let runtime = try FiberRuntime()
        try runtime.spawn {
          Parking().value()
        }
        try runtime.run()
      }
    }
    #expect(said(result, "must not suspend"))
  }
}

private struct Parking: Future {
  var progress = FutureProgress<Int>.idle

  mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Int> {
    .complete(Signalled().value())
  }
}
