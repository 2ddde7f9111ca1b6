// Parks N fibers (default 1,000,000), each on its own guarded stack, then wakes and joins them all.
//
//     million-fibers [N] [--mprotect]
//
// --mprotect forces the guards of old kernels, which run into vm.max_map_count near 32,700 fibers.
import Fibers
import Glibc

struct Options {
  var count = 1_000_000
  var guards = StackGuard.automatic

  init?(_ arguments: [String]) {
    for argument in arguments {
      if argument == "--mprotect" {
        guards = .protect
      } else if let number = Int(argument), number > 0 {
        count = number
      } else {
        return nil
      }
    }
  }
}

/// Writes to standard error.
func say(_ text: String) {
  var text = text
  text.withUTF8 { _ = write(2, $0.baseAddress, $0.count) }
}

/// A line on standard error that fills up; nothing when it is not a terminal.
struct ProgressBar {
  let total: Int
  private let width = 40
  private let isShown = isatty(2) != 0
  private var drawn = -1

  init(total: Int) { self.total = total }

  mutating func update(_ done: Int, _ what: String) {
    guard isShown else { return }
    let filled = done * width / total
    guard filled != drawn else { return }
    drawn = filled
    let bar = String(repeating: "=", count: filled) + String(repeating: " ", count: width - filled)
    say("\r[\(bar)] \(what) \(done * 100 / total) %")
    if done == total { say("\n") }
  }
}

func kilobytes(_ field: String) -> Int {
  guard let file = fopen("/proc/self/status", "r") else { return 0 }
  defer { fclose(file) }
  var line = [CChar](repeating: 0, count: 256)
  while fgets(&line, 256, file) != nil {
    let text = String(
      decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    if text.hasPrefix(field) { return Int(text.filter(\.isNumber)) ?? 0 }
  }
  return 0
}

func mappings() -> Int {
  guard let file = fopen("/proc/self/maps", "r") else { return 0 }
  defer { fclose(file) }
  var count = 0
  while true {
    let character = getc(file)
    if character == EOF { return count }
    if character == 10 { count += 1 }
  }
}

func perFiber(_ duration: Duration, _ count: Int) -> String {
  let (seconds, attoseconds) = duration.components
  return "\((seconds * 1_000_000_000 + attoseconds / 1_000_000_000) / Int64(count)) ns a fiber"
}

func million(_ options: Options) throws {
  var configuration = FiberRuntime.Configuration()
  configuration.stackGuard = options.guards
  let runtime = try FiberRuntime(configuration)
  let clock = ContinuousClock()
  let residentBefore = kilobytes("VmRSS:")
  let tablesBefore = kilobytes("VmPTE:")

  // A gate: a fiber that ends when all others are to go on. Joining it parks them.
  let gate = try runtime.spawn(name: "gate") { try Fiber.park { opener = $0 } }
  var fibers: [Fiber<Void, any Error>] = []
  fibers.reserveCapacity(options.count)
  var bar = ProgressBar(total: options.count)
  let start = clock.now
  let all = options.count
  let parking = try runtime.spawn(name: "spawner", stack: .bytes(256 << 10)) {
    for number in 1...all {
      fibers.append(try Fiber.spawn { try gate.join() })
      // Let the new ones run up to their park; the caches still hold them.
      if number % 64 == 0 { try Fiber.yield() }
      bar.update(number, "parking")
    }
    try Fiber.yield()
  }
  do {
    try parking.join()
  } catch let error as FiberError {
    print("after \(fibers.count) fibers: \(error)")
    opener?.wake()
    try runtime.run()
    print("the \(fibers.count) that were alive have ended: \(runtime.aliveCount == 0)")
    runtime.shutdown()
    exit(1)
  }
  let parked = clock.now

  let statistics = runtime.stackStatistics()
  let resident = kilobytes("VmRSS:") - residentBefore
  let tables = kilobytes("VmPTE:") - tablesBefore
  print("parked: \(fibers.count) fibers, \(perFiber(parked - start, all))")
  print("memory: \(resident / 1024) MiB, \(resident * 1024 / all) bytes a fiber")
  print("page tables: \(tables / 1024) MiB, \(tables * 1024 / all) bytes a fiber")
  print("mappings: \(mappings()), guards by \(statistics.guardMethod)")
  print("address space of stacks: \(statistics.reservedByteCount >> 30) GiB")

  opener?.wake()
  let waking = clock.now
  bar = ProgressBar(total: all)
  try runtime.spawn(name: "joiner") {
    for (number, fiber) in fibers.enumerated() {
      try fiber.join()
      bar.update(number + 1, "joining")
    }
  }.join()
  print("woken and joined: \(fibers.count) fibers, \(perFiber(clock.now - waking, all))")
  fibers = []
  runtime.shutdown()
}

nonisolated(unsafe) var opener: FiberWaker?  // used by the main thread only

guard let options = Options(Array(CommandLine.arguments.dropFirst())) else {
  say("usage: million-fibers [N] [--mprotect]\n")
  exit(2)
}
do {
  try million(options)
} catch {
  say("million-fibers: \(error)\n")
  exit(1)
}
