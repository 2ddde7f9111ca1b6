import Synchronization

/// Runs `body` on a thread pinned to the second core while this one, on the first, does `meanwhile`.
func onOtherCore(_ body: @escaping @Sendable () -> Double, meanwhile: () -> Void) -> Double {
  let result = AtomicResult()
  let thread = PinnedThread(on: 1) { result.value.store(body(), ordering: .releasing) }
  meanwhile()
  thread.join()
  return result.value.load(ordering: .acquiring)
}

/// What a thread measured.
final class AtomicResult: Sendable {
  let value = Atomic<Double>(0)
}
