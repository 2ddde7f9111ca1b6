import CBenchmarks
import Glibc
import Synchronization

/// Runs `body` on a thread pinned to the second core while this one, on the first, does `meanwhile`.
func onOtherCore(_ body: @escaping @Sendable () -> Double, meanwhile: () -> Void) -> Double {
  let result = Box(body)
  var thread = pthread_t()
  let pointer = Unmanaged.passRetained(result).toOpaque()
  let status = pthread_create(
    &thread, nil,
    { argument in
      guard let argument else { return nil }
      let box = Unmanaged<Box>.fromOpaque(argument).takeRetainedValue()
      _ = bench_pin(1)
      box.value.store(box.body(), ordering: .releasing)
      return nil
    }, pointer)
  precondition(status == 0, "Benchmarks: no thread could be started")
  meanwhile()
  pthread_join(thread, nil)
  return result.value.load(ordering: .acquiring)
}

private final class Box: Sendable {
  let body: @Sendable () -> Double
  let value = Atomic<Double>(0)

  init(_ body: @escaping @Sendable () -> Double) { self.body = body }
}
