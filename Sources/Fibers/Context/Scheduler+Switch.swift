import CFibers

extension Scheduler {
  /// Suspends the running `from` and resumes `to`.
  ///
  /// Returns when `from` is resumed.
  ///
  /// The only caller of the switch. `from` is already where it has to be (queue, list, nowhere):
  /// nothing runs in between, and no other thread resumes fibers.
  @inline(__always)
  func transfer(from: FiberRef, to: FiberRef) {
    if !to.hasContext { prepare(to) }
    unsafe state.pointee.current = to
    let extras = unsafe state.pointee.extras
    if !extras.isSubset(of: .isolated) { return carefully(from: from, to: to, extras) }
    if extras.contains(.isolated) { AccessSets.leave(from) }
    let control = unsafe FloatingPoint.control(
      base: state.pointee.floatingPoint, readingAll: false)
    // SAFETY: `to` is suspended or prepared, so its context is one to resume; it stays in place.
    let inForce = unsafe cfib_switch(
      &from.pointer.pointee.context, &to.pointer.pointee.context, control)
    FloatingPoint.restore(control, inForce: inForce)
    if extras.contains(.isolated) { AccessSets.enter(from) }
  }

  /// The switch with everything: sanitizers told before and after, all control words read.
  @inline(never)
  private func carefully(from: FiberRef, to: FiberRef, _ extras: SwitchExtras) {
    if extras.contains(.isolated) { AccessSets.leave(from) }
    let control = floatingPointControl
    let mine = unsafe from.sanitizer
    if let mine = unsafe mine, let its = unsafe to.sanitizer {
      unsafe cfib_before_switch(
        &mine.pointee.fakeStack, its.pointee.low, its.pointee.byteCount, its.pointee.tsanFiber)
    }
    // SAFETY: as in transfer.
    let inForce = unsafe cfib_switch(
      &from.pointer.pointee.context, &to.pointer.pointee.context, control)
    if let mine = unsafe mine { unsafe cfib_after_switch(mine.pointee.fakeStack) }
    FloatingPoint.restore(control, inForce: inForce)
    if extras.contains(.isolated) { AccessSets.enter(from) }
  }

  /// Gives `fiber`, whose first turn it is, the stack that it was promised.
  @inline(never)
  func prepare(_ fiber: FiberRef) {
    let top: UnsafeMutableRawPointer
    if fiber.stack.isForeign, let memory = unsafe fiber.object?.userStack,
      let base = memory.baseAddress
    {
      unsafe top =
        UnsafeMutableRawPointer(
          bitPattern: (UInt(bitPattern: base) + UInt(memory.count)) & ~15) ?? base
    } else {
      unsafe fiber.stack.slot = state.pointee.stacks.take(fiber.stack.pool)
      unsafe top = state.pointee.stacks.top(of: fiber.stack)
      if unsafe state.pointee.measuresStacks {
        let bounds = unsafe state.pointee.stacks.bounds(of: fiber.stack)
        unsafe cfib_discard(bounds.baseAddress, bounds.count)
      }
    }
    // SAFETY: the stack is ours until the fiber has ended; `enterFiber` gets its own block back.
    unsafe cfib_context_init(
      &fiber.pointer.pointee.context, top, { unsafe enterFiber($0, $1) },
      UnsafeMutableRawPointer(fiber.pointer))
    #if FIBERS_SHADOW_STACK
      unsafe fiber.pointer.pointee.context.ssp = state.pointee.stacks.shadowEnd(of: fiber.stack)
    #endif
    if unsafe state.pointee.extras.contains(.sanitized) {
      let memory =
        unsafe fiber.stack.isForeign
        ? fiber.object?.userStack : state.pointee.stacks.bounds(of: fiber.stack)
      if let low = unsafe memory?.baseAddress {
        unsafe describeStack(low: low, end: top, to: fiber)
      }
    }
  }
}

/// What a runtime's switches do beyond the registers and the cheap control word.
struct SwitchExtras: OptionSet {
  let rawValue: UInt8

  /// Each fiber has its own exclusivity accesses.
  static let isolated = SwitchExtras(rawValue: 1)
  /// This build is sanitized.
  static let sanitized = SwitchExtras(rawValue: 2)
  /// All floating-point control words are read.
  static let allFloatingPoint = SwitchExtras(rawValue: 4)
}
