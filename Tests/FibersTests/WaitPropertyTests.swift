import Fibers
import TestSupport
import Testing

/// Runs the programs, notes what happens, and judges it by rules that hold for any program.
final class WaitInterpreter {
  let programs: [[WaitStep]]
  private(set) var trace: [String] = []
  private(set) var faults: [String] = []
  private(set) var deadlocks = 0
  private(set) var delivered = 0
  private var fibers: [Fiber<Void, any Error>] = []
  private var cancels: [Int] = []
  private var cancelErrors: [Int] = []
  private let channels = WaitPrograms.channelCapacities.map { Channel<Int>(capacity: $0) }
  private let mutexes = (0..<WaitPrograms.mutexCount).map { FiberMutex(0, name: "\($0)") }
  private let semaphore = FiberSemaphore(permits: 2)
  private var inside = [Int](repeating: 0, count: WaitPrograms.mutexCount)
  private var permitsOut = 0
  /// Elements are numbered in the order of the calls that would send them.
  private var elements: [(channel: Int, isSent: Bool)] = []
  /// What each call got, in the order of the calls.
  private var receives: [[Int?]] = WaitPrograms.channelCapacities.map { _ in [] }

  init(_ programs: [[WaitStep]]) { self.programs = programs }

  func run(_ mode: FiberRuntime.Exclusivity) throws {
    let runtime = try virtualRuntime(mode)
    try spawn(0) { try runtime.spawn(name: "0", $0) }
    while let deadlock = runtime.deadlock() {
      deadlocks += 1
      note("deadlock \(deadlock.fibers.map(\.name)) \(deadlock.cycle.count)")
      let left = fibers.indices.filter { fibers[$0].status != .finished }.map { "\($0)" }
      judge(Set(left) == Set(deadlock.fibers.compactMap(\.name)), "who is left is in the report")
      judge(deadlock.fibers.allSatisfy { $0.status == .parked }, "all in a deadlock are parked")
      judge(left.count == runtime.aliveCount, "alive")
      guard deadlocks < 1000 else { return judge(false, "never ends") }
      for id in fibers.indices { cancel(id) }
    }
    judge(runtime.aliveCount == 0 && fibers.allSatisfy { $0.status == .finished }, "all have ended")
    judgeChannels()
    judge(inside.allSatisfy { $0 == 0 } && mutexes.allSatisfy { !$0.isLocked }, "a lock is held")
    judge(permitsOut == 0 && semaphore.available == 2, "a permit is lost")
    for id in fibers.indices { judge(cancelErrors[id] <= cancels[id], "\(id) cancelled too often") }
  }

  private func note(_ what: String) { trace.append(what) }
  private func judge(_ isRight: Bool, _ what: String) { if !isRight { faults.append(what) } }

  /// Nothing lost, nothing twice, first come first served on both sides.
  private func judgeChannels() {
    for (index, channel) in channels.enumerated() {
      var order = receives[index].compactMap { $0 }
      while let rest = try? channel.tryReceive() { order.append(rest) }
      delivered += order.count
      let sent = elements.indices.filter { elements[$0].channel == index && elements[$0].isSent }
      judge(order == sent, "channel \(index): sent \(sent), received \(order)")
      judge(channel.count == 0, "channel \(index) is not empty")
    }
  }

  private func spawn(
    _ program: Int, _ spawn: (@escaping () throws -> Void) throws -> Fiber<Void, any Error>
  ) throws {
    let id = fibers.count
    cancels.append(0)
    cancelErrors.append(0)
    fibers.append(
      try spawn {
        do {
          for step in self.programs[program] { try self.perform(step, id) }
          self.note("\(id) end")
        } catch {
          self.note("\(id) end \(error)")
          let cause = (error as? any FiberInterruption)?.interruption?.cause
          self.judge(cause != .deadline, "\(id): a deadline's error left its deadline")
          throw error
        }
      })
  }

  private func cancel(_ id: Int) {
    if fibers[id].status != .finished { cancels[id] += 1 }
    fibers[id].cancel()
  }

  /// Counts the cancellations that a step itself has thrown.
  private func counting<Value, Problem: FiberInterruption>(
    _ id: Int, _ body: () throws(Problem) -> Value
  ) throws(Problem) -> Value {
    do throws(Problem) {
      return try body()
    } catch {
      if error.interruption?.cause == .cancel { cancelErrors[id] += 1 }
      if error.interruption?.cause == .deadline {
        judge(
          Fiber.deadline.map { $0 <= FiberClock.now } ?? false, "\(id): no deadline has passed")
      }
      throw error
    }
  }

  private func perform(_ steps: [WaitStep], _ id: Int) throws {
    for step in steps { try perform(step, id) }
  }

  private func perform(_ step: WaitStep, _ id: Int) throws {
    switch step {
    case .caught(let step):
      do { try perform(step, id) } catch { note("\(id) caught \(error)") }
    case .yield:
      try counting(id) { () throws(FiberCancelled) in try Fiber.yield() }
    case .checkCancellation:
      try counting(id) { () throws(FiberCancelled) in try Fiber.checkCancellation() }
    case .sleep(let time):
      let until = nanosecondsNow() + time
      try counting(id) { () throws(FiberCancelled) in try Fiber.sleep(for: .nanoseconds(time)) }
      judge(nanosecondsNow() == until, "\(id) slept until \(nanosecondsNow()), not \(until)")
    case .lock(let mutex, let steps):
      var isIn = false
      do {
        try mutexes[mutex].withLock { value in
          isIn = true
          inside[mutex] += 1
          judge(inside[mutex] == 1, "two hold mutex \(mutex)")
          defer { inside[mutex] -= 1 }
          value += 1
          let mine = value
          note("\(id) holds \(mutex)")
          defer { judge(value == mine, "mutex \(mutex) was not exclusive") }
          try perform(steps, id)
        }
      } catch {
        if !isIn, (error as? FiberCancelled)?.cause == .cancel { cancelErrors[id] += 1 }
        throw error
      }
    case .permit(let steps):
      try counting(id) { () throws(FiberCancelled) in try semaphore.acquire() }
      permitsOut += 1
      judge(permitsOut <= 2, "too many permits")
      defer {
        permitsOut -= 1
        semaphore.release()
      }
      try perform(steps, id)
    case .deadline(let limit, let steps):
      let until = FiberClock.now.advanced(by: .nanoseconds(limit))
      do {
        try Fiber.withDeadline(until) { try perform(steps, id) }
      } catch let error as DeadlineExceeded where error.deadline == until {
        judge(FiberClock.now >= until, "\(id): too early")
        note("\(id) met its deadline at \(nanosecondsNow())")
        throw error
      }
    case .shield(let steps):
      try Fiber.shield { try perform(steps, id) }
    case .spawn(let program):
      guard fibers.count < WaitPrograms.fiberLimit else { return }
      let name = "\(fibers.count)"
      try spawn(program) { try Fiber.spawn(name: name, $0) }
    case .cancel(let number):
      note("\(id) cancels \(number % fibers.count)")
      cancel(number % fibers.count)
    case .join(let number):
      let target = number % fibers.count
      if target == id { return }
      _ = try counting(id) { () throws(FiberCancelled) in try fibers[target].result() }
      note("\(id) joined \(target)")
      judge(fibers[target].status == .finished, "\(target) was joined before its end")
    default: try transfer(step, id)
    }
  }

  private func transfer(_ step: WaitStep, _ id: Int) throws {
    switch step {
    case .send(let channel):
      let element = newElement(channel)
      var slot: Int? = element
      do throws(ChannelSendError) {
        try counting(id) { () throws(ChannelSendError) in try channels[channel].send(from: &slot) }
      } catch {
        judge(slot == element, "an element was lost")
        throw error
      }
      judge(slot == nil, "an element was left")
      sent(element, id)
    case .trySend(let channel):
      let element = newElement(channel)
      if let back = try channels[channel].trySend(element) {
        judge(back == element, "another came back")
      } else {
        sent(element, id)
      }
    case .receive(let channel):
      let place = receives[channel].count
      receives[channel].append(nil)
      let got = try counting(id) { () throws(FiberCancelled) in try channels[channel].receive() }
      judge(got != nil || channels[channel].isClosed, "the end of an open channel")
      receives[channel][place] = got
      note("\(id) received \(got ?? -1) from \(channel) at \(nanosecondsNow())")
    case .tryReceive(let channel):
      let got = try channels[channel].tryReceive()
      receives[channel].append(got)
      note("\(id) took \(got ?? -1) from \(channel)")
    case .close(let channel):
      note("\(id) closes \(channel)")
      channels[channel].close()
    default: preconditionFailure("no transfer")
    }
  }

  private func newElement(_ channel: Int) -> Int {
    elements.append((channel, false))
    return elements.count - 1
  }

  private func sent(_ element: Int, _ id: Int) {
    elements[element].isSent = true
    note("\(id) sent \(element)")
  }
}

@Suite("Random programs of waits")
struct WaitPropertyTests {
  @Test("Nothing lost, nothing twice, first come first served, all end; same seed, same trace")
  func invariants() throws {
    var seeds = Seed()
    var deadlocks = 0
    var delivered = 0
    let rounds = (isSanitized ? 60 : 300) * stressFactor
    for _ in 0..<rounds {
      let number = seeds.next()
      var seed = Seed(number)
      let programs = WaitPrograms(&seed).programs
      let first = WaitInterpreter(programs)
      try first.run(.isolated)
      let second = WaitInterpreter(programs)
      try second.run(.shared)
      guard first.faults.isEmpty else {
        Issue.record("\(first.faults.prefix(5)) with programs of \(number); \(seeds.description)")
        return
      }
      try #require(first.trace == second.trace, "not deterministic: \(seeds.description)")
      deadlocks += first.deadlocks
      delivered += first.delivered
    }
    // The programs do something.
    #expect(deadlocks > rounds / 20 && delivered > rounds)
  }
}
