import MiniAsync
import Synchronization
import TestSupport
import Testing

struct Countdown: Future {
  var left: Int
  var progress = FutureProgress<String>.idle
  mutating func advance(_ notifier: inout Notifier) -> FutureProgress<String> {
    left -= 1
    return left > 0 ? .running : .complete("lift-off")
  }
}

struct Add: Future {
  var a = 0
  var b = 0
  var progress = FutureProgress<Int>.idle
  mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Int> { .complete(a + b) }
}

@Suite struct SmokeTests {
  @Test func `a future completes`() {
    var c = Countdown(left: 3)
    let r = Runtime()
    #expect(r.wait(&c) == "lift-off")
    #expect(c.poll() == .complete)
    var many = (0..<1000).map { Countdown(left: $0 % 7) }
    r.waitMultiple(&many)
    #expect(many.allSatisfy { $0.state == .complete })
  }
  @Test func `a chain`() {
    var chain = Chain(output: 0, extra: 5, first: Add(a: 1, b: 2))
      .then(Add(a: 0, b: 10)) { c, out, next in next.a = out }
      .thenLazily { c, out in Add(a: out, b: c.extra) }
      .mapOutput { c, out in c.output = out }
    #expect(!chain.isInitialized(2))
    #expect(chain.busyPoll() == 18)
    #expect(chain.isProcessed(2))
  }
  @Test func `awaits`() async {
    let v = await TaskFuture { 5 }.value()
    #expect(v == 5)
    let c = await Countdown(left: 40).value()
    #expect(c == "lift-off")
    let both = await CompletedFuture(1).and(CompletedFuture(2)).value()
    #expect(both == (1, 2))
  }
  @Test func `waits for tasks`() {
    let r = Runtime()
    var t = TaskFuture {
      await Task.yield()
      return 7
    }
    #expect(r.wait(&t) == 7)
    var group = FutureGroup<TaskFuture<Int>>()
    for i in 0..<100 {
      group.add(
        TaskFuture {
          await Task.yield()
          return i
        })
    }
    var sum = 0
    while let done = r.next(&group) {
      sum += done.output
      #expect(done.id == done.output)
    }
    #expect(sum == 4950)
    print(r.statistics)
  }
}
