import Testing

@testable import MiniAsync

/// Every interleaving of a waiter and its wakers on ``ReadyHead`` and ``WakeWord``, step by atomic
/// step as ``ReadyList`` makes them.
@Suite struct ReadyListModelTests {
  struct Node: Hashable {
    var word = WakeWord(generation: 0, isQueued: false)
    var next = ReadyHead.empty
    var generation: UInt32 = 0
    /// Progress that a waker has published, and how much of it the waiter's last poll has seen.
    var published = 0
    var seen = 0
  }

  struct Waking: Hashable {
    let index: UInt32
    let generation: UInt32
    var left: Int
    var step = Step.publish
    var unpark = false
    enum Step: Hashable { case publish, enqueue, push, unpark }
  }

  struct Waiter: Hashable {
    var step = Step.take
    var batch: [UInt32] = []
    /// Polls that no wake and no stale entry explains.
    var futile = 0
    enum Step: Hashable { case take, dequeue, poll, renew, announce, sleep, asleep }
  }

  struct Model: Hashable {
    var head = ReadyHead.empty
    var nodes: [Node]
    var waiter = Waiter()
    var wakers: [Waking]
    /// The place to give to another future at the first poll of it, if any.
    var renewed: UInt32?
    /// Set by a futex wake, or the relay's cell.
    var corrupted = false
  }

  static func step(_ model: Model, _ thread: Int) -> Model? {
    var next = model
    let went = thread == 0 ? waiterStep(&next) : wakerStep(&next, thread - 1)
    return went ? next : nil
  }

  static func waiterStep(_ model: inout Model) -> Bool {
    switch model.waiter.step {
    case .take:
      var index = model.head.take()
      var steps = 0
      while let taken = index {
        if steps > model.nodes.count {
          model.corrupted = true
          return true
        }
        steps += 1
        model.waiter.batch.append(taken)
        index = model.nodes[Int(taken)].next.first
      }
      model.waiter.step = model.waiter.batch.isEmpty ? .announce : .dequeue
    case .dequeue:
      guard let index = model.waiter.batch.last else { return false }
      let node = model.nodes[Int(index)]
      if !node.word.isQueued { model.corrupted = true }
      model.nodes[Int(index)].word = WakeWord(generation: node.generation, isQueued: false)
      model.waiter.step = .poll
    case .poll:
      let index = model.waiter.batch.removeLast()
      model.nodes[Int(index)].seen = model.nodes[Int(index)].published
      if model.renewed == index {
        model.renewed = nil
        model.nodes[Int(index)].generation += 1
        // The renewal's own step: the word may change in between.
        model.waiter.batch.append(index)
        model.waiter.step = .renew
      } else {
        model.waiter.step = model.waiter.batch.isEmpty ? .take : .dequeue
      }
    case .renew:
      let index = Int(model.waiter.batch.removeLast())
      let node = model.nodes[index]
      model.nodes[index].word = WakeWord(
        generation: node.generation, isQueued: node.word.isQueued)
      // The next future in the place is polled at once, as a fresh one is.
      model.nodes[index].seen = model.nodes[index].published
      model.waiter.step = model.waiter.batch.isEmpty ? .take : .dequeue
    case .announce:
      model.waiter.step = model.head.park() ? .sleep : .take
    case .sleep:
      // futex_wait compares the word and sleeps in one.
      model.waiter.step = model.head == .parked ? .asleep : .take
    case .asleep: return false
    }
    return true
  }

  static func wakerStep(_ model: inout Model, _ number: Int) -> Bool {
    var waking = model.wakers[number]
    let index = Int(waking.index)
    switch waking.step {
    case .publish:
      if waking.left == 0 { return false }
      waking.left -= 1
      model.nodes[index].published += 1
      waking.step = .enqueue
    case .enqueue:
      let word = model.nodes[index].word
      waking.step = .publish
      if word.generation == waking.generation {
        model.nodes[index].word = WakeWord(generation: word.generation, isQueued: true)
        if !word.isQueued { waking.step = .push }
      }
    case .push:
      let (next, unpark) = model.head.push(waking.index)
      model.nodes[index].next = next
      waking.step = unpark ? .unpark : .publish
    case .unpark:
      if model.waiter.step == .asleep { model.waiter.step = .take }
      waking.step = .publish
    }
    model.wakers[number] = waking
    return true
  }

  static func explore(_ model: Model) -> Explorer<Model>.Outcome {
    Explorer<Model>(
      threads: 1 + model.wakers.count,
      step: step,
      violation: { model in
        if model.corrupted { return "the list is corrupted" }
        if Set(model.waiter.batch).count != model.waiter.batch.count { return "taken twice" }
        return nil
      },
      finalViolation: { model in
        if model.waiter.step != .asleep { return "the waiter is stuck in \(model.waiter.step)" }
        for (index, node) in model.nodes.enumerated() {
          if node.word.isQueued { return "\(index) is queued for ever" }
          let isLive = model.wakers.contains {
            $0.index == UInt32(index) && $0.generation == node.generation
          }
          if isLive && node.seen != node.published { return "the wake of \(index) was lost" }
        }
        return nil
      }
    ).explore(from: model)
  }

  @Test(arguments: [
    [[0, 1]], [[0, 3]], [[0, 1], [0, 1]], [[0, 2], [0, 2]], [[0, 1], [1, 1]], [[0, 2], [1, 2]],
    [[0, 1], [1, 1], [2, 1]], [[0, 2], [1, 1], [0, 1]],
  ])
  func `no wake is lost, and the waiter sleeps in the end`(wakers: [[Int]]) {
    let model = Model(
      nodes: (0..<3).map { _ in Node() },
      wakers: wakers.map { Waking(index: UInt32($0[0]), generation: 0, left: $0[1]) })
    let outcome = Self.explore(model)
    #expect(
      outcome.failure == nil,
      "\(outcome.failure?.message ?? "")\n\(outcome.failure?.trace ?? "")")
    #expect(outcome.finals > 0)
  }

  @Test(arguments: [
    [[0, 0, 2]], [[0, 0, 1], [0, 1, 1]], [[0, 0, 2], [0, 1, 2]], [[0, 0, 1], [0, 0, 1], [0, 1, 1]],
    [[0, 0, 1], [0, 1, 1], [1, 0, 1]],
  ])
  func `a place that is given to another future loses no wake of it`(wakers: [[Int]]) {
    var model = Model(
      nodes: (0..<2).map { _ in Node() },
      wakers: wakers.map {
        Waking(index: UInt32($0[0]), generation: UInt32($0[1]), left: $0[2])
      })
    model.renewed = 0
    // A waker of generation 1 exists once its future was polled, in the renewal.
    let outcome = Explorer<Model>(
      threads: 1 + model.wakers.count,
      step: { model, thread in
        if thread > 0, model.wakers[thread - 1].generation == 1,
          model.renewed != nil || model.waiter.step == .renew
        {
          return nil
        }
        return Self.step(model, thread)
      },
      violation: { $0.corrupted ? "the list is corrupted" : nil },
      finalViolation: { model in
        if model.waiter.step != .asleep { return "the waiter is stuck in \(model.waiter.step)" }
        if let queued = model.nodes.firstIndex(where: \.word.isQueued) {
          return "\(queued) is queued for ever"
        }
        let node = model.nodes[0]
        let hasLive = model.wakers.contains {
          $0.index == 0 && $0.generation == node.generation && $0.left == 0
        }
        let staleLast = model.wakers.contains { $0.index == 0 && $0.generation == 0 }
        return hasLive && !staleLast && node.seen != node.published ? "a wake was lost" : nil
      }
    ).explore(from: model)
    #expect(
      outcome.failure == nil,
      "\(outcome.failure?.message ?? "")\n\(outcome.failure?.trace ?? "")")
    #expect(outcome.finals > 0)
  }

  @Test func `the transitions of the head`() {
    var head = ReadyHead.empty
    #expect(head.first == nil)
    expect(head.park())
    #expect(head == .parked && head.first == nil)
    expect(head.park())
    let first = head.push(0)
    #expect(first.unpark && first.next == .empty && head.first == 0)
    expect(!head.park())
    let second = head.push(7)
    #expect(!second.unpark && second.next.first == 0 && head.first == 7)
    expect(head.take() == 7)
    #expect(head == .empty)
    expect(head.take() == nil)
    _ = head.park()
    expect(head.take() == nil)
    #expect(head == .empty)
    _ = head.push(ReadyHead.maximumIndex)
    #expect(head.first == ReadyHead.maximumIndex && head != .parked)
  }

  @Test func `a wake word holds a generation and a bit`() {
    for generation: UInt32 in [0, 1, .max >> 1] {
      for isQueued in [false, true] {
        let word = WakeWord(generation: generation, isQueued: isQueued)
        #expect(word.generation == generation && word.isQueued == isQueued)
        #expect(WakeWord(rawValue: word.rawValue) == word)
      }
    }
  }
}
