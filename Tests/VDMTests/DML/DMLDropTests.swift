import MiniAsync
import TestSupport
import Testing
import VDM

/// Dropping futures and movers in every state, many threads, and what it costs in memory.
@Suite struct DMLDropTests {
  @Test func `one that was not polled gives its slot back and does nothing`() throws {
    let library = DoubledDML()
    let mover = try DMLMover.doubled(.hardware, library)
    let bytes = MoverBytes(count: 8)
    let before = library.counts.submissions
    do {
      let fill = mover.memset(bytes.start, to: 1, byteCount: 8)
      let crc = mover.crc32c(bytes.start, byteCount: 8)
      let batch = mover.batch([.fill(bytes.start, with: 1, byteCount: 8)])
      #expect(mover.slotsInUse == 3)
      #expect(fill.state == .idle && crc.state == .idle && batch.state == .idle)
    }
    #expect(mover.slotsInUse == 0)
    #expect(library.counts.submissions == before)
  }

  @Test func `one that found the queues full gives its slot back and does nothing`() throws {
    let library = DoubledDML { $0.queue_size = 1 }
    let mover = try DMLMover.doubled(.hardware, library)
    let bytes = MoverBytes(count: 8)
    library.plan { $0.checks = 1 }
    var first = mover.memset(bytes.start, to: 1, byteCount: 4)
    #expect(first.poll() == .running)
    do {
      var second = mover.memset(bytes.start + 4, to: 1, byteCount: 4)
      #expect(second.poll() == .idle)
    }
    #expect(mover.slotsInUse == 1)
    #expect(waitFor(&first).isSuccess)
    #expect(bytes[4] == 0)
  }

  @Test func `one that is under way is finished when the mover is used next`() throws {
    let library = DoubledDML()
    let mover = try DMLMover.doubled(.hardware, library) { $0.transferLimit = 64 }
    let bytes = MoverBytes(count: 200)
    library.plan { $0.checks = 2 }
    do {
      var fill = mover.memset(bytes.start, to: 1, byteCount: 200, flags: .durable)
      #expect(fill.poll() == .running)
    }
    #expect(mover.slotsInUse == 1, "a device is at work in it")
    #expect(bytes.isFilled(with: 0))
    let other = MoverBytes(count: 8)
    while mover.slotsInUse > 0 {
      var fill = mover.memset(other.start, to: 1, byteCount: 8)
      #expect(waitFor(&fill).isSuccess)
    }
    #expect(bytes.isFilled(with: 1), "all pieces of it")
    #expect(library.counts.misuses == 0)
  }

  @Test func `what was dropped does not wait for room in the queues`() throws {
    let library = DoubledDML()
    let bytes = MoverBytes(count: 200)
    do {
      let mover = try DMLMover.doubled(.hardware, library) { $0.transferLimit = 64 }
      library.plan { $0.checks = 1 }
      for _ in 0..<3 { library.plan { $0.submit_status = 102 } }
      var fill = mover.memset(bytes.start, to: 1, byteCount: 200)
      #expect(fill.poll() == .running)
    }
    #expect(bytes.isFilled(with: 1))
    #expect(library.counts.software_submissions == 3)
  }

  @Test func `the end of a mover waits for its device, and frees everything`() throws {
    let library = DoubledDML()
    let bytes = MoverBytes(count: 3000)
    weak var last: DMLMover?
    do {
      let mover = try DMLMover.doubled(.hardware, library) { $0.transferLimit = 100 }
      last = mover
      for i in 0..<3 { library.plan { $0.checks = UInt32(i) * 50 } }
      var fill = mover.memset(bytes.start, to: 1, byteCount: 1000)
      var crc = mover.memcpyWithCRC32C(
        to: bytes.start + 1000, from: bytes.start + 1500, byteCount: 500)
      var batch = mover.batch(
        [.fill(bytes.start + 2000, with: 0x0202_0202_0202_0202, byteCount: 90)])
      fill.poll()
      crc.poll()
      batch.poll()
      #expect(library.counts.in_flight > 0)
    }
    #expect(last == nil)
    let counts = library.counts
    #expect(counts.in_flight == 0 && counts.misuses == 0)
    #expect(counts.initialised == counts.finalised)
    #expect((0..<1000).allSatisfy { bytes[$0] == 1 })
    #expect((2000..<2090).allSatisfy { bytes[$0] == 2 })
  }

  @Test func `there are so many slots and no more`() throws {
    let mover = try DMLMover.doubled(.hardware, DoubledDML()) { $0.slotCapacity = 2 }
    let bytes = MoverBytes(count: 8)
    var one = mover.memset(bytes.start, to: 1, byteCount: 8)
    let two = mover.crc32c(bytes.start, byteCount: 8)
    let three = mover.memset(bytes.start, to: 1, byteCount: 8)
    #expect(three.output?.error == .outOfSlots(capacity: 2))
    #expect(waitFor(&one).isSuccess)
    var four = mover.memset(bytes.start, to: 1, byteCount: 8)
    #expect(waitFor(&four).isSuccess)
    #expect(two.state == .idle)
  }

  @Test func `many threads share a mover, and drop some of what they have begun`() throws {
    var seed = Seed()
    for path in [DMLMover.Path.hardware, .auto] {
      let library = DoubledDML {
        $0.queue_size = 3
        $0.seed = seed.next() | 1
      }
      let start = seed.next()
      do {
        let mover = try DMLMover.doubled(path, library) { $0.transferLimit = 500 }
        MoverThread.run(4) { number in
          var seed = Seed(start &+ UInt64(number))
          for _ in 0..<100 * stressFactor {
            let size = Int.random(in: 0...3000, using: &seed)
            let from = MoverBytes(patternOf: size, salt: number)
            let to = MoverBytes(count: size)
            if Int.random(in: 0..<4, using: &seed) == 0 {
              // Its memory is static: it may be touched as long as the mover lives.
              var dropped = mover.crc32c(Self.zeros.start, byteCount: Self.zeros.count)
              dropped.poll()
            }
            var copy = mover.memcpyWithCRC32C(
              to: to.start, from: from.start, byteCount: size)
            let crc = try? waitFor(&copy).get()
            #expect(crc == plainCRC32C(UnsafeRawBufferPointer(start: from.start, count: size)))
            #expect(to.equals(from))
          }
        }
      }
      let counts = library.counts
      #expect(counts.in_flight == 0 && counts.misuses == 0 && counts.overlaps == 0)
      #expect(counts.initialised == counts.finalised)
    }
  }

  private static let zeros = MoverBytes(count: 2000)

  @Test(.enabled(if: countsAllocations && !isDebugBuild), arguments: DMLChoice.all)
  func `operations allocate nothing once there is a slot`(choice: DMLChoice) throws {
    let mover = try choice.make()
    let bytes = MoverBytes(count: 8192)
    func operate() {
      var copy = mover.memcpy(
        to: bytes.start, from: bytes.start + 4096, byteCount: 4000, flags: .durable)
      copy.busyPoll()
      var move = mover.memmove(to: bytes.start, from: bytes.start + 4096, byteCount: 4096)
      move.busyPoll()
      var fill = mover.fill(bytes.start, with: 1, byteCount: 4000)
      fill.busyPoll()
      var compare = mover.compare(bytes.start, bytes.start + 8, byteCount: 4000)
      compare.busyPoll()
      var crc = mover.crc32c(bytes.start, byteCount: 4000)
      crc.busyPoll()
      var cast = mover.dualcast(
        to: bytes.start, and: bytes.start + 4096, from: bytes.start + 1000, byteCount: 1000)
      cast.busyPoll()
      #expect(copy.output?.isSuccess == true && cast.state == .complete)
    }
    operate()
    let count = allocations { for _ in 0..<100 { operate() } }
    // What `#expect` itself allocates is not ours.
    let ofExpect = allocations {
      for _ in 0..<100 { #expect(bytes.count == 8192 && mover.slotsInUse == 0) }
    }
    #expect(count <= ofExpect)
  }
}
