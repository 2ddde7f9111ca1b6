import MiniAsync
import Synchronization
import Testing

/// Drops of futures whose type is generic, non-copyable and has a `deinit`.
///
/// Swift 6.3.1 with -O skips that `deinit` where code destroys the future without knowing its type.
@Suite struct GenericDropTests {
  private final class Drops: Sendable {
    let count = Atomic<Int>(0)
  }

  private struct Owner<Value>: Future, ~Copyable {
    let drops: Drops
    var value: Value
    var completes = true
    var progress = FutureProgress<Value>.idle

    mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Value> {
      completes ? .complete(value) : .running
    }

    deinit { drops.count.add(1, ordering: .relaxed) }
  }

  private func dropped(_ body: (Drops) -> Void) -> Int {
    let drops = Drops()
    body(drops)
    return drops.count.load(ordering: .relaxed)
  }

  @Test func `a group drops what was taken, what is complete and what is not`() {
    let runtime = Runtime()
    let count = dropped { drops in
      var group = FutureGroup<Owner<Int>>()
      for _ in 0..<10 { group.add(Owner(drops: drops, value: 1)) }
      for _ in 0..<5 { _ = runtime.next(&group) }
      for _ in 0..<10 { group.add(Owner(drops: drops, value: 1, completes: false)) }
    }
    #expect(count == 20)
  }

  @Test func `a future of any type drops what it holds`() {
    let runtime = Runtime()
    #expect(dropped { _ = AnyFuture(Owner(drops: $0, value: "text")) } == 1)
    let both = dropped { drops in
      var any = AnyFuture(
        Owner(drops: drops, value: 1).then { Owner(drops: drops, value: $0 + 1) })
      #expect(runtime.wait(&any) == 2)
    }
    #expect(both == 2)
    let chain = dropped { drops in
      var any = AnyFuture(
        Chain(output: 0, first: Owner(drops: drops, value: 1))
          .thenLazily { _, value in Owner(drops: drops, value: value) }
          .mapOutput { $0.output = $1 })
      #expect(runtime.wait(&any) == 1)
    }
    #expect(chain == 2)
  }

  @Test func `an awaited future is dropped`() async {
    let drops = Drops()
    let value = await Owner(drops: drops, value: 3).value()
    #expect(value == 3)
    #expect(drops.count.load(ordering: .relaxed) == 1)
  }
}
