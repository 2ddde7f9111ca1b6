import Fibers
import Testing

/// Explores the life of a fiber under deadlines breadth-first, against the two rules in the guide.
@Suite("The life of a fiber with deadlines as a state machine")
struct DeadlineModelTests {
  enum Event: CaseIterable {
    case cancel, wake, run, yield, park, check, expire
    case enterDeadline, leaveDeadline, enterShield, leaveShield
  }

  /// What encloses the running code, as the holder keeps it on the stack.
  enum Enclosure: Hashable {
    /// With what the deadline outside of it was: `nil` when there was none.
    case deadline(outerPassed: Bool?)
    case shield(outerPassed: Bool?)
  }

  /// The machine, and beside it what the rules say, written down the plain way.
  struct Node {
    var life = FiberLife()
    var trace: [Event] = []
    var cameFrom: FiberLife.Phase?

    var enclosures: [Enclosure] = []
    /// Whether the deadline in force has passed; `nil` when none is.
    var passed: Bool?
    var pending = false
    /// What ended the park it is in or comes back from.
    var ending = FiberLife.Suspension.leave

    var isShielded: Bool { enclosures.contains { if case .shield = $0 { true } else { false } } }

    /// What a suspension must say here and now.
    mutating func expectedCheck() -> FiberLife.Suspension {
      if pending, !isShielded {
        pending = false
        return .cancelled
      }
      return passed == true ? .expired : .leave
    }

    var key: String {
      "\(life) \(cameFrom.map { "\($0)" } ?? "-") \(enclosures) \(passed.map { "\($0)" } ?? "-")"
        + " \(pending) \(ending)"
    }
  }

  func expect(
    _ found: FiberLife.Suspension, _ wanted: FiberLife.Suspension, _ node: Node
  ) {
    #expect(found == wanted, "\(node.trace)")
  }

  /// One step; `nil` when the holder would not do that now.
  func step(_ before: Node, _ event: Event) -> Node? {
    var node = before
    node.trace.append(event)
    let phase = node.life.phase
    switch event {
    case .cancel:
      let interrupts = phase == .parked && !node.isShielded
      #expect((node.life.cancel() == .interrupt) == interrupts, "\(node.trace)")
      if interrupts { node.ending = .cancelled } else { node.pending = true }
    case .expire:
      // The timer fires for the deadline in force, once, or again when it was armed in the past.
      guard node.passed != nil else { return nil }
      node.passed = true
      let interrupts = phase == .parked
      #expect((node.life.expire() == .interrupt) == interrupts, "\(node.trace)")
      if interrupts { node.ending = .expired }
    case .wake:
      #expect(node.life.wake() == (phase == .parked), "\(node.trace)")
    case .run:
      switch (phase, node.cameFrom) {
      case (.unstarted, _): node.life.start()
      case (.ready, .parked?):
        expect(node.life.resumeFromPark(), node.ending, node)
        node.ending = .leave
      case (.ready, _):
        let wanted = node.expectedCheck()
        expect(node.life.resumeFromYield(), wanted, node)
      default: return nil
      }
      node.cameFrom = nil
    case .yield, .park, .check:
      guard phase == .running else { return nil }
      let wanted = node.expectedCheck()
      switch event {
      case .yield: expect(node.life.yield(), wanted, node)
      case .park: expect(node.life.park(), wanted, node)
      default: expect(node.life.check(), wanted, node)
      }
      if wanted != .leave || event == .check {
        #expect(node.life.phase == .running, "\(node.trace)")
      } else {
        node.cameFrom = event == .yield ? .ready : .parked
      }
    default:
      guard phase == .running, enclose(&node, event) else { return nil }
    }
    return node
  }

  /// Enters or leaves, as the holder does; false when that does not come next.
  private func enclose(_ node: inout Node, _ event: Event) -> Bool {
    switch (event, node.enclosures.last) {
    case (.enterDeadline, _) where node.enclosures.count < 3:
      node.enclosures.append(.deadline(outerPassed: node.passed))
      node.life.deadlineLeft()
      node.passed = false
    case (.enterShield, _) where node.enclosures.count < 3:
      node.enclosures.append(.shield(outerPassed: node.passed))
      node.life.enterShield()
      node.life.deadlineLeft()
      node.passed = nil
    case (.leaveDeadline, .deadline(let outerPassed)?), (.leaveShield, .shield(let outerPassed)?):
      node.enclosures.removeLast()
      if event == .leaveShield { node.life.leaveShield() }
      node.life.deadlineLeft()
      if outerPassed == true { #expect(node.life.expire() == .nothing, "\(node.trace)") }
      node.passed = outerPassed
    default: return false
    }
    return true
  }

  @Test("In every order of wake, cancel, expiry, deadlines and shields: both rules hold")
  func exploresAll() {
    var frontier = [Node()]
    var seen: Set<String> = []
    var outcomes: Set<String> = []
    for _ in 0..<11 {
      var next: [Node] = []
      for node in frontier {
        for event in Event.allCases {
          guard let after = step(node, event) else { continue }
          guard seen.insert(after.key).inserted else { continue }
          // What the machine shows agrees with the rules, wherever it is.
          #expect(after.life.cancelPending == after.pending, "\(after.trace)")
          #expect(after.life.isExpired == (after.passed ?? false), "\(after.trace)")
          #expect((after.life.shields > 0) == after.isShielded, "\(after.trace)")
          outcomes.insert("\(after.life.phase) \(after.ending)")
          next.append(after)
        }
      }
      frontier = next
    }
    #expect(seen.count > 500)
    #expect(outcomes.isSuperset(of: ["ready cancelled", "ready expired", "ready leave"]))
  }

  /// What came first decides, for each order of the three that can end a park.
  @Test(
    "The first of wake, cancel and expiry ends a park; the others wait for the next suspension",
    arguments: [
      [Event.wake, .cancel, .expire], [.wake, .expire, .cancel], [.cancel, .wake, .expire],
      [.cancel, .expire, .wake], [.expire, .wake, .cancel], [.expire, .cancel, .wake],
    ])
  func allOrders(order: [Event]) {
    var life = FiberLife()
    life.start()
    #expect(life.park() == .leave)
    var queued = 0
    for event in order {
      switch event {
      case .wake: queued += life.wake() ? 1 : 0
      case .cancel: queued += life.cancel() == .interrupt ? 1 : 0
      default: queued += life.expire() == .interrupt ? 1 : 0
      }
    }
    #expect(queued == 1)
    let first: FiberLife.Suspension =
      switch order[0] {
      case .wake: .leave
      case .cancel: .cancelled
      default: .expired
      }
    #expect(life.resumeFromPark() == first)
    if order[0] != .cancel { #expect(life.park() == .cancelled) }
    // The deadline goes on throwing until it is left.
    for _ in 0..<3 { #expect(life.yield() == .expired) }
    life.deadlineLeft()
    #expect(life.yield() == .leave)
    life.finish()
    #expect(life.expire() == .nothing)
    #expect(life.cancel() == .nothing)
  }
}
