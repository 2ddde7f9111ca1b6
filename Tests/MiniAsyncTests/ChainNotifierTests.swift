import MiniAsync
import TestSupport
import Testing

/// What the waiter of futures in sequence is told: only what the one whose turn it is has used.
@Suite struct ChainNotifierTests {
  @Test func `an entry that uses nothing after one that took the waker is polled repeatedly`() {
    let signal = Signal()
    signal.fire()
    var notifier = Notifier(waker: RecordingTarget().waker)
    var chain = Chain(output: 0, first: Signalled(signal)).then(Repeated(polls: 2)) { _, _, _ in }
    expect(chain.poll(&notifier) == .running)
    expect(notifier.used.isEmpty)
  }

  @Test func `a second future that uses nothing after one that took the waker is too`() {
    let signal = Signal()
    signal.fire()
    var notifier = Notifier(waker: RecordingTarget().waker)
    var both = Signalled(signal).then { _ in Repeated(polls: 2) }
    expect(both.poll(&notifier) == .running)
    expect(notifier.used.isEmpty)
  }

  @Test func `the runtime does not wait for a wake of an entry that has completed`() {
    let signal = Signal()
    signal.fire()
    var chain = Chain(output: 0, first: Signalled(signal))
      .then(Repeated(polls: 50)) { _, _, _ in }
      .mapOutput { chain, _ in chain.output = 5 }
    expect(Runtime().wait(&chain) == 5)
  }
}
