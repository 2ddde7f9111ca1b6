import Glibc
import MiniAsync
import TestSupport
import Testing
import VDM

/// What operations do, on every mover.
@Suite struct OperationTests {
  static let sizes = [0, 1, 2, 3, 63, 64, 65, 255, 4095, 4096, 4097, 40_000, 200_001]

  @Test(arguments: MoverChoice.allCases, OperationFlags.combinations)
  func `memcpy copies exactly its bytes`(choice: MoverChoice, flags: OperationFlags) throws {
    func check<M: DataMover>(_ mover: M) {
      let runtime = Runtime()
      for n in Self.sizes {
        let source = MoverBytes(patternOf: n, salt: n)
        let destination = MoverBytes(count: n, filledWith: 0xEE)
        var future = mover.memcpy(
          to: destination.start, from: source.start, byteCount: n, flags: flags)
        #expect(future.state == .idle)
        #expect(destination.isFilled(with: 0xEE), "nothing happens before the first poll")
        #expect(runtime.wait(&future).isSuccess)
        #expect(destination.equals(source), "\(n) bytes")
        #expect(destination.areGuardsIntact)
      }
    }
    check(try choice.make())
  }

  @Test(arguments: MoverChoice.allCases, OperationFlags.combinations)
  func `memmove is right for every overlap`(choice: MoverChoice, flags: OperationFlags) throws {
    func check<M: DataMover>(_ mover: M) {
      let runtime = Runtime()
      for n in [0, 1, 64, 200, 40_001] {
        for distance in [-n - 1, -n, 1 - n, -65, -1, 0, 1, 63, 64, n - 1, n, n + 1]
        where abs(distance) <= n + 1 {
          let size = 3 * n + 8
          let from = n + 4
          let actual = MoverBytes(patternOf: size)
          let expected = MoverBytes(patternOf: size)
          memmove(expected.start + from + distance, expected.start + from, n)
          var future = mover.memmove(
            to: actual.start + from + distance, from: actual.start + from, byteCount: n,
            flags: flags)
          #expect(runtime.wait(&future).isSuccess)
          #expect(actual.equals(expected), "\(n) bytes by \(distance)")
          #expect(actual.areGuardsIntact)
        }
      }
    }
    check(try choice.make())
  }

  @Test(arguments: MoverChoice.allCases, OperationFlags.combinations)
  func `memset fills exactly its bytes`(choice: MoverChoice, flags: OperationFlags) throws {
    func check<M: DataMover>(_ mover: M) {
      let runtime = Runtime()
      for n in Self.sizes {
        for value: UInt8 in [0, 0x7F, 0x80, 0xFF] {
          let bytes = MoverBytes(count: n, filledWith: 0x11)
          var future = mover.memset(bytes.start, to: value, byteCount: n, flags: flags)
          #expect(runtime.wait(&future).isSuccess)
          #expect(bytes.isFilled(with: value))
          #expect(bytes.areGuardsIntact)
        }
      }
    }
    check(try choice.make())
  }

  @Test(arguments: MoverChoice.allCases)
  func `flush succeeds and changes nothing`(choice: MoverChoice) throws {
    func check<M: DataMover>(_ mover: M) throws {
      guard mover.supports(.flush) else { return }
      let runtime = Runtime()
      for n in Self.sizes {
        let bytes = MoverBytes(patternOf: n)
        var future = mover.flush(bytes.start, byteCount: n)
        let output = runtime.wait(&future)
        #expect(output.kind == .flush)
        #expect(try output.get() == bytes.start)
        #expect(bytes.equals(MoverBytes(patternOf: n)))
        #expect(bytes.areGuardsIntact)
      }
    }
    try check(try choice.make())
  }

  @Test(arguments: MoverChoice.allCases)
  func `the output tells kind, result and destination, as often as asked`(
    choice: MoverChoice
  ) throws {
    func check<M: DataMover>(_ mover: M) throws {
      let runtime = Runtime()
      let source = MoverBytes(patternOf: 100)
      let bytes = MoverBytes(count: 100)
      func checkOutput(_ future: consuming OperationFuture<M>, _ kind: OperationKind) throws {
        #expect(future.output == nil)
        #expect(future.operation.kind == kind)
        #expect(future.operation.byteCount == 100)
        runtime.wait(&future)
        for _ in 0..<3 {
          let reached = future.output
          let output = try #require(reached)
          #expect(output.kind == kind)
          #expect(output.isSuccess)
          #expect(output.error == nil)
          #expect(output.destination == bytes.start)
          #expect(try output.get() == bytes.start)
          #expect(try output.result.get() == bytes.start)
          #expect(future.poll() == .complete)
        }
      }
      try checkOutput(
        mover.memcpy(to: bytes.start, from: source.start, byteCount: 100), .memcpy)
      try checkOutput(
        mover.memmove(to: bytes.start, from: source.start, byteCount: 100), .memmove)
      try checkOutput(mover.memset(bytes.start, to: 1, byteCount: 100), .memset)
      if mover.supports(.flush) {
        try checkOutput(mover.flush(bytes.start, byteCount: 100), .flush)
      }
    }
    try check(try choice.make())
  }

  @Test(arguments: MoverChoice.allCases)
  func `polling or cancelling after completion does nothing`(choice: MoverChoice) throws {
    func check<M: DataMover>(_ mover: M) throws {
      let bytes = MoverBytes(count: 10)
      var future = mover.memset(bytes.start, to: 1, byteCount: 10)
      future.busyPoll()
      bytes[3] = 9
      let waiter = WakeCounter()
      for _ in 0..<3 {
        let (state, used) = waiter.poll(&future)
        #expect(state == .complete)
        #expect(used.isEmpty)
        future.cancel()
      }
      #expect(future.output?.isSuccess == true)
      #expect(bytes[3] == 9, "the operation was not done again")
      #expect(waiter.wakes == 0)
      #expect(Runtime().wait(&future).isSuccess)
      #expect(future.hasProperty(.async) == false)
    }
    try check(try choice.make())
  }

  @Test func `the synchronous mover does its work inside the first poll`() {
    let bytes = MoverBytes(count: 10)
    let mover = SynchronousMover()
    var future = mover.memset(bytes.start, to: 1, byteCount: 10)
    #expect(future.hasProperty(.async) == false)
    let waiter = WakeCounter()
    let (state, used) = waiter.poll(&future)
    #expect(state == .complete)
    #expect(used.isEmpty)
    #expect(bytes.isFilled(with: 1))
  }

  @Test func `futures of the thread mover are asynchronous until they are complete`() throws {
    let mover = try ThreadMover(configuration: .init(threads: 1))
    let bytes = MoverBytes(count: 10)
    var future = mover.memset(bytes.start, to: 1, byteCount: 10)
    #expect(future.hasProperty(.async) == true)
    waitFor(&future)
    #expect(future.hasProperty(.async) == false)
    var failed = mover.memset(bytes.start, to: 1, byteCount: -1)
    #expect(failed.hasProperty(.async) == false)
    #expect(failed.poll() == .complete)
  }

  @Test(arguments: MoverChoice.allCases)
  func `a mover supports exactly the flags it has`(choice: MoverChoice) throws {
    func check<M: DataMover>(_ mover: M) {
      #expect(mover.isSupported([]))
      for flags in OperationFlags.combinations {
        #expect(mover.isSupported(flags) == flags.isSubset(of: mover.capabilities))
      }
      #expect(!mover.isSupported(OperationFlags(rawValue: 1 << 7)))
      #expect(!mover.isSupported([.durable, OperationFlags(rawValue: 1 << 7)]))
      #if arch(x86_64) || arch(arm64)
        #expect(mover.isSupported([.durable, .noCacheHint]))
        #expect(OperationKind.allCases.allSatisfy { mover.supports($0) })
      #endif
    }
    check(try choice.make())
  }
}
