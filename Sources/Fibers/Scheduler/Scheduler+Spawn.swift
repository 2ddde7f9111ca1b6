import CFibers

/// Where the stack of a fiber comes from.
@safe
public enum FiberStack {
  /// The runtime's default size.
  case standard
  /// At least so many usable bytes, from the runtime's pool of that size.
  case bytes(Int)
  /// The caller's own memory, at least 4 KiB; not guarded.
  ///
  /// It must stay valid, and unused by others, until the fiber has ended.
  case memory(UnsafeMutableRawBufferPointer)
}

extension Scheduler {
  /// Makes a fiber of `object` and queues it.
  ///
  /// - Throws: ``FiberError``; then there is no fiber, and `object` is as it was.
  @usableFromInline
  func admit(_ object: FiberObject, stack: FiberStack) throws(FiberError) {
    checkThread("Fiber.spawn")
    guard unsafe !state.pointee.isShuttingDown else { throw .runtimeClosed }
    if let limit = unsafe state.pointee.taskLimit, unsafe state.pointee.alive >= limit {
      throw .taskLimitReached(limit: limit)
    }
    let promised = try reserveStack(stack, for: object)
    guard let fiber = takeBlock() else {
      if !promised.isForeign { unsafe state.pointee.stacks.cancelReservation(promised.pool) }
      throw .taskLimitReached(limit: BlockTable.slabCount * BlockTable.blocksPerSlab - 1)
    }
    fiber.stack = promised
    unsafe fiber.pointer.pointee.object = Unmanaged.passRetained(object)
    object.block = fiber
    unsafe state.pointee.alive += 1
    makeReady(fiber)
  }

  @inline(__always)
  private func reserveStack(
    _ stack: FiberStack, for object: FiberObject
  ) throws(FiberError) -> StackRef {
    switch stack {
    case .standard:
      return unsafe .promised(by: try state.pointee.stacks.reserve(byteCount: nil))
    case .bytes(let byteCount):
      require(byteCount > 0, "Fiber.spawn: a stack needs more than \(byteCount) bytes")
      return unsafe .promised(by: try state.pointee.stacks.reserve(byteCount: byteCount))
    case .memory(let memory):
      #if FIBERS_SHADOW_STACK
        throw .shadowStackRefused(code: 95)  // EOPNOTSUPP: nobody maps one for the caller's memory
      #endif
      require(
        unsafe memory.count >= 4096 && memory.baseAddress != nil,
        "Fiber.spawn: the memory given for a stack must have at least 4,096 bytes")
      unsafe object.userStack = memory
      return .foreign
    }
  }

  /// A block for a new fiber: the most recently used one, else a new one.
  @inline(__always)
  private func takeBlock() -> FiberRef? {
    if let fiber = unsafe state.pointee.freeBlocks {
      unsafe state.pointee.freeBlocks = fiber.next
      return fiber
    }
    return unsafe state.pointee.door.blocks.makeBlock()
  }

  /// Ends the running `fiber`, whose body has returned, and says who is next.
  func finish(_ fiber: FiberRef) -> FiberRef {
    if let object = unsafe fiber.pointer.pointee.object {
      unsafe object._withUnsafeGuaranteedRef { object in
        object.finished(wasCancelled: fiber.life.wasCancelled)
      }
      while let joiner = unsafe fiber.pointer.pointee.joiners.popFirst() { wake(joiner) }
      unsafe fiber.pointer.pointee.object = nil
      // The last reference may go here, and a deinit of the user's run: still inside the fiber.
      unsafe object.release()
    }
    unsafe fiber.pointer.pointee.life.finish()
    unsafe state.pointee.ready.removeFirst(fiber)
    recycle(fiber)
    unsafe state.pointee.alive -= 1
    return unsafe nextReady() ?? state.pointee.root
  }

  @inline(__always)
  private func recycle(_ fiber: FiberRef) {
    fiber.life = FiberLife()
    unsafe fiber.pointer.pointee.context.sp = nil
    fiber.waitKind = .none
    fiber.next = unsafe state.pointee.freeBlocks
    unsafe state.pointee.freeBlocks = fiber
  }
}
