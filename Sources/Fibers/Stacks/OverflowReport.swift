import CFibers

/// Says which fiber has overflowed its stack, before the previous handler ends the process (D8).
enum OverflowReport {
  /// Gives the calling thread what it needs to report: the handler, and a stack to run it on.
  ///
  /// The signal stack is the thread's, not a runtime's: a thread may have several runtimes, and the
  /// one that goes first must not take it from the others.
  static func enterThread() throws(FiberError) {
    var code = unsafe cfib_overflow_install { unsafe OverflowReport.describe($0, $1, $2, $3) }
    if code == 0 { code = cfib_signal_stack_enter() }
    guard code == 0 else { throw .noSignalStack(code: -code) }
  }

  /// Runs in the signal handler, on the alternate stack: reads, allocates nothing.
  private static func describe(
    _ current: UnsafeMutableRawPointer?, _ address: UInt, _ text: UnsafeMutablePointer<CChar>?,
    _ capacity: Int
  ) -> Int {
    guard let current = unsafe current, let text = unsafe text else { return 0 }
    // SAFETY: the thread-local word, which holds the state while fibers run.
    let scheduler = unsafe Scheduler(current.assumingMemoryBound(to: SchedulerState.self))
    let fiber = scheduler.fiber
    guard scheduler.isOnFiber, fiber.hasContext || fiber.object != nil, !fiber.stack.isForeign,
      fiber.stack.hasSlot
    else { return 0 }
    let bounds = unsafe scheduler.state.pointee.stacks.bounds(of: fiber.stack)
    let low = UInt(bitPattern: bounds.baseAddress)
    guard address < low, address >= low - UInt(GuardMaker.byteCount) else { return 0 }
    var writer = unsafe SignalSafeWriter(text: text, capacity: capacity)
    writer.write("Fibers: stack overflow in fiber ")
    if let object = fiber.object {
      if let name = object.name {
        writer.write("'")
        writer.write(name)
        writer.write("' ")
      }
      writer.write("spawned at ")
      writer.write(object.site.file)
      writer.write(":")
      writer.write(Int(object.site.line))
    }
    writer.write(": its stack has ")
    writer.write(bounds.count / 1024)
    writer.write(" KiB; raise Configuration.stackByteCount, or spawn it with stack: .bytes(")
    writer.write(bounds.count * 4)
    writer.write(").\n")
    return writer.count
  }
}

/// Puts text together without allocating.
@safe
struct SignalSafeWriter {
  // SAFETY: writes only while `count < capacity`.
  private let text: UnsafeMutablePointer<CChar>
  private let capacity: Int
  private(set) var count = 0

  init(text: UnsafeMutablePointer<CChar>, capacity: Int) {
    unsafe self.text = text
    self.capacity = capacity
  }

  mutating func write(_ string: StaticString) {
    guard string.hasPointerRepresentation else { return }
    for offset in 0..<string.utf8CodeUnitCount { append(unsafe string.utf8Start[offset]) }
  }

  /// A native string: its bytes are there, nothing is made.
  mutating func write(_ string: String) { for byte in string.utf8 { append(byte) } }

  mutating func write(_ number: Int) {
    var divisor = 1
    while number / divisor >= 10 { divisor *= 10 }
    while divisor > 0 {
      append(UInt8(48 + number / divisor % 10))
      divisor /= 10
    }
  }

  private mutating func append(_ byte: UInt8) {
    guard count < capacity else { return }
    unsafe text[count] = CChar(bitPattern: byte)
    count += 1
  }
}
