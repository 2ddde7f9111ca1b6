// `@testable` is possible in debug builds only; the machine is the same in release.
#if DEBUG
  import TestSupport
  import Testing

  @testable import Fibers

  @Suite("Bridge: the queue of blocking calls as a value")
  struct BridgeQueueModelTests {
    /// Where a helper is.
    enum Helper { case busy, called, asleep, ended }

    @Test("Jobs leave in order, no helper sleeps over one, all end: random programs")
    func random() {
      var seed = Seed()
      for _ in 0..<300 * stressFactor {
        var queue = BlockingQueue()
        // A helper that has just started is one that was called.
        var helpers = [Helper](
          repeating: .called, count: Int.random(in: 1...4, using: &seed))
        var waiting: [BlockingJob] = []
        var isStopping = false
        for step in 0..<200 {
          if step == 150 {
            isStopping = true
            for helper in queue.stop() {
              #expect(helpers[helper] == .asleep, "\(seed)")
              helpers[helper] = .called
            }
            #expect(!helpers.contains(.asleep), "\(seed)")
          }
          if !isStopping, Bool.random(using: &seed) {
            let job = unsafe BlockingJob({})
            waiting.append(job)
            if let helper = queue.add(job) {
              #expect(helpers[helper] == .asleep, "\(seed)")
              helpers[helper] = .called
            } else {
              #expect(!helpers.contains(.asleep), "\(seed)")
            }
          } else {
            let helper = Int.random(in: helpers.indices, using: &seed)
            guard helpers[helper] == .busy || helpers[helper] == .called else { continue }
            switch queue.next(of: helper) {
            case .run(let job):
              #expect(job === waiting.removeFirst(), "\(seed)")
              helpers[helper] = .busy
            case .sleep:
              #expect(waiting.isEmpty && !isStopping, "\(seed)")
              helpers[helper] = .asleep
            case .end:
              #expect(waiting.isEmpty && isStopping, "\(seed)")
              helpers[helper] = .ended
            }
          }
          // For each job that waits beside a sleeper somebody is on the way.
          if helpers.contains(.asleep) {
            #expect(waiting.count <= helpers.count { $0 == .called }, "\(seed)")
          }
        }
      }
    }
  }
#endif
