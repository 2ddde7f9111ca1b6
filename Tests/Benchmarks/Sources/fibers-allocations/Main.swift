// How many heap allocations each operation makes, when warm. Fails when it is more than allowed.
import Fibers
import Glibc

@main
struct Main {
  static func main() throws {
    var failed = false
    for mode in [FiberRuntime.Exclusivity.shared, .isolated] {
      for count in try countAll(mode) {
        failed = failed || count.value > count.allowed + 0.001
        print("\(count.name), \(mode): \(count.value) allocations (at most \(count.allowed))")
      }
    }
    if failed { exit(1) }
  }
}
