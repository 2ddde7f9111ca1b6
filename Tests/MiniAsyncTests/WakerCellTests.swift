import MiniAsync
import Synchronization
import TestSupport
import Testing

@Suite struct WakerCellTests {
  @Test func `an empty cell wakes nobody`() { WakerCell().wake() }

  @Test func `a registered waker is called once`() {
    let cell = WakerCell()
    let target = RecordingTarget()
    cell.register(target.waker)
    cell.wake()
    cell.wake()
    #expect(target.count == 1)
  }

  @Test func `the last registered waker is called`() {
    let cell = WakerCell()
    let target = RecordingTarget()
    for token in 0..<3 { cell.register(Waker(target, token: UInt64(token))) }
    cell.wake()
    #expect(target.woken == [2])
  }

  @Test func `registering a notifier takes its waker, if there is one`() {
    let cell = WakerCell()
    let target = RecordingTarget()
    var empty = Notifier()
    expect(!cell.register(&empty))
    expect(empty.used.isEmpty)
    var notifier = Notifier(waker: target.waker)
    expect(cell.register(&notifier))
    expect(notifier.used == .waker)
    cell.wake()
    #expect(target.count == 1)
  }

  @Test func `a cell drops the waker it was waiting to call`() {
    weak var weakTarget: RecordingTarget?
    do {
      let cell = WakerCell()
      let target = RecordingTarget()
      weakTarget = target
      cell.register(target.waker)
    }
    #expect(weakTarget == nil)
  }

  @Test func `a waker that registers again when it is called`() {
    let cell = WakerCell()
    let calls = Counter()
    final class Again: WakeTarget {
      let cell: WakerCell
      let calls: Counter
      init(_ cell: WakerCell, _ calls: Counter) { (self.cell, self.calls) = (cell, calls) }
      func wake(token: UInt64) {
        if calls.add() < 2 { cell.register(Waker(self)) }
      }
    }
    cell.register(Waker(Again(cell, calls)))
    for _ in 0..<5 { cell.wake() }
    #expect(calls.value == 3)
  }

  /// One side publishes a number and wakes, the other registers and then looks: it must see the
  /// number or be woken after it.
  @Test func `no wake is lost between registering and looking`() {
    let rounds = 20_000 * stressFactor
    let box = Box()
    let target = Waker { box.woken.store(1, ordering: .releasing) }
    let thread = TestThread {
      for round in 1...rounds {
        box.published.store(round, ordering: .releasing)
        box.cell.wake()
        waitUntil { box.acknowledged.load(ordering: .acquiring) == round }
      }
    }
    for round in 1...rounds {
      while true {
        box.woken.store(0, ordering: .relaxed)
        box.cell.register(target)
        if box.published.load(ordering: .acquiring) == round { break }
        waitUntil { box.woken.load(ordering: .acquiring) == 1 }
      }
      box.acknowledged.store(round, ordering: .releasing)
    }
    thread.join()
  }

  private final class Box: Sendable {
    let cell = WakerCell()
    let published = Atomic<Int>(0)
    let acknowledged = Atomic<Int>(0)
    let woken = Atomic<Int>(0)
  }
}
