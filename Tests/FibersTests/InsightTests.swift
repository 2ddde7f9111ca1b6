import Fibers
import Foundation
import TestSupport
import Testing

extension FiberRuntime {
  /// Runs and returns the deadlock, if that is how it ended.
  func deadlock() -> FiberDeadlock? {
    do throws(FiberDeadlock) {
      try run()
      return nil
    } catch {
      return error
    }
  }
}

@Suite("Deadlock reports")
struct DeadlockTests {
  private func names(_ deadlock: FiberDeadlock?) -> [String?] {
    (deadlock?.cycle ?? []).map { id in deadlock?.fibers.first { $0.id == id }?.name }
  }

  @Test("Two fibers that join each other")
  func joins() throws {
    let runtime = try virtualRuntime()
    var second: Fiber<Void, any Error>?
    let first = try runtime.spawn(name: "first") {
      try Fiber.yield()
      try second?.join()
    }
    second = try runtime.spawn(name: "second") { try first.join() }
    try runtime.spawn(name: "bystander") { try first.join() }
    let deadlock = try #require(runtime.deadlock())
    #expect(deadlock.fibers.count == 3)
    #expect(Set(names(deadlock)) == ["first", "second"] && deadlock.cycle.count == 2)
    let text = deadlock.description
    #expect(text.contains("cycle: 'first' waits for 'second' waits for 'first'"))
    #expect(text.contains("'bystander'") && text.contains("to join 'first'"))
    #expect(text.contains("FibersTests/InsightTests.swift:"))
    for report in deadlock.fibers {
      #expect(report.status == .parked && !report.isCancelled)
      #expect((report.stackUsedByteCount ?? 0) > 0)
    }
    // Resolved, it runs to its end.
    first.cancel()
    try runtime.run()
    #expect(throws: FiberCancelled.self) { try second?.join() }
  }

  @Test("A receiver nobody can send to, and a sender nobody receives from: no cycle")
  func channels() throws {
    let runtime = try virtualRuntime()
    let results = Channel<Int>(capacity: 4, name: "results")
    let jobs = Channel<Int>(capacity: 1)
    let receiver = try runtime.spawn(name: "collector") { try results.receive() }
    try runtime.spawn(name: "producer") { for job in 0..<3 { try jobs.send(job) } }
    let deadlock = try #require(runtime.deadlock())
    #expect(deadlock.cycle.isEmpty)
    #expect(deadlock.fibers.map(\.name) == ["collector", "producer"])
    #expect(deadlock.fibers[0].waitsFor?.contains("to receive from channel 'results'") == true)
    #expect(deadlock.fibers[0].waitsFor?.contains("0 of 4") == true)
    #expect(deadlock.fibers[1].waitsFor?.contains("to send to channel FibersTests/Insight") == true)
    #expect(deadlock.fibers[1].waitsFor?.contains("1 of 1") == true)
    #expect(deadlock.fibers.allSatisfy { $0.waitsForFiber == nil })
    #expect(!deadlock.description.contains("cycle"))
    // Asked again, it says the same; helped, it goes on.
    #expect(runtime.deadlock()?.description == deadlock.description)
    try runtime.spawn {
      try results.send(5)
      for job in 0..<3 { expectEqual(try jobs.receive(), job) }
    }
    try runtime.run()
    #expect(try receiver.join() == 5)
  }

  @Test("A circle of mutexes", arguments: [2, 3, 10])
  func mutexes(count: Int) throws {
    let runtime = try virtualRuntime()
    let mutexes = (0..<count).map { FiberMutex($0, name: "mutex \($0)") }
    let fibers = try (0..<count).map { id in
      try runtime.spawn(name: "fiber \(id)") {
        try mutexes[id].withLock { _ in
          try Fiber.yield()
          try mutexes[(id + 1) % count].withLock { _ in }
        }
      }
    }
    let deadlock = try #require(runtime.deadlock())
    #expect(deadlock.cycle.count == count)
    #expect(names(deadlock) == (0..<count).map { "fiber \($0)" })
    for (id, report) in deadlock.fibers.enumerated() {
      let text = report.waitsFor ?? ""
      #expect(text.contains("mutex 'mutex \((id + 1) % count)'"))
      #expect(text.contains("held by 'fiber \((id + 1) % count)'"))
      #expect(report.waitsForFiber == deadlock.fibers[(id + 1) % count].id)
    }
    fibers[0].cancel()
    try runtime.run()
    for fiber in fibers.dropFirst() { try fiber.join() }
  }

  @Test("A circle through joins and mutexes, with a tail that leads into it")
  func mixed() throws {
    let runtime = try virtualRuntime()
    let mutex = FiberMutex(0)
    var joined: Fiber<Void, any Error>?
    let tail = try runtime.spawn(name: "tail") {
      try Fiber.yield()
      try joined?.join()
    }
    try runtime.spawn(name: "holder") {
      try mutex.withLock { _ in
        try Fiber.yield()
        try joined?.join()
      }
    }
    joined = try runtime.spawn(name: "joined") { try mutex.withLock { _ in } }
    let deadlock = try #require(runtime.deadlock())
    #expect(Set(names(deadlock)) == ["holder", "joined"])
    #expect(deadlock.cycle.count == 2)
    runtime.cancelAll()
    try runtime.run()
    #expect(tail.isCancelled)
  }

  @Test("Each kind of wait is named")
  func kinds() throws {
    let runtime = try virtualRuntime()
    let place = try EndlessPark.Place(runtime)
    for park in EndlessPark.allCases where park != .sleep && !park.receives {
      try runtime.spawn(name: park.rawValue) {
        try Fiber.yield()
        try park.wait(at: place)
      }
    }
    let deadlock = try #require(runtime.deadlock())
    let words: [String: String] = [
      "mutex": "held by 'holder'", "condition": "for condition", "semaphore": "for semaphore",
      "group": "for wait group", "join": "to join 'holder'", "send0": "0 of 0",
      "send1": "1 of 1", "send3": "3 of 3", "holder": "to receive from",
    ]
    #expect(deadlock.fibers.count == words.count)
    for report in deadlock.fibers {
      let wanted = words[report.name ?? ""] ?? "?"
      #expect(report.waitsFor?.contains(wanted) == true, "\(report)")
    }
    // A wait group says how much, and where it was made.
    let group = deadlock.fibers.first { $0.name == "group" }
    #expect(group?.waitsFor?.contains("1 not done") == true)
    #expect(group?.waitsFor?.contains("FibersTests/VirtualTime.swift:") == true)
    runtime.shutdown()
  }

  @Test("Who waits for time, or under a deadline, is in no deadlock")
  func timers() throws {
    let runtime = try virtualRuntime()
    let never = Channel<Int>(capacity: 0)
    let receiver = try runtime.spawn { try never.receive() }
    try runtime.spawn {
      try Fiber.sleep(for: .seconds(1000))
      try never.send(1)
    }
    let expiring = try runtime.spawn {
      try Fiber.withTimeout(.seconds(5)) { try Channel<Int>(capacity: 0).receive() }
    }
    #expect(runtime.deadlock() == nil)
    #expect(try receiver.join() == 1)
    #expect(throws: DeadlineExceeded.self) { _ = try expiring.join() }
    // A shield keeps the deadline out, and then it is one.
    let shielded = try runtime.spawn {
      try Fiber.withTimeout(.seconds(5)) { try Fiber.shield { try never.receive() } }
    }
    #expect(runtime.deadlock()?.fibers.count == 1)
    never.close()
    try runtime.run()
    #expect(try shielded.join() == nil)
  }

  @Test("Who waits for a waker on another thread is in no deadlock, nor are those behind it")
  func foreignWaker() throws {
    let runtime = try FiberRuntime()
    let wakers = Collected<FiberWaker>()
    let thread = OwnThread {
      while wakers.all.isEmpty {}
      return wakers.all[0].wake()
    }
    let fiber = try runtime.spawn {
      try Fiber.park { wakers.append($0) }
      return 3
    }
    let joiner = try runtime.spawn { try fiber.join() }
    #expect(runtime.deadlock() == nil)
    #expect(try joiner.join() == 3)
    #expect(thread.wait())
  }

  @Test("A deadlock in front of a foreign wait is reported when that is over")
  func afterwards() throws {
    let runtime = try FiberRuntime()
    let wakers = Collected<FiberWaker>()
    let thread = OwnThread {
      while wakers.all.isEmpty {}
      return wakers.all[0].wake()
    }
    try runtime.spawn(name: "stuck") { try FiberSemaphore(permits: 0).acquire() }
    try runtime.spawn(name: "waits") { try Fiber.park { wakers.append($0) } }
    #expect(runtime.deadlock()?.fibers.map(\.name) == ["stuck"])
    #expect(thread.wait())
  }
}

@Suite("Dumps")
struct DumpTests {
  @Test("States, names, sites, stacks and waiting times under virtual time")
  func dump() throws {
    let runtime = try virtualRuntime()
    let channel = Channel<Int>(capacity: 2, name: "line \"1\"\n\u{1}\\")
    let receiver = try runtime.spawn(name: "réceiver \"x\"\t🧵") { try channel.receive() }
    let sleeper = try runtime.spawn { try Fiber.sleep(for: .seconds(10)) }
    let reporter = try runtime.spawn(name: "reporter") {
      try Fiber.sleep(for: .seconds(4))
      try Fiber.spawn(name: "new") {}
      receiver.cancel()
      receiver.cancel()
      return runtime.dump()
    }
    #expect(runtime.dump().fibers.map(\.status) == [.unstarted, .unstarted, .unstarted])
    try? runtime.run()
    let fibers = try reporter.join().fibers
    #expect(fibers.map(\.status) == [.ready, .parked, .running, .unstarted])
    #expect(Set(fibers.map(\.id)).count == 4)
    #expect(fibers[0].isCancelled && !fibers[1].isCancelled)
    #expect(fibers[1].waitsFor == "for time to pass, 6000 ms more")
    let waited = try #require(fibers[1].waitingTime)
    #expect(abs(waited / .milliseconds(1) - 4000) < 2.2)
    #expect(fibers[1].name == nil && fibers[1].label.contains("InsightTests.swift:"))
    #expect(fibers[2].waitsFor == nil && fibers[2].waitingTime == nil)
    #expect(fibers[2].stackUsedByteCount == nil && fibers[2].stackByteCount != nil)
    #expect(fibers[3].stackByteCount == nil)
    _ = sleeper
    #expect(runtime.dump().fibers.isEmpty && runtime.dump().json == "[]")
  }

  @Test("The JSON can be read by others, whatever the names are")
  func json() throws {
    let runtime = try virtualRuntime()
    let odd = "line \"1\"\n\r\t\u{1}\u{1f}\\ réçü 🧵 </script>\u{7f}"
    let channel = Channel<Int>(capacity: 2, name: odd)
    try runtime.spawn(name: odd) { try channel.receive() }
    try runtime.spawn {
      try Fiber.sleep(for: .milliseconds(1500))
      try FiberSemaphore(permits: 0, name: "permits").acquire()
    }
    let third = try runtime.spawn(name: "third") {
      try Fiber.sleep(for: .seconds(3))
      _ = try channel.receive()
    }
    let last = try runtime.spawn { try third.join() }
    #expect(runtime.deadlock()?.fibers.count == 4)
    last.cancel()
    let text = runtime.dump().json
    let parsed = try JSONSerialization.jsonObject(with: Data(text.utf8))
    let objects = try #require(parsed as? [[String: Any]])
    #expect(objects.count == 4)
    #expect(objects[0]["name"] as? String == odd)
    #expect((objects[0]["waitsFor"] as? String)?.contains(odd) == true)
    #expect(objects[1]["name"] == nil)
    #expect((objects[1]["site"] as? String)?.hasPrefix("FibersTests/InsightTests.swift:") == true)
    #expect(objects[0]["status"] as? String == "parked")
    // The clock stands at 3 s; times are in steps of 2^20 ns.
    let waited = try objects[0..<3].map { try #require($0["waitingMilliseconds"] as? Int) }
    #expect(abs(waited[0] - 3000) <= 2 && abs(waited[1] - 1500) <= 2 && waited[2] <= 2)
    #expect(objects[3]["waitingMilliseconds"] == nil)
    #expect(objects[3]["status"] as? String == "ready")
    #expect(
      objects[3]["isCancelled"] as? Bool == true && objects[0]["isCancelled"] as? Bool == false)
    #expect((objects[2]["stackByteCount"] as? Int ?? 0) >= 60_000)
    let used = try #require(objects[2]["stackUsedByteCount"] as? Int)
    #expect(used > 0 && used < 60_000)
    runtime.shutdown()
  }

  @Test("The text has a line for each fiber")
  func text() throws {
    let runtime = try virtualRuntime()
    for id in 0..<3 {
      try runtime.spawn(name: "worker \(id)") { try Fiber.sleep(for: .seconds(1)) }
    }
    let lines = runtime.dump().description.split(separator: "\n")
    #expect(lines.count == 4 && lines[0] == "3 fibers")
    for id in 0..<3 { #expect(lines[id + 1].contains("'worker \(id)'")) }
    #expect("\(runtime.dump())".contains("unstarted"))
    try runtime.run()
  }

  @Test("In JSON a wait names the fiber it is for")
  func waitsForFiber() throws {
    let runtime = try virtualRuntime()
    let mutex = FiberMutex(0, name: "m")
    let gate = FiberSemaphore(permits: 0)
    try runtime.spawn { try mutex.withLock { _ in try gate.acquire() } }
    try runtime.spawn { try mutex.withLock { _ in } }
    let deadlock = try #require(runtime.deadlock())
    #expect(deadlock.fibers[1].waitsForFiber == deadlock.fibers[0].id && deadlock.cycle.isEmpty)
    #expect(runtime.dump().json.contains("\"waitsForFiber\":\(deadlock.fibers[0].id)"))
    gate.release()
    try runtime.run()
  }
}
