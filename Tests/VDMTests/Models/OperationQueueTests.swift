import Glibc
import TestSupport
import Testing

@testable import VDM

/// The bounded queue between futures and workers.
@Suite struct OperationQueueTests {
  @Test(arguments: [(0, 2), (1, 2), (2, 2), (3, 4), (4, 4), (5, 8), (1000, 1024)])
  func `it holds its capacity, first in first out, for many rounds`(asked: Int, capacity: Int) {
    let queue = OperationQueue(capacity: asked)
    #expect(queue.capacity == capacity)
    #expect(queue.tryRemoveFirst() == nil)
    var next: UInt32 = 0
    var expected: UInt32 = 0
    for round in 0..<20 {
      let count = round % 3 == 0 ? capacity : 1 + round % capacity
      for _ in 0..<count {
        #expect(queue.tryAppend(next))
        next += 1
      }
      #expect(queue.count == count)
      if count == capacity { #expect(!queue.tryAppend(999)) }
      for _ in 0..<count {
        #expect(queue.tryRemoveFirst() == expected)
        expected += 1
      }
      #expect(queue.tryRemoveFirst() == nil)
      #expect(queue.count == 0)
    }
  }

  @Test func `random use equals an array`() {
    var seed = Seed()
    for capacity in [2, 4, 8] {
      let queue = OperationQueue(capacity: capacity)
      var model: [UInt32] = []
      for i in 0..<3_000 {
        if Bool.random(using: &seed) {
          let fits = queue.tryAppend(UInt32(i))
          #expect(fits == (model.count < capacity), "\(seed)")
          if fits { model.append(UInt32(i)) }
        } else {
          #expect(queue.tryRemoveFirst() == (model.isEmpty ? nil : model.removeFirst()), "\(seed)")
        }
        #expect(queue.count == model.count, "\(seed)")
      }
    }
  }

  @Test(arguments: [2, 4, 64])
  func `under threads everything arrives once, in the order of its producer`(capacity: Int) {
    let queue = OperationQueue(capacity: capacity)
    let perProducer = 5_000 * stressFactor
    let received = [Box([UInt32]()), Box([UInt32]())]
    let taken = Tally()
    MoverThread.run(4) { number in
      if number < 2 {
        for i in 0..<perProducer {
          while !queue.tryAppend(UInt32(number * perProducer + i)) { sched_yield() }
        }
      } else {
        while taken.value < 2 * perProducer {
          if let slot = queue.tryRemoveFirst() {
            received[number - 2].value.append(slot)
            taken.add()
          } else {
            sched_yield()
          }
        }
      }
    }
    let all = received.map(\.value)
    #expect((all[0] + all[1]).sorted() == (0..<UInt32(2 * perProducer)).map { $0 })
    for part in all {
      for producer in 0..<2 {
        let own = part.filter { Int($0) / perProducer == producer }
        #expect(own == own.sorted())
      }
    }
    #expect(queue.count == 0)
  }
}
