import Glibc
import Synchronization

/// Those that wait.
private final class Continuations: Sendable {
  let list = Mutex<[UnsafeContinuation<Void, Never>]>([])
}

/// Tasks that wait for a continuation: time and memory of each. They have no stacks of their own.
func parked(_ count: Int) async {
  let continuations = Continuations()
  continuations.list.withLock { $0.reserveCapacity(count) }
  let (resident, tables) = (kilobytes("VmRSS:"), kilobytes("VmPTE:"))
  let clock = ContinuousClock()
  var start = clock.now
  await withTaskGroup(of: Void.self) { group in
    for _ in 0..<count {
      group.addTask {
        await withUnsafeContinuation { continuation in
          continuations.list.withLock { $0.append(continuation) }
        }
      }
    }
    while continuations.list.withLock({ $0.count }) < count { await Task.yield() }
    printEach(clock.now - start, count, key: "park")
    print("resident", (kilobytes("VmRSS:") - resident) * 1024 / Double(count))
    print("tables", (kilobytes("VmPTE:") - tables) * 1024 / Double(count))
    start = clock.now
    for continuation in continuations.list.withLock({ $0 }) { continuation.resume() }
  }
  printEach(clock.now - start, count, key: "wake")
}

/// A field of /proc/self/status in KiB.
func kilobytes(_ field: String) -> Double {
  guard let file = fopen("/proc/self/status", "r") else { return 0 }
  defer { fclose(file) }
  var line = [CChar](repeating: 0, count: 256)
  while fgets(&line, 256, file) != nil {
    let text = String(
      decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    if text.hasPrefix(field) { return Double(text.filter(\.isNumber)) ?? 0 }
  }
  return 0
}
