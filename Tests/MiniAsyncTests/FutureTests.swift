import MiniAsync
import TestSupport
import Testing

@Suite struct FutureTests {
  /// Idle until `opens`, then running, then complete.
  struct Staged: Future {
    var idlePolls: Int
    var runningPolls: Int
    let advances = Counter()
    var progress = FutureProgress<[Int]>.idle

    mutating func advance(_ notifier: inout Notifier) -> FutureProgress<[Int]> {
      advances.add()
      if idlePolls > 0 {
        idlePolls -= 1
        return .idle
      }
      if runningPolls > 0 {
        runningPolls -= 1
        return .running
      }
      return .complete([1, 2])
    }
  }

  @Test(arguments: [(0, 0), (0, 1), (1, 0), (2, 3)])
  func `the state can be read at any time`(idle: Int, running: Int) {
    var future = Staged(idlePolls: idle, runningPolls: running)
    #expect(future.state == .idle)
    #expect(future.output == nil)
    for _ in 0..<idle {
      #expect(future.poll() == .idle)
      #expect(future.state == .idle && future.output == nil)
    }
    for _ in 0..<running {
      #expect(future.poll() == .running)
      #expect(future.state == .running && future.output == nil)
    }
    #expect(future.poll() == .complete)
    #expect(future.state == .complete)
  }

  @Test func `polling a complete future does nothing`() {
    var future = Staged(idlePolls: 0, runningPolls: 1)
    while future.poll() != .complete {}
    #expect(future.advances.value == 2)
    let target = RecordingTarget()
    var notifier = Notifier(waker: target.waker)
    for _ in 0..<3 {
      #expect(future.poll() == .complete)
      #expect(future.poll(&notifier) == .complete)
    }
    #expect(future.advances.value == 2)
    expect(notifier.used.isEmpty)
  }

  @Test func `the output is readable as often as wanted`() {
    var future = Staged(idlePolls: 0, runningPolls: 0)
    future.poll()
    for _ in 0..<3 { #expect(future.output == [1, 2]) }
    #expect(future.progress == .complete([1, 2]))
  }

  @Test func `a future may begin complete`() {
    var future = Repeated(polls: 9, progress: .complete(4))
    #expect(future.state == .complete && future.output == 4)
    #expect(future.poll() == .complete)
    #expect(future.busyPoll() == 4)
    #expect(future.probe.polls.value == 0)
  }

  @Test func `a completed future has its output`() {
    var future = CompletedFuture("x")
    #expect(future.state == .complete && future.output == "x")
    #expect(future.poll() == .complete)
    #expect(future.busyPoll() == "x")
    var notifier = Notifier()
    #expect(future.advance(&notifier) == .complete("x"))
  }

  @Test(arguments: [1, 2, 100])
  func `busy polling polls until completion and no more`(polls: Int) {
    var future = Repeated(polls: polls, value: 3)
    #expect(future.busyPoll() == 3)
    #expect(future.busyPoll() == 3)
    #expect(future.probe.polls.value == polls)
  }

  @Test func `busy polling a non-copyable future`() {
    let drops = Counter()
    do {
      var future = Dropping(Repeated(polls: 2, value: 6), drops)
      let output = future.busyPoll()
      #expect(output == 6)
      expect(future.output == 6)
      #expect(drops.value == 0)
    }
    #expect(drops.value == 1)
  }

  @Test func `by default a future has no property and cannot be cancelled`() {
    var future = Staged(idlePolls: 0, runningPolls: 0)
    #expect(!future.hasProperty(.async))
    future.cancel()
    #expect(future.poll() == .complete)
    #expect(Signalled(isAsync: true).hasProperty(.async))
  }

  @Test func `progress is a state with the output in it`() {
    let all: [FutureProgress<Int>] = [.idle, .running, .complete(1)]
    #expect(all.map(\.state) == [.idle, .running, .complete])
    #expect(all.map(\.output) == [nil, nil, 1])
    #expect(all.map(\.isComplete) == [false, false, true])
    #expect(Set(all).count == 3)
    #expect(FutureProgress.complete(1) != .complete(2))
    #expect([FutureState.idle, .running, .complete].map(\.rawValue) == [0, 1, 2])
  }

  @Test func `an output may be an optional`() {
    struct Maybe: Future {
      var progress = FutureProgress<Int?>.idle
      mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Int?> { .complete(nil) }
    }
    var future = Maybe()
    #expect(future.output == nil)
    #expect(future.busyPoll() == nil)
    #expect(future.output == .some(nil))
    #expect(Runtime().wait(&future) == nil)
  }
}
