import Glibc
import MiniAsync
import TestSupport
import Testing
import VDM

/// A mover as a user may write one: it does what a script says and writes down each call.
private final class ScriptedMover: DataMover, JobOwner {
  final class Script {
    var log: [String] = []
    var jobs: UInt64 = 0
    /// How often each job was used.
    var calls: [UInt64: Int] = [:]
    var makeError: VDMError?
    /// What the calls of `start` and `check` return, in order; after the last, `.complete(nil)`.
    var steps: [FutureProgress<VDMError?>] = []
    var canCancel = false
    var capabilities: OperationFlags = []
    var kinds: Set<OperationKind> = [.memcpy, .memmove, .memset, .flush]
    var takesWaker = false
  }

  // Used by one thread in these tests.
  nonisolated(unsafe) let script = Script()

  var capabilities: OperationFlags { script.capabilities }
  func supports(_ kind: OperationKind) -> Bool { script.kinds.contains(kind) }
  func hasProperty(_ property: FutureProperty) -> Bool { true }

  func makeJob(for operation: Operation) throws(VDMError) -> OperationJob {
    script.log.append("make \(operation.kind)")
    if let error = script.makeError { throw error }
    script.jobs += 1
    script.calls[script.jobs] = 0
    return OperationJob(owner: self, token: script.jobs)
  }

  private func step(_ name: String, _ job: inout OperationJob, _ notifier: inout Notifier)
    -> FutureProgress<VDMError?>
  {
    note(name, job.token)
    let reached = script.steps.isEmpty ? .complete(nil) : script.steps.removeFirst()
    if script.takesWaker { _ = notifier.takeWaker() }
    return reached
  }

  func start(_ job: inout OperationJob, of operation: Operation, _ notifier: inout Notifier)
    -> FutureProgress<VDMError?>
  { step("start", &job, &notifier) }

  func check(_ job: inout OperationJob, of operation: Operation, _ notifier: inout Notifier)
    -> FutureProgress<VDMError?>
  { step("check", &job, &notifier) }

  func cancel(_ job: inout OperationJob, of operation: Operation) -> Bool {
    note("cancel", job.token)
    return script.canCancel
  }

  func endJob(_ token: UInt64) {
    script.log.append("end \(token).\(script.calls.removeValue(forKey: token) ?? -1)")
  }

  private func note(_ name: String, _ token: UInt64) {
    script.calls[token, default: -1] += 1
    script.log.append("\(name) \(token).\(script.calls[token] ?? -1)")
  }
}

/// The least that a mover needs: everything else has a default.
private struct LeastMover: DataMover {
  var capabilities: OperationFlags { [] }
  func supports(_ kind: OperationKind) -> Bool { true }
  func hasProperty(_ property: FutureProperty) -> Bool { false }
  func makeJob(for operation: Operation) throws(VDMError) -> OperationJob { OperationJob() }
  func start(_ job: inout OperationJob, of operation: Operation, _ notifier: inout Notifier)
    -> FutureProgress<VDMError?>
  { .running }
  func check(_ job: inout OperationJob, of operation: Operation, _ notifier: inout Notifier)
    -> FutureProgress<VDMError?>
  {
    Glibc.memset(operation.destination, CInt(operation.value), operation.byteCount)
    return .complete(nil)
  }
}

/// Movers that users write: what the future calls, in every path.
@Suite struct UserMoverTests {
  private let mover = ScriptedMover()
  private let bytes = MoverBytes(count: 8)
  private var script: ScriptedMover.Script { mover.script }

  private func make() -> OperationFuture<ScriptedMover> {
    mover.memset(bytes.start, to: 1, byteCount: 8)
  }

  @Test func `start is called until it has started, check after that, endJob once`() {
    script.steps = [.idle, .idle, .running, .running, .running, .complete(nil)]
    do {
      var future = make()
      #expect(script.log == ["make memset"])
      #expect(future.hasProperty(.async) == true)
      for state in [FutureState.idle, .idle, .running, .running, .running, .complete] {
        #expect(future.poll() == state)
        #expect(future.state == state)
      }
      #expect(future.output?.isSuccess == true)
      #expect(future.poll() == .complete)
      future.cancel()
      #expect(future.hasProperty(.async) == false)
    }
    #expect(
      script.log == [
        "make memset", "start 1.1", "start 1.2", "start 1.3", "check 1.4", "check 1.5",
        "check 1.6", "end 1.6",
      ])
  }

  @Test func `an operation may complete or fail at its start`() {
    var done = make()
    #expect(done.poll() == .complete)
    #expect(done.output?.isSuccess == true)
    script.steps = [.complete(.jobCorrupted)]
    var failed = make()
    #expect(failed.poll() == .complete)
    #expect(failed.output?.error == .jobCorrupted)
    #expect(throws: VDMError.jobCorrupted) { try failed.output?.get() }
    #expect(
      script.log == ["make memset", "start 1.1", "end 1.1", "make memset", "start 2.1", "end 2.1"])
  }

  @Test func `an operation may fail after its start`() {
    script.steps = [.running, .complete(.jobCorrupted)]
    var future = make()
    #expect(waitFor(&future).error == .jobCorrupted)
    #expect(script.log == ["make memset", "start 1.1", "check 1.2", "end 1.2"])
  }

  @Test(arguments: 0...3)
  func `a dropped future ends its job once`(polls: Int) {
    script.steps = [.idle, .running, .running, .running]
    do {
      var future = make()
      for _ in 0..<polls { future.poll() }
    }
    #expect(script.log.last == "end 1.\(polls)")
    #expect(script.log.count == 2 + polls)
  }

  @Test(arguments: 0...1)
  func `cancelling what was not started does not ask the mover`(polls: Int) {
    script.steps = [.idle, .idle]
    do {
      var future = make()
      for _ in 0..<polls { #expect(future.poll() == .idle) }
      future.cancel()
      #expect(future.state == .complete)
      #expect(future.output?.error == .cancelled)
      #expect(future.poll() == .complete)
      future.cancel()
    }
    #expect(script.log.last == "end 1.\(polls)")
    #expect(script.log.count == 2 + polls)
  }

  @Test func `cancelling what was started ends it if the mover stops it`() {
    script.steps = [.running, .running]
    script.canCancel = true
    do {
      var future = make()
      future.poll()
      future.cancel()
      #expect(future.output?.error == .cancelled)
      future.cancel()
      #expect(future.poll() == .complete)
    }
    #expect(script.log == ["make memset", "start 1.1", "cancel 1.2", "end 1.2"])
  }

  @Test func `cancelling what was started changes nothing if the mover does not`() {
    script.steps = [.running, .running, .complete(nil)]
    do {
      var future = make()
      future.poll()
      future.cancel()
      #expect(future.state == .running)
      #expect(waitFor(&future).isSuccess)
    }
    #expect(
      script.log == [
        "make memset", "start 1.1", "cancel 1.2", "check 1.3", "check 1.4", "end 1.4",
      ])
  }

  @Test func `what is refused never reaches the mover`() {
    script.kinds = [.memcpy]
    script.capabilities = .durable
    let a = bytes.start
    #expect(make().output?.error == .unsupportedOperation(.memset))
    #expect(
      mover.memmove(to: a, from: a + 4, byteCount: 4).output?.error
        == .unsupportedOperation(.memmove))
    #expect(mover.flush(a, byteCount: 4).output?.error == .unsupportedOperation(.flush))
    #expect(
      mover.memcpy(to: a, from: a + 4, byteCount: 4, flags: [.durable, .noCacheHint]).output?.error
        == .unsupportedFlags(.noCacheHint))
    #expect(
      mover.memcpy(to: a, from: a + 4, byteCount: -4).output?.error
        == .invalidArgument(.negativeByteCount(-4)))
    #expect(
      mover.memcpy(to: a, from: a + 3, byteCount: 4).output?.error
        == .invalidArgument(.overlappingRanges))
    #expect(script.log.isEmpty)
    // What is supported does.
    var future = mover.memcpy(to: a, from: a + 4, byteCount: 4, flags: .durable)
    #expect(waitFor(&future).isSuccess)
    #expect(script.log == ["make memcpy", "start 1.1", "end 1.1"])
  }

  @Test func `a job that cannot be made makes a complete future, and is not ended`() {
    script.makeError = .outOfSlots(capacity: 0)
    do {
      var future = make()
      #expect(future.state == .complete)
      #expect(future.poll() == .complete)
      #expect(waitFor(&future).error == .outOfSlots(capacity: 0))
      future.cancel()
    }
    #expect(script.log == ["make memset"])
  }

  @Test func `the notifier is the waiter's own`() {
    script.steps = [.running, .running]
    script.takesWaker = true
    var future = make()
    let waiter = WakeCounter()
    #expect(waiter.poll(&future).1 == .waker)
    script.takesWaker = false
    #expect(waiter.poll(&future).1 == [])
  }

  @Test func `a mover may leave cancelling to the default`() {
    let mover = LeastMover()
    var future = mover.memset(bytes.start, to: 6, byteCount: 8)
    future.poll()
    future.cancel()
    #expect(future.state == .running)
    #expect(waitFor(&future).isSuccess)
    #expect(bytes.isFilled(with: 6))
  }
}
