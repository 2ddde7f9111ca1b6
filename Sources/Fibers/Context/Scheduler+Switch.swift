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
    let isolated = unsafe state.pointee.isolated
    if isolated { AccessSets.leave(from) }
    let control = floatingPointControl
    let inForce: UInt64
    if unsafe !state.pointee.sanitized {
      // SAFETY: `to` is suspended or prepared, so its context is one to resume; it stays in place.
      inForce = unsafe cfib_switch(
        &from.pointer.pointee.context, &to.pointer.pointee.context, control)
    } else {
      inForce = announcedSwitch(from: from, to: to, control: control)
    }
    FloatingPoint.restore(control, inForce: inForce)
    if isolated { AccessSets.enter(from) }
  }

  /// The switch, with the sanitizers told before and after.
  @inline(never)
  private func announcedSwitch(from: FiberRef, to: FiberRef, control: UInt64) -> UInt64 {
    guard let mine = unsafe from.pointer.pointee.sanitizer,
      let its = unsafe to.pointer.pointee.sanitizer
    else { preconditionFailure("Scheduler: a flow without its sanitizer state") }
    unsafe cfib_before_switch(
      &mine.pointee.fakeStack, its.pointee.low, its.pointee.byteCount, its.pointee.tsanFiber)
    let inForce = unsafe cfib_switch(
      &from.pointer.pointee.context, &to.pointer.pointee.context, control)
    unsafe cfib_after_switch(mine.pointee.fakeStack)
    return inForce
  }

  /// Gives `fiber`, whose first turn it is, the stack that it was promised.
  @inline(never)
  func prepare(_ fiber: FiberRef) {
    let low: UnsafeMutableRawPointer
    let top: UnsafeMutableRawPointer
    if fiber.stack.isForeign, let memory = unsafe fiber.object?.userStack,
      let base = memory.baseAddress
    {
      unsafe low = base
      unsafe top =
        UnsafeMutableRawPointer(
          bitPattern: (UInt(bitPattern: base) + UInt(memory.count)) & ~15) ?? base
    } else {
      unsafe fiber.stack.slot = state.pointee.stacks.take(fiber.stack.pool)
      let bounds = unsafe state.pointee.stacks.bounds(of: fiber.stack)
      guard let base = bounds.baseAddress else { preconditionFailure("Scheduler: no stack") }
      if unsafe state.pointee.measuresStacks { unsafe cfib_discard(base, bounds.count) }
      unsafe low = base
      unsafe top = state.pointee.stacks.top(of: fiber.stack)
    }
    // SAFETY: the stack is ours until the fiber has ended; `enterFiber` gets its own block back.
    unsafe cfib_context_init(
      &fiber.pointer.pointee.context, top, { unsafe enterFiber($0, $1) },
      UnsafeMutableRawPointer(fiber.pointer))
    if unsafe state.pointee.sanitized { unsafe describeStack(low: low, end: top, to: fiber) }
  }
}
