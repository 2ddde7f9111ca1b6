import MiniAsync
import Synchronization
import TestSupport
import Testing

@Suite struct WakerTests {
  @Test func `a waker calls its target with its token, as often as it is called`() {
    let target = RecordingTarget()
    let waker = Waker(target, token: 5)
    waker.wake()
    waker.wake()
    #expect(target.woken == [5, 5])
  }

  @Test func `a waker of a closure calls it`() {
    let calls = Counter()
    let waker = Waker { calls.add() }
    waker.wake()
    waker.wake()
    #expect(calls.value == 2)
  }

  @Test func `wakers are the same if target and token are`() {
    let a = RecordingTarget()
    let b = RecordingTarget()
    #expect(Waker(a, token: 1).wakesSame(as: Waker(a, token: 1)))
    #expect(!Waker(a, token: 1).wakesSame(as: Waker(a, token: 2)))
    #expect(!Waker(a, token: 1).wakesSame(as: Waker(b, token: 1)))
  }

  @Test func `a waker keeps its target alive`() {
    weak var weakTarget: RecordingTarget?
    do {
      let waker = Waker(RecordingTarget())
      do {
        let target = RecordingTarget()
        weakTarget = target
        let other = Waker(target)
        #expect(weakTarget != nil)
        other.wake()
      }
      waker.wake()
    }
    #expect(weakTarget == nil)
  }

  @Test func `a waker may be called from many threads at once`() {
    let target = RecordingTarget()
    let waker = target.waker
    onThreads(4) { _ in for _ in 0..<100 { waker.wake() } }
    #expect(target.count == 400)
  }

  /// Keeps every waker that it was given.
  struct Hoarding: Future {
    let wakers: Collected<Waker>
    var polls: Int
    var wakesDuringPoll = false
    var progress = FutureProgress<Int>.idle
    mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Int> {
      polls -= 1
      if let waker = notifier.takeWaker() {
        wakers.append(waker)
        if wakesDuringPoll { for _ in 0..<3 { waker.wake() } }
      }
      return polls > 0 ? .running : .complete(8)
    }
  }

  @Test func `waking during the poll, several times, means one more poll`() {
    let runtime = Runtime()
    let wakers = Collected<Waker>()
    var future = Hoarding(wakers: wakers, polls: 5, wakesDuringPoll: true)
    #expect(runtime.wait(&future) == 8)
    #expect(wakers.all.count == 5)
    #expect(runtime.statistics == statistics(polls: 5, wakes: 4, sleeps: 0))
  }

  @Test func `wakers may be called after completion and after the runtime is gone`() {
    let wakers = Collected<Waker>()
    do {
      let runtime = Runtime()
      var first = Hoarding(wakers: wakers, polls: 1)
      runtime.wait(&first)
      wakers.all[0].wake()
      var second = Hoarding(wakers: wakers, polls: 1)
      runtime.wait(&second)
      for waker in wakers.all { waker.wake() }
    }
    for waker in wakers.all { waker.wake() }
    #expect(wakers.all.count == 2)
  }

  @Test func `the same future gets the same waker at each poll`() {
    let wakers = Collected<Waker>()
    var futures = [
      Hoarding(wakers: wakers, polls: 2, wakesDuringPoll: true),
      Hoarding(wakers: wakers, polls: 2, wakesDuringPoll: true),
    ]
    Runtime().waitMultiple(&futures)
    let all = wakers.all
    #expect(all.count == 4)
    #expect(all.filter { $0.wakesSame(as: all[0]) }.count == 2)
    #expect(all.filter { $0.wakesSame(as: all[1]) }.count == 2)
    #expect(!all[0].wakesSame(as: all[1]))
  }
}

func statistics(polls: Int, wakes: Int, sleeps: Int) -> Runtime.Statistics {
  var statistics = Runtime.Statistics()
  statistics.polls = polls
  statistics.wakes = wakes
  statistics.sleeps = sleeps
  return statistics
}
