import MiniAsync
import TestSupport
import Testing
import VDM

/// What operations do, on every DML mover.
@Suite struct DMLOperationTests {
  private static let sizes = [0, 1, 7, 63, 64, 65, 1000, 1001, 1002, 4096, 10_007]

  @Test(arguments: DMLChoice.all, sizes)
  func `memcpy, memset and flush do what they say`(choice: DMLChoice, size: Int) throws {
    let mover = try choice.make()
    let from = MoverBytes(patternOf: size, salt: 3)
    for flags in OperationFlags.combinations {
      let to = MoverBytes(count: size)
      var copy = mover.memcpy(to: to.start, from: from.start, byteCount: size, flags: flags)
      try waitFor(&copy).get()
      #expect(to.equals(from))
      var fill = mover.memset(to.start, to: 0x5c, byteCount: size, flags: flags)
      try waitFor(&fill).get()
      #expect(to.isFilled(with: 0x5c))
      var flush = mover.flush(to.start, byteCount: size)
      try waitFor(&flush).get()
      #expect(to.areGuardsIntact)
    }
    #expect(mover.slotsInUse == 0)
  }

  /// Distances on both sides of the one from which pieces are made.
  @Test(
    arguments: DMLChoice.all, [-9000, -4097, -4096, -4095, -1, 0, 1, 64, 4095, 4096, 4100, 9000])
  func `memmove of overlapping ranges copies what was there`(
    choice: DMLChoice, distance: Int
  ) throws {
    let mover = try choice.make(transferLimit: 5000)
    let size = 40_000
    for flags in OperationFlags.combinations {
      let bytes = MoverBytes(patternOf: size + 20_000, salt: 5)
      let expected = MoverBytes(patternOf: size + 20_000, salt: 5)
      let (from, to) = (10_000, 10_000 + distance)
      (expected.start + to).copyMemory(from: expected.start + from, byteCount: size)
      var move = mover.memmove(
        to: bytes.start + to, from: bytes.start + from, byteCount: size, flags: flags)
      try waitFor(&move).get()
      #expect(bytes.equals(expected))
      #expect(bytes.areGuardsIntact)
    }
  }

  @Test(arguments: DMLChoice.all, sizes)
  func `fill repeats its pattern from the start`(choice: DMLChoice, size: Int) throws {
    let mover = try choice.make()
    for offset in 0..<8 {
      let bytes = MoverBytes(count: size + 8)
      let expected = MoverBytes(count: size + 8)
      plainFill(expected.start + offset, 0x0123_4567_89ab_cdef, size)
      var fill = mover.fill(
        bytes.start + offset, with: 0x0123_4567_89ab_cdef, byteCount: size, flags: .durable)
      try waitFor(&fill).get()
      #expect(bytes.equals(expected))
      #expect(bytes.areGuardsIntact)
    }
  }

  @Test(arguments: DMLChoice.all, sizes)
  func `compare tells the first byte that differs`(choice: DMLChoice, size: Int) throws {
    let mover = try choice.make()
    let a = MoverBytes(patternOf: size)
    let b = MoverBytes(patternOf: size)
    var same = mover.compare(a.start, b.start, byteCount: size)
    #expect(try waitFor(&same).get() == nil)
    for place in [0, 1000, 1001, 1002, size - 1] where 0..<size ~= place {
      b[place] ^= 0x80
      var other = mover.compare(a.start, b.start, byteCount: size)
      #expect(try waitFor(&other).get() == place)
      b[place] ^= 0x80
    }
  }

  @Test(arguments: DMLChoice.all, sizes)
  func `CRC-32C is the standard's, in one go or several`(choice: DMLChoice, size: Int) throws {
    let mover = try choice.make()
    let text = MoverBytes(count: 9)
    for (i, byte) in "123456789".utf8.enumerated() { text[i] = byte }
    var check = mover.crc32c(text.start, byteCount: 9)
    #expect(try waitFor(&check).get() == 0xe306_9283)

    let bytes = MoverBytes(patternOf: size)
    let copy = MoverBytes(count: size)
    let expected = plainCRC32C(UnsafeRawBufferPointer(start: bytes.start, count: size))
    var whole = mover.crc32c(bytes.start, byteCount: size)
    #expect(try waitFor(&whole).get() == expected)
    var first = mover.crc32c(bytes.start, byteCount: size / 3)
    var second = mover.memcpyWithCRC32C(
      to: copy.start, from: bytes.start + size / 3, byteCount: size - size / 3,
      continuing: try waitFor(&first).get(), flags: .durable)
    #expect(try waitFor(&second).get() == expected)
    #expect(
      plainDifference(copy.start, bytes.start + size / 3, size - size / 3) == nil)
    #expect(copy.areGuardsIntact)
  }

  @Test(arguments: DMLChoice.all, sizes)
  func `dualcast copies to both places`(choice: DMLChoice, size: Int) throws {
    let mover = try choice.make()
    let from = MoverBytes(patternOf: size)
    // 4,096 apart, or a multiple of that.
    let second = (size / 4096 + 1) * 4096
    let to = MoverBytes(count: second + size)
    var cast = mover.dualcast(
      to: to.start, and: to.start + second, from: from.start, byteCount: size, flags: .durable)
    try waitFor(&cast).get()
    #expect(plainDifference(to.start, from.start, size) == nil)
    #expect(plainDifference(to.start + second, from.start, size) == nil)
    #expect(to.areGuardsIntact)
    if size > 0 {
      let room = MoverBytes(count: second + size + 1)
      var crooked = mover.dualcast(
        to: room.start, and: room.start + second + 1, from: from.start, byteCount: size)
      #expect(throws: VDMError.dml(.dualcastAlignError)) { try waitFor(&crooked).get() }
    }
    #expect(mover.slotsInUse == 0)
  }

  @Test(arguments: DMLChoice.all, [0, 1, 3, 4, 5, 31, 32, 33, 100])
  func `a batch does all of its operations`(choice: DMLChoice, count: Int) throws {
    let mover = try choice.make()
    let from = MoverBytes(patternOf: 3000)
    let to = MoverBytes(count: count * 3000)
    let expected = MoverBytes(count: count * 3000)
    var items: [DMLMover.BatchItem] = []
    for i in 0..<count {
      let (start, plain) = (to.start + i * 3000, expected.start + i * 3000)
      // Of none, of less and of more than a piece.
      let size = [0, 10, 1001, 1002, 2500][i % 5]
      if i % 2 == 0 {
        items.append(.memcpy(to: start, from: from.start + i, byteCount: size))
        plain.copyMemory(from: from.start + i, byteCount: size)
      } else {
        items.append(.fill(start, with: UInt64(i) &* 0x0101_0203_0405_0607, byteCount: size))
        plainFill(plain, UInt64(i) &* 0x0101_0203_0405_0607, size)
      }
    }
    var batch = mover.batch(items, flags: .durable)
    let output = try waitFor(&batch).get()
    #expect(output.errors.count == count)
    try output.get()
    #expect(to.equals(expected))
    #expect(to.areGuardsIntact)
    #expect(mover.slotsInUse == 0)
  }

  @Test(arguments: DMLChoice.all)
  func `an operation of a batch that fails does not keep others from being done`(
    choice: DMLChoice
  ) throws {
    let mover = try choice.make()
    let from = MoverBytes(patternOf: 500)
    let to = MoverBytes(count: 20_000)
    func copy(_ i: Int) -> DMLMover.BatchItem {
      .memcpy(to: to.start + i * 1000, from: from.start, byteCount: 500)
    }
    var batch = mover.batch([
      copy(0),
      .dualcast(to: to.start + 8000, and: to.start + 13_001, from: from.start, byteCount: 500),
      .memcpy(to: to.start + 9000, from: to.start + 9100, byteCount: 500),
      .memcpy(to: to.start + 9000, from: to.start + 9100, byteCount: -1),
      copy(1), copy(2), copy(3),
    ])
    let output = try waitFor(&batch).get()
    #expect(!output.isSuccess)
    #expect(
      output.errors == [
        nil, .dml(.dualcastAlignError), .invalidArgument(.overlappingRanges),
        .invalidArgument(.negativeByteCount(-1)), nil, nil, nil,
      ])
    #expect(throws: VDMError.dml(.dualcastAlignError)) { try output.get() }
    for i in 0..<4 { #expect(plainDifference(to.start + i * 1000, from.start, 500) == nil) }
  }

  @Test(arguments: DMLChoice.all)
  func `what makes no sense is complete from the beginning`(choice: DMLChoice) throws {
    let mover = try choice.make()
    let bytes = MoverBytes(count: 64)
    let start = bytes.start
    func expect<Value>(_ future: consuming DMLFuture<Value>, _ error: VDMError) {
      #expect(future.state == .complete)
      if case .failure(let found)? = future.output {
        #expect(found == error)
      } else {
        Issue.record("no error")
      }
    }
    expect(
      mover.crc32c(start, byteCount: -1), .invalidArgument(.negativeByteCount(-1)))
    expect(
      mover.compare(start, start, byteCount: .max), .invalidArgument(.addressOverflow))
    expect(
      mover.memcpyWithCRC32C(to: start, from: start + 8, byteCount: 16),
      .invalidArgument(.overlappingRanges))
    expect(
      mover.dualcast(to: start, and: start + 8, from: start + 32, byteCount: 16),
      .invalidArgument(.overlappingRanges))
    expect(
      mover.fill(start, with: 0, byteCount: 8, flags: .noCacheHint),
      .unsupportedFlags(.noCacheHint))
    expect(mover.batch([], flags: .noCacheHint), .unsupportedFlags(.noCacheHint))
    #expect(mover.slotsInUse == 0)
  }

  @Test func `only with an accelerator the futures are asynchronous`() throws {
    let bytes = MoverBytes(count: 8)
    for choice in DMLChoice.all where choice != .installedAuto {
      let mover = try choice.make()
      let hasDevice = choice == .doubledHardware || choice == .doubledAuto
      #expect(mover.usesAccelerator == hasDevice)
      let copy = mover.memset(bytes.start, to: 0, byteCount: 8)
      #expect(copy.hasProperty(.async) == hasDevice)
      let crc = mover.crc32c(bytes.start, byteCount: 8)
      #expect(crc.hasProperty(.async) == hasDevice)
    }
  }

  @Test(arguments: DMLChoice.all)
  func `futures can be awaited`(choice: DMLChoice) async throws {
    let mover = try choice.make()
    let from = MoverBytes(patternOf: 5000)
    let to = MoverBytes(count: 5000)
    try await mover.memcpy(to: to.start, from: from.start, byteCount: 5000).value().get()
    #expect(to.equals(from))
    let crc = try await mover.crc32c(to.start, byteCount: 5000).value().get()
    #expect(crc == plainCRC32C(UnsafeRawBufferPointer(start: from.start, count: 5000)))
  }
}
