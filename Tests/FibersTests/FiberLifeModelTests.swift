import Fibers
import Testing

/// Explores the life of a fiber breadth-first: every order of everything that can happen to it.
@Suite("The life of a fiber as a state machine")
struct FiberLifeModelTests {
  enum Event: CaseIterable {
    case cancel, wake, run, yield, park, enterShield, leaveShield, finish
  }

  /// What must hold beside the machine: cancellations asked for and errors delivered.
  struct World: Hashable {
    var life: String
    var asked: Int
    var delivered: Int
  }

  struct Node {
    var life = FiberLife()
    var asked = 0  // cancellations that were not pending already
    var delivered = 0
    var cameFrom: FiberLife.Phase?  // of the suspension it will come back from
    var trace: [Event] = []
  }

  /// One step; `nil` when the holder would not do that now.
  func step(_ node: Node, _ event: Event) -> Node? {
    var node = node
    node.trace.append(event)
    let phase = node.life.phase
    switch event {
    case .cancel:
      let wasPending = node.life.cancelPending
      switch node.life.cancel() {
      case .nothing:
        if phase != .finished, !wasPending { node.asked += 1 }
      case .interrupt:
        guard phase == .parked, node.life.shields == 0, node.life.phase == .ready else {
          Issue.record("interrupted what was not parked in the open: \(node.trace)")
          return nil
        }
        node.asked += 1
      }
    case .wake:
      guard node.life.wake() == (phase == .parked) else {
        Issue.record("a wake counts for a parked fiber and no other: \(node.trace)")
        return nil
      }
    case .run:
      if phase == .unstarted {
        node.life.start()
      } else if phase == .ready {
        let outcome =
          node.cameFrom == .parked ? node.life.resumeFromPark() : node.life.resumeFromYield()
        if outcome == .cancelled { node.delivered += 1 }
        node.cameFrom = nil
      } else {
        return nil
      }
    case .yield, .park:
      guard phase == .running else { return nil }
      let outcome = event == .yield ? node.life.yield() : node.life.park()
      if outcome == .cancelled {
        node.delivered += 1
      } else {
        node.cameFrom = event == .yield ? .ready : .parked
      }
    case .enterShield:
      guard phase == .running, node.life.shields < 2 else { return nil }
      node.life.enterShield()
    case .leaveShield:
      guard phase == .running, node.life.shields > 0 else { return nil }
      node.life.leaveShield()
    case .finish:
      guard phase == .running, node.life.shields == 0 else { return nil }
      node.life.finish()
    }
    return node
  }

  @Test("In every order of events no cancellation is lost, none is delivered twice or in a shield")
  func exploresAll() {
    var frontier = [Node()]
    var seen: Set<World> = []
    var explored = 0
    for _ in 0..<9 {
      var next: [Node] = []
      for node in frontier {
        for event in Event.allCases {
          guard let after = step(node, event) else { continue }
          explored += 1
          let world = World(
            life: "\(after.life) \(after.cameFrom.map { "\($0)" } ?? "-")", asked: after.asked,
            delivered: after.delivered)
          guard seen.insert(world).inserted else { continue }
          #expect(after.delivered <= after.asked, "delivered too often: \(after.trace)")
          if after.delivered > node.delivered {
            #expect(node.life.shields == 0, "delivered in a shield: \(after.trace)")
            #expect(after.life.phase == .running, "delivered to whom? \(after.trace)")
          }
          if after.life.phase == .running, !after.life.cancelPending {
            #expect(after.delivered == after.asked, "lost: \(after.trace)")
          }
          #expect(after.life.wasCancelled == (after.asked > 0), "\(after.trace)")
          if after.life.phase == .finished {
            #expect(!after.life.cancelPending, "pending after the end: \(after.trace)")
          }
          next.append(after)
        }
      }
      frontier = next
    }
    #expect(explored > 200)
  }
}

@Suite("The word that decides about wakes")
struct WakeWordModelTests {
  @Test("Of any wakes with any tokens, exactly one ends a wait, and none ends another")
  func exactlyOnce() {
    // Actions of the owner and of wakers that hold tokens of this wait and of older ones.
    enum Action: CaseIterable { case arm, disarm, wakeNow, wakeOld }
    var frontier: [(word: WakeWord, wakes: Int)] = [(WakeWord(raw: 0), 0)]
    for _ in 0..<8 {
      var next: [(word: WakeWord, wakes: Int)] = []
      for (word, wakes) in frontier {
        for action in Action.allCases {
          switch action {
          case .arm:
            guard word.state == .idle else { continue }
            let armed = word.armed
            #expect(armed.ticket == word.ticket + 1 && armed.state == .armed)
            next.append((armed, 0))
          case .disarm:
            #expect(word.disarmed.state == .idle && word.disarmed.ticket == word.ticket)
            next.append((word.disarmed, wakes))
          case .wakeNow:
            if let notified = word.notified(by: word.ticket) {
              #expect(word.state == .armed && wakes == 0)
              next.append((notified, wakes + 1))
            } else {
              #expect(word.state != .armed)
            }
          case .wakeOld:
            if word.ticket > 0 { #expect(word.notified(by: word.ticket - 1) == nil) }
            #expect(word.notified(by: word.ticket + 1) == nil)
          }
        }
      }
      frontier = next
    }
    #expect(frontier.count > 20)
  }

  @Test("Tickets wrap within their bits")
  func wraps() {
    let last = WakeWord(raw: WakeWord.ticketMask << 2)
    #expect(last.armed.ticket == 0)
    #expect(last.armed.state == .armed)
  }
}
