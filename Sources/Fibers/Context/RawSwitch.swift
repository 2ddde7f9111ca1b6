import CFibers

/// The bare switch between two flows, without a scheduler: for the benchmark.
@_spi(Benchmark)
@safe
public struct RawSwitch {
  /// What a switch carries beside the registers.
  public enum Extras: Sendable {
    /// Registers only.
    case none
    /// Floating-point control words as by default: the x87 word, compared.
    case standardFloatingPoint
    /// All floating-point control words, compared.
    case floatingPoint
    /// Control words as by default and an exclusivity set for each flow.
    case floatingPointAndAccesses
  }

  private let flows: UnsafeMutablePointer<FiberBlock>
  private let stack: UnsafeMutableRawPointer

  /// Two flows: the caller, and one that switches straight back each time.
  public init(_ extras: Extras) {
    unsafe flows = .allocate(capacity: 2)
    for index in 0..<2 { unsafe (flows + index).initialize(to: FiberBlock(index: UInt32(index))) }
    unsafe stack = .allocate(byteCount: 65536, alignment: 4096)
    let entry: cfib_entry =
      switch extras {
      case .none: { flows, _ in unsafe RawSwitch.echo(flows, fp: 0, sets: false) }
      case .standardFloatingPoint: { flows, _ in unsafe RawSwitch.echo(flows, fp: 1, sets: false) }
      case .floatingPoint: { flows, _ in unsafe RawSwitch.echo(flows, fp: 2, sets: false) }
      case .floatingPointAndAccesses:
        { flows, _ in unsafe RawSwitch.echo(flows, fp: 1, sets: true) }
      }
    unsafe cfib_context_init(&flows[1].context, stack + 65536, entry, flows)
    self.extras = extras
  }

  private let extras: Extras

  /// Switches there and back `pairs` times: twice as many one-way switches.
  @inline(never)
  public func run(pairs: Int) {
    switch extras {
    case .none:
      for _ in 0..<pairs { unsafe Self.hop(flows, flows + 1, fp: 0, sets: false) }
    case .standardFloatingPoint:
      for _ in 0..<pairs { unsafe Self.hop(flows, flows + 1, fp: 1, sets: false) }
    case .floatingPoint:
      for _ in 0..<pairs { unsafe Self.hop(flows, flows + 1, fp: 2, sets: false) }
    case .floatingPointAndAccesses:
      for _ in 0..<pairs { unsafe Self.hop(flows, flows + 1, fp: 1, sets: true) }
    }
  }

  /// Frees both flows; nothing lives on the other's stack.
  public func destroy() {
    unsafe flows.deinitialize(count: 2)
    unsafe flows.deallocate()
    unsafe stack.deallocate()
  }

  @inline(__always)
  private static func hop(
    _ from: UnsafeMutablePointer<FiberBlock>, _ to: UnsafeMutablePointer<FiberBlock>, fp: Int,
    sets: Bool
  ) {
    if sets { unsafe AccessSets.leave(FiberRef(from)) }
    let control =
      fp == 0
      ? 0
      : fp == 1
        ? FloatingPoint.control(base: 0x37f_0000_1f80, readingAll: false) : cfib_fp_control()
    // SAFETY: `to` is the other flow, suspended or about to begin.
    let inForce = unsafe cfib_switch(&from.pointee.context, &to.pointee.context, control)
    if fp > 0 { FloatingPoint.restore(control, inForce: inForce) }
    if sets { unsafe AccessSets.enter(FiberRef(from)) }
  }

  @inline(__always)
  private static func echo(
    _ argument: UnsafeMutableRawPointer?, fp: Int, sets: Bool
  ) -> cfib_departure {
    guard let argument = unsafe argument else { preconditionFailure("RawSwitch: no flows") }
    let flows = unsafe argument.assumingMemoryBound(to: FiberBlock.self)
    while true { unsafe hop(flows + 1, flows, fp: fp, sets: sets) }
  }
}
