import MiniAsync
import TestSupport
import Testing
import VDM

/// Futures that are dropped by code which does not know their type.
///
/// Swift 6.3.1 with -O destroys a generic non-copyable struct through its type's value witness
/// without running its deinit; so no future relies on that.
@Suite struct ThreadMoverLeakTests {
  @Test func `a dropped group gives back the slots of its futures`() throws {
    let mover = try ThreadMover(configuration: .init(threads: 1))
    let bytes = MoverBytes(count: 8)
    do {
      var group = FutureGroup<OperationFuture<ThreadMover>>()
      for i in 0..<4 { group.add(mover.memset(bytes.start + i, to: 1, byteCount: 1)) }
      #expect(mover.slotsInUse == 4)
    }
    #expect(mover.slotsInUse == 0)
  }

  @Test func `what else holds a future gives back its slot when it is dropped`() throws {
    let mover = try ThreadMover(configuration: .init(threads: 1))
    let bytes = MoverBytes(count: 8)
    func fill() -> OperationFuture<ThreadMover> { mover.memset(bytes.start, to: 1, byteCount: 1) }
    func drop<F: Future & ~Copyable>(_ future: consuming F) {
      #expect(mover.slotsInUse > 0)
      // Used after the look, so that it is not dropped before.
      #expect(future.state == .idle)
    }
    drop(fill())
    drop(fill().map { $0.isSuccess })
    drop(fill().and(fill()))
    drop(fill().or(fill()))
    drop(fill().then { _ in CompletedFuture(1) })
    drop(Skippable(fill()))
    drop(AnyFuture(fill()))
    drop(Chain(output: 0, first: fill()).then(fill()) { _, _, _ in }.mapOutput { _, _ in })
    var group = FutureGroup<OperationFuture<ThreadMover>>()
    group.add(fill())
    drop(AllOf(group))
    #expect(mover.slotsInUse == 0)
  }

  @Test func `a dropped row gives back the slots of its futures`() throws {
    let mover = try ThreadMover(configuration: .init(threads: 1))
    let bytes = MoverBytes(count: 8)
    do {
      let row = FutureRow<ThreadMover>(count: 4)
      for i in 0..<4 { row.put(mover.memset(bytes.start + i, to: 1, byteCount: 1), at: i) }
      #expect(mover.slotsInUse == 4)
    }
    #expect(mover.slotsInUse == 0)
  }
}
