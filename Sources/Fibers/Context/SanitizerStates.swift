import CFibers

/// What is told to the sanitizers about each flow of control.
///
/// Only in sanitized builds.
extension Scheduler {
  /// The thread's own stack, for the root.
  func describeThread(to root: FiberRef) {
    var low: UnsafeRawPointer?
    var byteCount = 0
    unsafe cfib_thread_stack(&low, &byteCount)
    let sanitizer = UnsafeMutablePointer<SanitizerState>.allocate(capacity: 1)
    unsafe sanitizer.initialize(
      to: SanitizerState(tsanFiber: cfib_tsan_current(), low: low, byteCount: byteCount))
    unsafe root.sanitizer = sanitizer
  }

  /// The stack of a fiber about to start.
  ///
  /// The state, TSan's fiber in it, stays with the block.
  func describeStack(
    low: UnsafeMutableRawPointer, end: UnsafeMutableRawPointer, to fiber: FiberRef
  ) {
    if unsafe fiber.sanitizer == nil {
      let sanitizer = UnsafeMutablePointer<SanitizerState>.allocate(capacity: 1)
      unsafe sanitizer.initialize(to: SanitizerState(tsanFiber: cfib_tsan_create(), byteCount: 0))
      unsafe fiber.sanitizer = sanitizer
    }
    guard let sanitizer = unsafe fiber.sanitizer else { return }
    unsafe sanitizer.pointee.fakeStack = nil
    unsafe sanitizer.pointee.low = UnsafeRawPointer(low)
    unsafe sanitizer.pointee.byteCount = end - low
  }

  /// Frees what the blocks have, at the end of the runtime, on its thread.
  func destroySanitizerStates() {
    guard unsafe state.pointee.extras.contains(.sanitized) else { return }
    let door = unsafe state.pointee.door
    for index in 0..<door.blocks.count {
      guard let fiber = door.blocks[UInt32(index)], let own = unsafe fiber.sanitizer
      else { continue }
      if unsafe fiber != state.pointee.root, let tsanFiber = unsafe own.pointee.tsanFiber {
        unsafe cfib_tsan_destroy(tsanFiber)
      }
      unsafe own.deallocate()
      unsafe fiber.sanitizer = nil
    }
  }
}
