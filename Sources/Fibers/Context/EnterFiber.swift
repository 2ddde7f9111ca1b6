import CFibers

/// The first Swift function on a stack: runs fibers on it until none is left that could use it,
/// then says where to go.
///
/// A fiber that ends looks who is next. A fiber that has not started yet, and was promised a stack
/// of the same pool, runs right here: fibers that never suspend share one hot stack and switch not
/// at all (the idea of marl's `schedule`, without its limits: any fiber may still suspend).
func enterFiber(_ argument: UnsafeMutableRawPointer?, _ inForce: UInt64) -> cfib_departure {
  guard let argument = unsafe argument, let scheduler = Scheduler.current else {
    preconditionFailure("Scheduler: a stack was entered without a fiber")
  }
  var fiber = unsafe FiberRef(argument.assumingMemoryBound(to: FiberBlock.self))
  var inForce = inForce
  while true {
    unsafe FloatingPoint.restore(scheduler.state.pointee.floatingPoint, inForce: inForce)
    unsafe fiber.pointer.pointee.life.start()
    unsafe fiber.pointer.pointee.object?._withUnsafeGuaranteedRef { $0.perform(.run) }
    let stack = fiber.stack
    let next = scheduler.finish(fiber)
    inForce = scheduler.floatingPointControl
    guard scheduler.canAdopt(stack, next) else {
      return unsafe scheduler.depart(from: stack, to: next, control: inForce)
    }
    scheduler.adopt(stack, by: next)
    fiber = next
  }
}

extension Scheduler {
  /// Whether `next` may run on `stack`, which its fiber is done with.
  @inline(__always)
  func canAdopt(_ stack: StackRef, _ next: FiberRef) -> Bool {
    guard !next.hasContext, next.stack.pool == stack.pool, !stack.isForeign else { return false }
    return unsafe !state.pointee.extras.contains(.sanitized) && !state.pointee.measuresStacks
  }

  /// Lets `next` go on with `stack`.
  @inline(__always)
  func adopt(_ stack: StackRef, by next: FiberRef) {
    unsafe state.pointee.stacks.adopt(stack.pool)
    next.stack = stack
    // Not nil any more: it has started. What it will be resumed with is written when it suspends.
    unsafe next.pointer.pointee.context.sp = UnsafeMutableRawPointer(next.pointer)
    unsafe state.pointee.current = next
  }

  /// Gives `stack` back and says how to resume `next`.
  ///
  /// The caller leaves the stack for ever.
  ///
  /// The stack is in the pool before it was left. That is sound because nothing takes a stack
  /// between here and the last jump: no other thread does, and `next` was prepared first.
  func depart(from stack: StackRef, to next: FiberRef, control: UInt64) -> cfib_departure {
    if !next.hasContext { prepare(next) }
    if !stack.isForeign { unsafe state.pointee.stacks.give(stack) }
    unsafe state.pointee.current = next
    var departure = unsafe cfib_departure()
    // SAFETY: blocks stay in place, and `next` stays suspended until the jump.
    unsafe withUnsafePointer(to: &next.pointer.pointee.context) { unsafe departure.to = $0 }
    unsafe departure.carry = control
    if unsafe state.pointee.extras.contains(.sanitized), let its = unsafe next.sanitizer {
      unsafe departure.stack_low = its.pointee.low
      unsafe departure.stack_size = its.pointee.byteCount
      unsafe departure.tsan_fiber = its.pointee.tsanFiber
    }
    return unsafe departure
  }
}
