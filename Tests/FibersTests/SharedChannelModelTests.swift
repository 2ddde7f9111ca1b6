import Fibers
import Testing

/// Explores every order in which two senders, two receivers, a close and cancellations can meet in
/// the machine, beside a model in plain lists that says what must happen.
@Suite("SharedChannel: the state machine beside a model")
struct SharedChannelModelTests {
  typealias Machine = SharedChannelMachine

  /// A sender or receiver: the part that a holder of the machine plays for it.
  struct Agent: Hashable {
    let isSender: Bool
    /// Operations that it will still begin.
    var left: Int
    /// The one it is waiting for.
    var waiter: Machine.Waiter?
    /// The element it sends, or was given.
    var slot: Int?
  }

  /// What must happen.
  struct Model: Hashable {
    let capacity: Int
    /// Elements in the channel's own cells, the oldest first.
    var held: [Int] = []
    /// Agents in line, the first come first; senders with their elements.
    var senders: [Int] = []
    var offers: [Int] = []
    var receivers: [Int] = []
    /// What each waiting receiver was given.
    var given: [Int?]
    var isClosed = false

    /// Whether `element` is sent at once; else it is in line, or refused.
    mutating func send(_ element: Int, by agent: Int) -> Bool {
      if isClosed { return false }
      if !receivers.isEmpty {
        given[receivers.removeFirst()] = element
        return true
      }
      senders.append(agent)
      offers.append(element)
      accept()
      return !senders.contains(agent)
    }

    mutating func receive(by agent: Int) -> Int? {
      given[agent] = nil
      if !held.isEmpty {
        let element = held.removeFirst()
        accept()
        return element
      }
      if isClosed { return nil }
      if !offers.isEmpty {
        senders.removeFirst()
        return offers.removeFirst()
      }
      receivers.append(agent)
      return nil
    }

    /// Fills the cells from the line.
    private mutating func accept() {
      while !isClosed, held.count < capacity, !offers.isEmpty {
        senders.removeFirst()
        held.append(offers.removeFirst())
      }
    }

    func waits(_ agent: Int) -> Bool { senders.contains(agent) || receivers.contains(agent) }

    mutating func remove(_ agent: Int) {
      if let place = senders.firstIndex(of: agent) {
        senders.remove(at: place)
        offers.remove(at: place)
      }
      receivers.removeAll { $0 == agent }
    }
  }

  struct World: Hashable {
    var machine: Machine
    var model: Model
    var cells: [Int?]
    var agents: [Agent]
  }

  enum Event {
    /// An agent begins an operation, or looks at the one it waits in.
    case step(Int)
    /// An agent gives up waiting.
    case cancel(Int)
    case close
    /// The one who closes tells the next in line.
    case tell
  }

  @Test("In all orders: first in, first out, nothing lost or twice", arguments: [0, 1, 2])
  func exploresAll(capacity: Int) {
    let agents = [
      Agent(isSender: true, left: 2), Agent(isSender: true, left: 2),
      Agent(isSender: false, left: 2), Agent(isSender: false, left: 1),
    ]
    let events: [Event] = (0..<4).flatMap { [.step($0), .cancel($0)] } + [.close, .tell]
    let start = World(
      machine: Machine(capacity: capacity),
      model: Model(capacity: capacity, given: Array(repeating: nil, count: 4)),
      cells: Array(repeating: nil, count: capacity), agents: agents)
    var seen: Set<World> = [start]
    /// Worlds in the order in which they were met, each with the one it came from.
    var met: [(world: World, cause: Event, parent: Int)] = [(start, .tell, 0)]
    var next = 0
    while next < met.count {
      for event in events {
        var after = met[next].world
        let problem = after.apply(event) ?? after.problem
        if problem == "impossible" { continue }
        if let problem {
          var trace = [event]
          var at = next
          while at != 0 {
            trace.insert(met[at].cause, at: 0)
            at = met[at].parent
          }
          Issue.record("\(problem), after \(trace)")
          return
        }
        if seen.insert(after).inserted { met.append((after, event, next)) }
      }
      next += 1
    }
    #expect(seen.count > 10_000)
  }
}

extension SharedChannelModelTests.World {
  typealias Event = SharedChannelModelTests.Event

  /// Does `event`.
  ///
  /// - Returns: What is wrong; "impossible" when nobody would do that now.
  mutating func apply(_ event: Event) -> String? {
    switch event {
    case .step(let agent) where agents[agent].waiter != nil:
      let fate = agents[agent].waiter.map { machine.fate(of: $0) }
      return fate == .waiting ? "impossible" : look(agent)
    case .step(let agent):
      guard agents[agent].left > 0 else { return "impossible" }
      agents[agent].left -= 1
      return agents[agent].isSender ? send(agent) : receive(agent)
    case .cancel(let agent):
      return agents[agent].waiter == nil ? "impossible" : look(agent)
    case .close:
      guard !model.isClosed else { return "impossible" }
      machine.close()
      model.isClosed = true
      return nil
    case .tell:
      guard let waiter = machine.failNext() else { return "impossible" }
      guard let agent = who(waiter) else { return "told somebody who does not wait" }
      guard model.isClosed, model.waits(agent) else { return "told \(agent), who was served" }
      return nil
    }
  }

  private func who(_ waiter: SharedChannelMachine.Waiter) -> Int? {
    agents.firstIndex { $0.waiter == waiter }
  }

  /// Ends the wait of `agent`, by whatever became of it.
  private mutating func look(_ agent: Int) -> String? {
    guard let waiter = agents[agent].waiter else { return "impossible" }
    agents[agent].waiter = nil
    let waits = model.waits(agent)
    model.remove(agent)
    switch machine.leave(waiter) {
    case .waiting: if !waits { return "gave up, but was served" }
    case .served: if waits { return "served out of turn" }
    case .closed: if !waits || !model.isClosed { return "closed, but was served" }
    }
    if agents[agent].isSender {
      if waits != (agents[agent].slot != nil) { return "the element is not where it should be" }
    } else {
      if agents[agent].slot != model.given[agent] { return "received the wrong element" }
    }
    agents[agent].slot = nil
    return nil
  }

  private mutating func send(_ agent: Int) -> String? {
    let element = agent * 10 + agents[agent].left
    let sent = model.send(element, by: agent)
    switch machine.send() {
    case .hand(let waiter):
      guard let other = who(waiter), !agents[other].isSender else { return "handed to nobody" }
      agents[other].slot = element
      return sent ? nil : "handed over, but was not its turn"
    case .store(let cell):
      guard cells[cell] == nil else { return "stored over an element" }
      cells[cell] = element
      return sent ? nil : "stored without room"
    case .full:
      agents[agent].slot = element
      agents[agent].waiter = machine.waitToSend()
      return model.waits(agent) ? nil : "waits without need"
    case .closed: return model.isClosed ? nil : "refused by an open channel"
    }
  }

  private mutating func receive(_ agent: Int) -> String? {
    let expected = model.receive(by: agent)
    var got: Int?
    switch machine.receive() {
    case .take(let cell): swap(&got, &cells[cell])
    case .takeAndRefill(let cell, let waiter):
      guard let other = who(waiter), agents[other].isSender else { return "refilled by nobody" }
      swap(&got, &cells[cell])
      swap(&cells[cell], &agents[other].slot)
    case .takeFrom(let waiter):
      guard let other = who(waiter), agents[other].isSender else { return "taken from nobody" }
      swap(&got, &agents[other].slot)
    case .empty:
      agents[agent].waiter = machine.waitToReceive()
      return model.waits(agent) ? nil : "waits without need"
    case .ended: return model.isClosed && expected == nil ? nil : "ended too early"
    }
    return got == expected ? nil : "received \(got ?? -1) instead of \(expected ?? -1)"
  }

  /// What is wrong with the state as a whole.
  var problem: String? {
    if machine.isClosed != model.isClosed { return "closed or not?" }
    let full = (0..<machine.count).map { cells[(machine.head + $0) % max(1, cells.count)] }
    if full != model.held { return "the cells hold \(full) instead of \(model.held)" }
    if cells.compactMap({ $0 }).count != machine.count { return "an element outside of the ring" }
    if !model.senders.isEmpty, !model.receivers.isEmpty { return "both sides wait" }
    return nil
  }
}
