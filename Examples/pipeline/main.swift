// A producer, workers and a collector, with bounded channels between them: first on one runtime,
// then over two threads; then with a deadline, and with a cancellation in the middle.
//
//   swift run -c release pipeline [MESSAGES] [WORKERS]
import Fibers
import Glibc
import Synchronization

/// The work on one message.
func digest(_ number: Int) -> Int {
  var bits = UInt64(truncatingIfNeeded: number) &* 0x9e37_79b9_7f4a_7c15
  bits ^= bits >> 32
  return Int(truncatingIfNeeded: bits & 0xffff)
}

func expected(_ count: Int) -> Int { (0..<count).reduce(0) { $0 &+ digest($1) } }

/// Produces until `count`, or for ever when that is `nil`.
func produce(_ count: Int?, into jobs: Channel<Int>) throws {
  defer { jobs.close() }
  var number = 0
  while count.map({ number < $0 }) ?? true {
    try jobs.send(number)
    number += 1
  }
}

/// All stages on one runtime; ends early when the calling fiber is cut short.
///
/// - Returns: How many results came, and their sum.
func pipeline(_ count: Int?, workers: Int) throws -> (results: Int, sum: Int) {
  let jobs = Channel<Int>(capacity: 64, name: "jobs")
  let results = Channel<Int>(capacity: 64, name: "results")
  var tally = (results: 0, sum: 0)
  do {
    try withFiberScope { scope in
      try scope.spawn(name: "producer") { try produce(count, into: jobs) }
      let working = FiberWaitGroup(name: "workers")
      for number in 0..<workers {
        working.add()
        try scope.spawn(name: "worker \(number)") {
          defer { working.done() }
          while let job = try jobs.receive() { try results.send(digest(job)) }
        }
      }
      try scope.spawn(name: "closer") {
        try working.wait()
        results.close()
      }
      while let result = try results.receive() {
        tally.results += 1
        tally.sum &+= result
      }
    }
  } catch let error as any FiberInterruption where error.interruption != nil {
    // Cut short: the scope has ended all stages; the caller knows why.
    print("  stopped after \(tally.results) results: \(error)")
    throw error
  }
  return tally
}

/// The producer on a thread of its own, with a runtime of its own.
func pipelineOverTwoThreads(_ count: Int, workers: Int) throws -> Int {
  let jobs = SharedChannel<Int>(capacity: 256, name: "jobs")
  return try onAnotherThread {
    let runtime = try FiberRuntime()
    try runtime.spawn(name: "producer") {
      for number in 0..<count { try jobs.send(number) }
      jobs.close()
    }
    try runtime.run()
  } while: {
    let runtime = try FiberRuntime()
    var sum = 0
    for number in 0..<workers {
      try runtime.spawn(name: "worker \(number)") {
        while let job = try jobs.receive() { sum &+= digest(job) }
      }
    }
    try runtime.run()
    return sum
  }
}

func measured(_ what: String, _ count: Int, _ body: () throws -> Int) throws {
  var sum = 0
  let time = try ContinuousClock().measure { sum = try body() }
  let each = time / count
  print("\(what): \(count) messages, \(each.components.attoseconds / 1_000_000_000) ns each")
  precondition(sum == expected(count), "a message was lost or came twice")
}

func demonstrate(_ count: Int, workers: Int) throws {
  let runtime = try FiberRuntime()
  try measured("one runtime, \(workers) workers", count) {
    try runtime.spawn { try pipeline(count, workers: workers).sum }.join()
  }
  try measured("two threads, \(workers) workers", count) {
    try pipelineOverTwoThreads(count, workers: workers)
  }

  let bounded = try runtime.spawn(name: "bounded") {
    do {
      try Fiber.withTimeout(.milliseconds(20)) { _ = try pipeline(nil, workers: workers) }
    } catch is DeadlineExceeded {
      print("the deadline of 20 ms ended an endless pipeline")
    }
  }
  try bounded.join()

  let endless = try runtime.spawn(name: "endless") { _ = try pipeline(nil, workers: workers) }
  let canceller = try runtime.spawn(name: "canceller") {
    try Fiber.sleep(for: .milliseconds(20))
    endless.cancel()
  }
  try canceller.join()
  if case .failure(let error) = try endless.result(), error is FiberCancelled {
    print("a cancellation ended another one; fibers left: \(runtime.aliveCount)")
  }
}

let numbers = CommandLine.arguments.dropFirst().map { Int($0) }
guard numbers.count <= 2, numbers.allSatisfy({ $0.map { $0 > 0 } ?? false }) else {
  print("usage: pipeline [MESSAGES] [WORKERS]    (both at least 1)")
  exit(2)
}
try demonstrate(
  numbers.first.flatMap { $0 } ?? 1_000_000, workers: numbers.dropFirst().first.flatMap { $0 } ?? 4)
