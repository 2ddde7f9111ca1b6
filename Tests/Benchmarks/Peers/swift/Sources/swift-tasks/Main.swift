// Swift tasks and the channels of swift-async-algorithms: what tasks cost.
import Glibc

@main
struct Main {
  static func main() async {
    let words = CommandLine.arguments
    let number = words.count > 2 ? Int(words[2]) ?? 2 : 2
    switch words.count > 1 ? words[1] : "" {
    case "yield": await yields(number)
    case "spawn": await spawns(number)
    case "channel": await channels(capacity: number)
    case "ping-pong": await pingPong()
    case "parked": await parked(number)
    case "sleep": await sleeps(others: number)
    default: exit(2)
    }
  }
}

func yields(_ count: Int) async {
  let each = max(5, 400_000 / count)
  let clock = ContinuousClock()
  let start = clock.now
  await withTaskGroup(of: Void.self) { group in
    for _ in 0..<count { group.addTask { for _ in 0..<each { await Task.yield() } } }
  }
  printEach(clock.now - start, each * count)
}

func spawns(_ batch: Int) async {
  let rounds = max(3, 50_000 / batch)
  let clock = ContinuousClock()
  let start = clock.now
  for _ in 0..<rounds {
    if batch == 1 {
      await Task.detached {}.value
    } else {
      await withTaskGroup(of: Void.self) { group in for _ in 0..<batch { group.addTask {} } }
    }
  }
  printEach(clock.now - start, rounds * batch)
}

/// A hundred tasks that sleep a microsecond all the time, beside `others` that sleep an hour.
func sleeps(others: Int) async {
  for number in 0..<others {
    Task.detached { try? await Task.sleep(for: .seconds(3600 + number % 977)) }
  }
  for _ in 0..<10 { await Task.yield() }
  let each = 100
  let clock = ContinuousClock()
  let start = clock.now
  await withTaskGroup(of: Void.self) { group in
    for _ in 0..<100 {
      group.addTask { for _ in 0..<each { try? await Task.sleep(for: .microseconds(1)) } }
    }
  }
  printEach(clock.now - start, 100 * each)
  fflush(nil)
  _exit(0)  // those that sleep an hour are not waited for
}

/// Nanoseconds of each of `count` operations.
func printEach(_ duration: Duration, _ count: Int, key: String = "") {
  let (seconds, attoseconds) = duration.components
  let each = (Double(seconds) * 1e9 + Double(attoseconds) / 1e9) / Double(count)
  print(key.isEmpty ? "\(each)" : "\(key) \(each)")
}
