import Glibc
import MiniAsync
import TestSupport
import Testing
import VDM

/// Random operations, waited for in random ways, against plain arrays.
@Suite struct OperationPropertyTests {
  @Test(arguments: MoverChoice.allCases)
  func `random operations do what plain arrays do`(choice: MoverChoice) throws {
    for _ in 0..<4 * stressFactor {
      let seed = Seed()
      func run<M: DataMover>(_ mover: M) {
        var world = PropertyWorld(mover, seed: seed)
        for _ in 0..<300 where world.problem == nil { world.step() }
        world.end()
        // Whatever was dropped in flight is done when the mover has ended.
        (mover as? ThreadMover)?.shutdown()
        world.compareAll()
        #expect(world.problem == nil, "\(choice), \(seed)")
        if let threads = mover as? ThreadMover { #expect(threads.slotsInUse == 0) }
      }
      run(try choice.make())
    }
  }
}

/// Some memory with its model, and futures that work on it.
private struct PropertyWorld<M: DataMover> {
  /// One region of the memory, used by one operation at a time.
  struct Region {
    let actual: MoverBytes
    let expected: MoverBytes
    /// Where its future is, if it has one.
    var place: Int?
    /// Its future was dropped in flight: nobody knows when it is done.
    var isLost = false
  }

  let mover: M
  var seed: Seed
  let runtime = Runtime()
  var regions: [Region]
  let source: MoverBytes
  let row: FutureRow<M>
  /// The region and the effect on the model of each future.
  var pending: [Int: (region: Int, effect: () -> Void)] = [:]
  var problem: String?

  init(_ mover: M, seed: Seed) {
    self.mover = mover
    self.seed = seed
    source = MoverBytes(patternOf: 600_001, salt: 11)
    let sizes = [0, 1, 3, 64, 1000, 8192, 8192, 8192, 8192, 600_001]
    regions = sizes.enumerated().map { number, size in
      Region(
        actual: MoverBytes(patternOf: size, salt: number),
        expected: MoverBytes(patternOf: size, salt: number))
    }
    row = FutureRow(count: sizes.count)
  }

  mutating func random(_ limit: Int) -> Int { Int.random(in: 0...max(0, limit), using: &seed) }

  mutating func step() {
    switch random(9) {
    case 0...4: startOne()
    case 5: pollSome()
    case 6: dropOrCancel()
    default: waitForSome()
    }
  }

  /// Makes an operation on a free region.
  mutating func startOne() {
    let free = regions.indices.filter { regions[$0].place == nil && !regions[$0].isLost }
    guard let number = free.randomElement(using: &seed) else { return }
    let (actual, expected) = (regions[number].actual, regions[number].expected)
    let size = actual.count
    let n = random(size)
    let to = random(size - n)
    let flags = OperationFlags.combinations[random(3)].intersection(mover.capabilities)
    let value = UInt8(random(255))
    var effect: () -> Void = {}
    let place = number
    switch random(4) {
    case 0:
      let from = random(size - n)
      effect = { Glibc.memmove(expected.start + to, expected.start + from, n) }
      row.put(
        mover.memmove(
          to: actual.start + to, from: actual.start + from, byteCount: n, flags: flags),
        at: place)
    case 1:
      effect = { Glibc.memset(expected.start + to, CInt(value), n) }
      row.put(
        mover.memset(actual.start + to, to: value, byteCount: n, flags: flags), at: place)
    case 2 where mover.supports(.flush):
      row.put(mover.flush(actual.start + to, byteCount: n), at: place)
    case 3:
      // Within the region, which may overlap: then it is refused.
      let from = random(size - n)
      let error: VDMError? =
        abs(from - to) < n ? .invalidArgument(.overlappingRanges) : nil
      let future = mover.memcpy(
        to: actual.start + to, from: actual.start + from, byteCount: n, flags: flags)
      if future.output?.error != error { problem = "memcpy \(n) from \(from) to \(to)" }
      if error != nil { return }
      effect = { Glibc.memcpy(expected.start + to, expected.start + from, n) }
      row.put(future, at: place)
    default:
      let from = random(source.count - n)
      let start = source.start + from
      effect = { Glibc.memcpy(expected.start + to, start, n) }
      row.put(
        mover.memcpy(to: actual.start + to, from: start, byteCount: n, flags: flags),
        at: place)
    }
    regions[number].place = place
    pending[place] = (number, effect)
  }

  mutating func pollSome() {
    for place in pending.keys.sorted() where random(2) == 0 {
      if row.poll(place) == .complete { settle(place, row.output(place)) }
    }
  }

  mutating func dropOrCancel() {
    guard let place = pending.keys.sorted().randomElement(using: &seed),
      let (region, effect) = pending[place]
    else { return }
    if Bool.random(using: &seed) {
      row.cancel(place)
      if row.state(place) == .complete { settle(place, row.output(place)) }
      return
    }
    // What has not started does nothing any more; what has is done some time.
    if row.state(place) == .running {
      effect()
      regions[region].isLost = true
    }
    row.drop(place)
    pending[place] = nil
    regions[region].place = nil
  }

  mutating func waitForSome() {
    let places = pending.keys.sorted().shuffled(using: &seed)
    switch random(3) {
    case 0:
      guard let place = places.first else { return }
      settle(place, row.with(place) { runtime.wait(&$0) })
    case 1:
      guard let place = places.first else { return }
      settle(place, row.with(place) { $0.busyPoll() })
    case 2:
      var group = FutureGroup<OperationFuture<M>>()
      let some = places.prefix(random(places.count))
      for place in some { group.add(row.take(place)) }
      while let completion = runtime.next(&group) {
        settle(some[completion.id], completion.output)
      }
    default:
      for (place, output) in row.waitForAll(runtime).enumerated() where pending[place] != nil {
        settle(place, output)
      }
    }
  }

  /// An operation is complete: the region is compared with its model.
  mutating func settle(_ place: Int, _ output: OperationOutput?) {
    guard let (region, effect) = pending[place] else {
      problem = "an operation that was not pending completed"
      return
    }
    switch output?.error {
    case nil where output != nil: effect()
    case .cancelled: break
    default: problem = "\(String(describing: output))"
    }
    pending[place] = nil
    regions[region].place = nil
    row.drop(place)
    compare(region)
  }

  mutating func compare(_ region: Int) {
    let (actual, expected) = (regions[region].actual, regions[region].expected)
    if !actual.equals(expected) { problem = "region \(region) differs" }
    if !actual.areGuardsIntact { problem = "something wrote around region \(region)" }
  }

  mutating func end() {
    for (place, output) in row.waitForAll(runtime).enumerated() where pending[place] != nil {
      settle(place, output)
    }
  }

  mutating func compareAll() {
    for region in regions.indices where regions[region].place == nil { compare(region) }
  }
}
