import Glibc
import MiniAsync
import Synchronization
import TestSupport
import Testing

@testable import VDM

/// The list of futures that wait for room.
@Suite struct RoomListTests {
  /// Something that can be done to the list.
  enum Step: CustomStringConvertible {
    case join(Int)
    case leave(Int)
    case invite(Int)

    var description: String {
      switch self {
      case .join(let i): ".join(\(i))"
      case .leave(let i): ".leave(\(i))"
      case .invite(let n): ".invite(\(n))"
      }
    }
  }

  /// A list beside a model of it.
  final class Subject {
    let pool: SlotPool
    let list: RoomList
    var slots: [UInt32] = []
    var waiters: [Tally] = []
    // The model.
    var order: [Int] = []
    var invited: Set<Int> = []
    var wakes: [Int]

    init(_ count: Int) {
      pool = SlotPool(capacity: count)
      list = RoomList(pool: pool)
      wakes = Array(repeating: 0, count: count)
      for _ in 0..<count {
        guard let slot = pool.take() else { continue }
        slots.append(slot)
        waiters.append(Tally())
      }
    }

    /// Does a step to both; whether they agree afterwards.
    func agrees(after step: Step) -> Bool {
      switch step {
      case .join(let i):
        let waiter = waiters[i]
        pool[slots[i]].pointee.cell.register(Waker { waiter.add() })
        list.join(slots[i])
        invited.remove(i)
        if !order.contains(i) { order.append(i) }
      case .leave(let i):
        if list.leave(slots[i]) != invited.contains(i) { return false }
        invited.remove(i)
        order.removeAll { $0 == i }
      case .invite(let n):
        list.invite(n)
        for i in order.prefix(n) {
          invited.insert(i)
          wakes[i] += 1
        }
        order.removeFirst(min(n, order.count))
      }
      return list.isEmpty == order.isEmpty && waiters.map(\.value) == wakes
    }
  }

  @Test func `every short sequence of joins, leaves and invitations equals an array`() {
    let steps: [Step] = [
      .join(0), .join(1), .join(2), .leave(0), .leave(1), .leave(2), .invite(1), .invite(2),
    ]
    let depth = 5
    var failed: [[Step]] = []
    var count = 1
    for _ in 0..<depth { count *= steps.count }
    for number in 0..<count {
      let subject = Subject(3)
      var rest = number
      var trace: [Step] = []
      for _ in 0..<depth {
        trace.append(steps[rest % steps.count])
        rest /= steps.count
        guard subject.agrees(after: trace[trace.count - 1]) else {
          failed.append(trace)
          break
        }
      }
    }
    #expect(failed.isEmpty, "\(failed.first.map { "\($0)" } ?? "")")
  }

  @Test func `long random sequences equal an array`() {
    var seed = Seed()
    let subject = Subject(8)
    for _ in 0..<5_000 {
      let i = Int.random(in: 0..<8, using: &seed)
      let step: Step =
        switch Int.random(in: 0..<5, using: &seed) {
        case 0, 1: .join(i)
        case 2: .leave(i)
        default: .invite(Int.random(in: 0..<3, using: &seed))
        }
      #expect(subject.agrees(after: step), "\(seed)")
    }
  }

  @Test func `inviting everybody ends`() {
    let subject = Subject(5)
    for i in 0..<5 { #expect(subject.agrees(after: .join(i))) }
    #expect(subject.agrees(after: .invite(.max)))
    #expect(subject.agrees(after: .invite(.max)))
    for i in 0..<5 { #expect(subject.list.leave(subject.slots[i])) }
  }

  @Test func `under threads nobody who joined is left uninvited`() {
    // Each of three threads joins, sleeps until it is invited, and leaves; the fourth invites
    // until all have had their turns.
    let pool = SlotPool(capacity: 3)
    let list = RoomList(pool: pool)
    let rounds = 2_000 * stressFactor
    let left = Tally()
    MoverThread.run(4) { number in
      if number == 3 {
        while left.value < 3 {
          if !list.isEmpty { list.invite(1) } else { sched_yield() }
        }
        return
      }
      guard let slot = pool.take() else { return }
      let parker = ThreadParker()
      for round in 0..<rounds {
        pool[slot].pointee.cell.register(Waker { parker.unpark() })
        list.join(slot)
        // Sometimes it changes its mind.
        if round % 7 == number {
          _ = list.leave(slot)
        } else {
          parker.park()
          _ = list.leave(slot)
        }
      }
      left.add()
    }
    #expect(list.isEmpty)
  }
}
