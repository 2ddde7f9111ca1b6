import ExampleSupport
import Glibc
import VDM

/// A comparison of ways to copy the same bytes to the same place.
struct Comparison {
  let source: UnsafeRawBufferPointer
  let destination: UnsafeMutableRawBufferPointer
  let stop: StopSignals

  /// One way to copy, and how long it took in each round.
  private struct Contender {
    let name: String
    let copy: () throws(CopyError) -> Void
    var times: [Duration] = []
  }
  private var contenders: [Contender] = []

  init(
    source: UnsafeRawBufferPointer, destination: UnsafeMutableRawBufferPointer, stop: StopSignals
  ) {
    self.source = source
    self.destination = destination
    self.stop = stop
  }

  /// Adds `memcpy`, both movers, both past the caches if the CPU can do that, and libdml's if there
  /// is one.
  mutating func addAll(_ threads: ThreadMover) {
    add("memcpy") { [source, destination] () throws(CopyError) in
      if let to = destination.baseAddress, let from = source.baseAddress {
        memcpy(to, from, source.count)
      }
    }
    let count = threads.configuration.threads
    for (suffix, flags) in [("", []), (" --no-cache", OperationFlags.noCacheHint)] {
      add("sync" + suffix, SynchronousMover(), threads: 1, flags)
      add("threads" + suffix, threads, threads: count, flags)
    }
    // In a build that has it.
    if let dml = try? DMLMover(path: .auto) { add("dml", dml, threads: 1, []) }
  }

  private mutating func add(
    _ name: String, _ mover: some DataMover, threads: Int, _ flags: OperationFlags
  ) {
    guard mover.isSupported(flags) else { return }
    let plan = CopyPlan(chunkSize: 1 << 20, threads: threads, flags: flags)
    add(name) { [source, destination, stop] () throws(CopyError) in
      try copyChunks(from: source, to: destination, with: mover, plan) {
        (_: Int) throws(CopyError) in try stop.check()
      }
    }
  }

  private mutating func add(_ name: String, _ copy: @escaping () throws(CopyError) -> Void) {
    contenders.append(Contender(name: name, copy: copy))
  }

  /// Lets everyone copy once to warm up, and then in each round, each time with another first.
  mutating func run(rounds: Int) throws(CopyError) {
    for index in contenders.indices { _ = try time(index) }
    for round in 0..<rounds {
      for turn in contenders.indices {
        let index = (turn + round) % contenders.count
        contenders[index].times.append(try time(index))
      }
    }
  }

  /// Times one copy, and verifies it.
  private func time(_ index: Int) throws(CopyError) -> Duration {
    // So that what an earlier copy has left is not taken for this one's, the pages are there, and
    // the caches are as they are for everyone.
    if let start = destination.baseAddress { memset(start, 0xa5, destination.count) }
    try stop.check()
    let clock = ContinuousClock()
    let start = clock.now
    try contenders[index].copy()
    let elapsed = clock.now - start
    try stop.check()
    try PageFaults.check()
    if let offset = firstDifference(source, UnsafeRawBufferPointer(destination)) {
      throw .failed("the copy by \(contenders[index].name) differs at byte \(offset)")
    }
    return elapsed
  }

  /// The median rates, as aligned columns.
  func table() -> String {
    let rates = contenders.map { contender in
      let median = contender.times.sorted()[contender.times.count / 2]
      return Double(source.count) / (median / .seconds(1)) / 1e9
    }
    let width = contenders.map(\.name.count).max() ?? 0
    var text = "\n\(padEnd("copied by", width))   GB/s  to memcpy\n"
    for (contender, rate) in zip(contenders, rates) {
      let ratio = formatDecimal(rate / rates[0], digits: 2)
      text += padEnd(contender.name, width) + pad(formatDecimal(rate, digits: 2), 7)
      text += pad(ratio + "x", 11) + "\n"
    }
    return text + "\nEvery copy was verified.\n"
  }
}
