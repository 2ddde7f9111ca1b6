import Glibc
import MiniAsync
import TestSupport
import Testing
import VDM

/// Everything at once: what only shows when threads meet. Also run under the Thread Sanitizer.
@Suite struct ThreadMoverStressTests {
  @Test(arguments: [ThreadMover.NotifierKind.waker, .poller, .none])
  func `starting, dropping, cancelling and shutting down at once`(
    kind: ThreadMover.NotifierKind
  ) throws {
    for round in 0..<15 * stressFactor {
      let seed = Seed()
      let threads = 3
      let perThread = 12
      let mover = try ThreadMover(
        configuration: .with(threads: 1 + round % 3) {
          $0.notifier = kind
          $0.queueCapacity = 1 << (round % 4)
          $0.slotCapacity = threads * perThread
          $0.splitThreshold = 1 << 12
          $0.spinLimit = round % 2 == 0 ? 0 : 64
        })
      let size = 1 << 12
      let memory = (0..<threads * perThread).map { _ in MoverBytes(count: size) }
      let wrong = Tally()
      let isShutDown = round % 2 == 1
      MoverThread.run(threads + 1) { number in
        if number == threads {
          guard isShutDown else { return }
          for _ in 0..<round * 3 { sched_yield() }
          mover.shutdown()
          return
        }
        var seed = Seed(seed.seed &+ UInt64(number))
        let runtime = Runtime()
        let row = FutureRow<ThreadMover>(count: perThread)
        /// Memory that a dropped operation may use until the end.
        var lost: Set<Int> = []
        for _ in 0..<200 {
          let i = Int.random(in: 0..<perThread, using: &seed)
          if lost.contains(i) { continue }
          let bytes = memory[number * perThread + i]
          guard row.holds(i) else {
            let n = Bool.random(using: &seed) ? size : Int.random(in: 0...64, using: &seed)
            row.put(mover.memset(bytes.start, to: 1, byteCount: n), at: i)
            continue
          }
          switch Int.random(in: 0..<8, using: &seed) {
          case 0:
            if row.state(i) == .running { lost.insert(i) }
            row.drop(i)
          case 1:
            row.cancel(i)
            if row.state(i) == .complete { row.drop(i) }
          case 2, 3, 4: row.poll(i)
          default:
            switch row.with(i, { runtime.wait(&$0) }).error {
            case nil, .cancelled: break
            case .moverShutDown where isShutDown: break
            // A dropped operation may have its slot still.
            case .outOfSlots where !lost.isEmpty: break
            default: wrong.add()
            }
            row.drop(i)
          }
        }
      }
      #expect(wrong.value == 0, "\(seed), round \(round)")
      mover.shutdown()
      #expect(mover.slotsInUse == 0, "\(seed), round \(round)")
      #expect(memory.allSatisfy { $0.areGuardsIntact })
    }
  }

  @Test(arguments: [1, 2, 3])
  func `with many waiters and a tiny queue nobody is left waiting`(threads: Int) throws {
    let mover = try ThreadMover(
      configuration: .with(threads: threads) {
        $0.queueCapacity = 2
        $0.spinLimit = threads == 2 ? 64 : 0
      })
    let bytes = MoverBytes(count: 4 * 64)
    let wrong = Tally()
    let rounds = 20 * stressFactor
    MoverThread.run(4) { number in
      let runtime = Runtime()
      for round in 1...rounds {
        let value = UInt8(truncatingIfNeeded: round)
        let row = FutureRow<ThreadMover>(count: 64)
        for i in 0..<64 {
          row.put(mover.memset(bytes.start + number * 64 + i, to: value, byteCount: 1), at: i)
        }
        // Together; or each polled once, and then waited for from the last to the first; or some
        // dropped while they wait for room.
        switch round % 3 {
        case 0: row.waitForAll(runtime)
        case 1:
          for i in 0..<64 { row.poll(i) }
          for i in (0..<64).reversed() { row.with(i) { _ = runtime.wait(&$0) } }
        default:
          let waiter = WakeCounter()
          for i in 0..<64 { row.with(i) { _ = waiter.poll(&$0) } }
          for i in stride(from: 0, to: 64, by: 3) where row.state(i) == .idle { row.drop(i) }
          row.waitForAll(runtime)
          continue
        }
        for i in 0..<64 where bytes[number * 64 + i] != value { wrong.add() }
      }
    }
    #expect(wrong.value == 0)
    mover.shutdown()
    #expect(mover.slotsInUse == 0)
  }

  @Test func `an operation may be started on one thread and finished on others`() throws {
    // A future moves between threads, each of which polls it with a waker of its own.
    let mover = try ThreadMover(configuration: .with { $0.queueCapacity = 4 })
    let bytes = MoverBytes(count: 32)
    for round in 1...30 * stressFactor {
      let row = Box(FutureRow<ThreadMover>(count: 32))
      for i in 0..<32 {
        row.value.put(
          mover.memset(bytes.start + i, to: UInt8(truncatingIfNeeded: round), byteCount: 1), at: i)
      }
      for _ in 0..<3 {
        MoverThread {
          let waiter = WakeCounter()
          for i in 0..<32 { row.value.with(i) { _ = waiter.poll(&$0) } }
        }.join()
      }
      for output in row.value.waitForAll() { #expect(output?.isSuccess == true) }
      #expect(bytes.isFilled(with: UInt8(truncatingIfNeeded: round)))
    }
    mover.shutdown()
    #expect(mover.slotsInUse == 0)
  }
}
