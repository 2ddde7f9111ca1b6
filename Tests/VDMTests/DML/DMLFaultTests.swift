import CDMLDouble
import MiniAsync
import TestSupport
import Testing
import VDM

/// What becomes of the faults of libdml and of devices, injected at every step.
@Suite struct DMLFaultTests {
  private static let codes = Array(UInt32(1)...45) + [100, 101, 102, 77]
  private static let busy: Set<UInt32> = [24, 102]
  private static let mended: Set<UInt32> = [25, 33]

  /// One operation of each kind, in three pieces; also whether it did what it should.
  private enum Kind: CaseIterable { case copy, move, set, fill, compare, crc, copyCRC, dualcast }

  private func run(
    _ kind: Kind, on mover: DMLMover, isolation: Void = ()
  ) -> (error: VDMError?, isRight: Bool) {
    let size = 9000
    let from = MoverBytes(patternOf: size)
    let to = MoverBytes(count: 40_000)
    let second = to.start + (size / 4096 + 1) * 4096
    func isCopy(_ start: UnsafeMutableRawPointer) -> Bool {
      plainDifference(start, from.start, size) == nil
    }
    func error<Value>(_ result: Result<Value, VDMError>) -> VDMError? {
      if case .failure(let error) = result { error } else { nil }
    }
    let crc = plainCRC32C(UnsafeRawBufferPointer(start: from.start, count: size))
    switch kind {
    case .copy:
      var future = mover.memcpy(to: to.start, from: from.start, byteCount: size)
      return (waitFor(&future).error, isCopy(to.start))
    case .move:
      (to.start + 5000).copyMemory(from: from.start, byteCount: size)
      var future = mover.memmove(
        to: to.start + 5000 + 4096, from: to.start + 5000, byteCount: size)
      return (waitFor(&future).error, isCopy(to.start + 5000 + 4096))
    case .set:
      var future = mover.memset(to.start, to: 7, byteCount: size)
      let error = waitFor(&future).error
      return (error, (0..<size).allSatisfy { to[$0] == 7 } && to[size] == 0)
    case .fill:
      var future = mover.fill(to.start, with: 0x0102_0304_0506_0708, byteCount: size)
      let result = error(waitFor(&future))
      let plain = MoverBytes(count: size)
      plainFill(plain.start, 0x0102_0304_0506_0708, size)
      return (result, plainDifference(to.start, plain.start, size) == nil)
    case .compare:
      to.start.copyMemory(from: from.start, byteCount: size)
      to[8000] ^= 1
      var future = mover.compare(to.start, from.start, byteCount: size)
      let result = waitFor(&future)
      return (error(result), (try? result.get()) == 8000)
    case .crc:
      var future = mover.crc32c(from.start, byteCount: size)
      let result = waitFor(&future)
      return (error(result), (try? result.get()) == crc)
    case .copyCRC:
      var future = mover.memcpyWithCRC32C(to: to.start, from: from.start, byteCount: size)
      let result = waitFor(&future)
      return (error(result), (try? result.get()) == crc && isCopy(to.start))
    case .dualcast:
      var future = mover.dualcast(to: to.start, and: second, from: from.start, byteCount: size)
      return (error(waitFor(&future)), isCopy(to.start) && isCopy(second))
    }
  }

  private func mover(_ path: DMLMover.Path, _ library: DoubledDML) throws -> DMLMover {
    try DMLMover.doubled(path, library) { $0.transferLimit = 3001 }
  }

  @Test(arguments: codes)
  func `each status of a submission to the device is mapped, whatever the piece`(
    code: UInt32
  ) throws {
    for path in [DMLMover.Path.hardware, .auto] {
      for kind in Kind.allCases {
        for piece in 0..<3 {
          let library = DoubledDML()
          let mover = try mover(path, library)
          for _ in 0..<piece { library.plan { _ in } }
          library.plan { $0.submit_status = code }
          let (error, isRight) = run(kind, on: mover)
          let goesOn =
            Self.busy.contains(code) || path == .auto && (code == 100 || code == 101)
          #expect(error == (goesOn ? nil : .dml(DMLStatus(rawValue: code))), "\(kind) \(piece)")
          if goesOn { #expect(isRight, "\(kind) \(piece)") }
          #expect(library.counts.misuses == 0)
          #expect(mover.slotsInUse == 0)
        }
      }
    }
  }

  @Test(arguments: codes)
  func `each status of a job that has ended is mapped, whatever was done before it`(
    code: UInt32
  ) throws {
    if code == 2 { return }  // never an end
    for kind in Kind.allCases {
      for (piece, done) in [(0, 0), (0, 100), (1, 3000), (2, 1)] {
        let library = DoubledDML()
        let mover = try mover(.hardware, library)
        for _ in 0..<piece { library.plan { $0.checks = 2 } }
        library.plan {
          $0.status = code
          $0.done = UInt32(done)
          $0.checks = 3
        }
        let (error, isRight) = run(kind, on: mover)
        // A queue that takes less than it was said to is given less.
        let goesOn = Self.mended.contains(code)
        if code != 15 {
          #expect(error == (goesOn ? nil : .dml(DMLStatus(rawValue: code))), "\(kind) \(piece)")
        }
        if goesOn {
          #expect(isRight, "\(kind) \(piece) \(done)")
          #expect(library.counts.software_submissions == 1, "that piece only")
        }
        #expect(library.counts.misuses == 0)
        #expect(mover.slotsInUse == 0)
      }
    }
  }

  @Test(arguments: codes)
  func `each status of a submission to the CPU is mapped`(code: UInt32) throws {
    let library = DoubledDML()
    let mover = try mover(.software, library)
    for kind in Kind.allCases {
      library.planSoftware { $0.submit_status = code }
      #expect(run(kind, on: mover).error == .dml(DMLStatus(rawValue: code)))
      if code != 2 {
        library.planSoftware { $0.status = code }
        #expect(run(kind, on: mover).error == .dml(DMLStatus(rawValue: code)))
      }
      // And the same slot works again.
      #expect(run(kind, on: mover) == (nil, true))
    }
    #expect(library.counts.misuses == 0)
    #expect(library.counts.submissions == 0)
  }

  @Test func `a CPU that is late is waited for`() throws {
    let library = DoubledDML()
    let mover = try mover(.software, library)
    library.planSoftware { $0.checks = 5 }
    #expect(run(.crc, on: mover) == (nil, true))
  }

  @Test func `a failure after the CPU has taken over is told`() throws {
    let library = DoubledDML()
    let mover = try mover(.hardware, library)
    library.plan { $0.status = 25 }
    library.planSoftware { $0.status = 23 }
    #expect(run(.copy, on: mover).error == .dml(DMLStatus(rawValue: 23)))
  }

  @Test func `a job that cannot be initialised fails its operation`() throws {
    let library = DoubledDML()
    let mover = try mover(.hardware, library)
    library.failNextInitialisation(6)
    #expect(run(.copy, on: mover).error == .dml(DMLStatus(rawValue: 6)))
    #expect(run(.copy, on: mover) == (nil, true))
    // Also when the CPU is to take over.
    library.plan { $0.status = 25 }
    library.plan { _ in }
    var future = mover.crc32c(UnsafeRawPointer(bitPattern: 64).unsafelyUnwrapped, byteCount: 0)
    _ = try waitFor(&future).get()
    #expect(library.counts.misuses == 0)
  }

  @Test func `a full queue leaves the future idle, and it is tried again`() throws {
    let library = DoubledDML()
    let mover = try DMLMover.doubled(.hardware, library)
    let bytes = MoverBytes(count: 64)
    for _ in 0..<3 { library.plan { $0.submit_status = 102 } }
    library.plan { $0.checks = 1 }
    var fill = mover.memset(bytes.start, to: 1, byteCount: 64)
    let waiter = WakeCounter()
    for _ in 0..<3 {
      let (state, used) = waiter.poll(&fill)
      #expect(state == .idle)
      #expect(used == [], "polled again after a pause")
      #expect(bytes.isFilled(with: 0))
    }
    #expect(fill.poll() == .running)
    #expect(fill.poll() == .complete)
    #expect(bytes.isFilled(with: 1))
  }

  @Test func `a full queue does not make what has begun idle again`() throws {
    let library = DoubledDML()
    let mover = try DMLMover.doubled(.hardware, library) { $0.transferLimit = 64 }
    let bytes = MoverBytes(count: 128)
    library.plan { _ in }
    for _ in 0..<2 { library.plan { $0.submit_status = 24 } }
    var fill = mover.memset(bytes.start, to: 1, byteCount: 128)
    #expect(fill.poll() == .running)
    #expect(fill.poll() == .running)
    #expect(fill.poll() == .complete)
    #expect(bytes.isFilled(with: 1))
  }

  @Test func `an idle future can be cancelled, and one that is under way cannot`() throws {
    let library = DoubledDML()
    let mover = try DMLMover.doubled(.hardware, library)
    let bytes = MoverBytes(count: 64)
    library.plan { $0.submit_status = 102 }
    var idle = mover.crc32c(bytes.start, byteCount: 64)
    #expect(idle.poll() == .idle)
    idle.cancel()
    if case .failure(let error)? = idle.output {
      #expect(error == .cancelled)
    } else {
      Issue.record("not cancelled")
    }
    library.plan { $0.checks = 2 }
    var running = mover.memset(bytes.start, to: 1, byteCount: 64)
    #expect(running.poll() == .running)
    running.cancel()
    #expect(waitFor(&running).isSuccess)
    #expect(bytes.isFilled(with: 1))
    #expect(mover.slotsInUse == 0)
  }

  @Test func `with auto, the CPU does what the queues have no room for`() throws {
    let library = DoubledDML { $0.queue_size = 1 }
    let mover = try DMLMover.doubled(.auto, library)
    let bytes = MoverBytes(count: 64)
    library.plan { $0.checks = 3 }
    var slow = mover.memset(bytes.start, to: 1, byteCount: 32)
    #expect(slow.poll() == .running)
    var other = mover.memset(bytes.start + 32, to: 1, byteCount: 32)
    #expect(other.poll() == .complete)
    #expect(library.counts.software_submissions == 1)
    #expect(waitFor(&slow).isSuccess)
    #expect(bytes.isFilled(with: 1))
  }

  @Test func `what the CPU takes over is written past the caches if that was asked for`() throws {
    let library = DoubledDML()
    let mover = try DMLMover.doubled(.hardware, library)
    let from = MoverBytes(patternOf: 6000)
    let to = MoverBytes(count: 6000)
    for _ in 0..<2 { library.plan { $0.status = 25 } }
    var copy = mover.memcpy(
      to: to.start, from: from.start, byteCount: 6000, flags: [.noCacheHint, .durable])
    try waitFor(&copy).get()
    var fill = mover.memset(from.start, to: 9, byteCount: 6000, flags: .noCacheHint)
    #expect(library.counts.software_submissions == 0, "libdml has no such stores")
    let isSame = to.equals(from)
    #expect(isSame)
    try waitFor(&fill).get()
    #expect(from.isFilled(with: 9) && from.areGuardsIntact && to.areGuardsIntact)
    #expect(library.counts.software_submissions == 0)
  }

  @Test func `a queue that takes less than was said is given less`() throws {
    let library = DoubledDML { $0.transfer_limit = 5000 }
    let mover = try DMLMover.doubled(.hardware, library) { $0.transferLimit = 60_000 }
    let from = MoverBytes(patternOf: 100_000)
    let to = MoverBytes(count: 100_000)
    var copy = mover.memcpy(to: to.start, from: from.start, byteCount: 100_000)
    try waitFor(&copy).get()
    #expect(to.equals(from))
    #expect(library.counts.software_submissions == 0)
    // But not for ever.
    let narrow = DoubledDML { $0.transfer_limit = 100 }
    let other = try DMLMover.doubled(.hardware, narrow)
    var hopeless = other.memcpy(to: to.start, from: from.start, byteCount: 100_000)
    #expect(waitFor(&hopeless).error == .dml(.lengthError))
  }

  // MARK: Batches

  private func runBatch(on mover: DMLMover, count: Int = 10) throws -> (VDMError?, isRight: Bool) {
    let from = MoverBytes(patternOf: 600)
    let to = MoverBytes(count: count * 700)
    var batch = mover.batch(
      (0..<count).map { .memcpy(to: to.start + $0 * 700, from: from.start, byteCount: 600) })
    let output = try waitFor(&batch).get()
    let isRight = (0..<count).allSatisfy {
      plainDifference(to.start + $0 * 700, from.start, 600) == nil
    }
    return (output.errors.compactMap { $0 }.first, isRight)
  }

  @Test(arguments: codes)
  func `whatever becomes of a list, its operations are done one by one`(code: UInt32) throws {
    for path in [DMLMover.Path.hardware, .auto, .software] {
      for done in [0, 3, 9] {
        let library = DoubledDML()
        let mover = try DMLMover.doubled(path, library)
        func plan(_ change: (inout dmldouble_plan_t) -> Void) {
          if path == .software { library.planSoftware(change) } else { library.plan(change) }
        }
        plan { $0.submit_status = code }
        #expect(try runBatch(on: mover) == (nil, true), "refused")
        if code != 2 {
          plan {
            $0.status = code
            $0.done = UInt32(done)
            $0.checks = 2
          }
          #expect(try runBatch(on: mover) == (nil, true), "ended, \(done) done")
        }
        #expect(library.counts.misuses == 0)
        #expect(mover.slotsInUse == 0)
      }
    }
  }

  @Test func `a queue that takes shorter batches gets its operations one by one`() throws {
    let library = DoubledDML { $0.batch_limit = 8 }
    let mover = try DMLMover.doubled(.hardware, library)
    #expect(try runBatch(on: mover, count: 40) == (nil, true))
    #expect(library.counts.misuses == 0)
  }

  @Test func `a full queue leaves a batch idle`() throws {
    let library = DoubledDML()
    let mover = try DMLMover.doubled(.hardware, library)
    let bytes = MoverBytes(count: 64)
    library.plan { $0.submit_status = 102 }
    var batch = mover.batch([.fill(bytes.start, with: 0, byteCount: 64)])
    #expect(batch.poll() == .idle)
    #expect(try waitFor(&batch).get().isSuccess)
    #expect(mover.slotsInUse == 0)
  }
}
