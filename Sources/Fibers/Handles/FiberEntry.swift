/// The typed side of a ``FiberObject``: puts the closure in, calls it, takes the result out.
///
/// Inlinable, so that a client's build specialises it and no generic code runs per spawn.
@usableFromInline
enum FiberEntry<Success, Failure: Error> {
  @usableFromInline typealias Body = () throws(Failure) -> Success
  @usableFromInline typealias Outcome = Result<Success, Failure>

  /// An object that holds `body`, not yet known to a scheduler.
  @inlinable
  static func makeObject(
    scheduler: Scheduler, name: String?, site: SpawnSite, body: @escaping Body
  ) -> FiberObject {
    let size = max(MemoryLayout<Body>.size, MemoryLayout<Outcome>.size)
    let slack = max(0, MemoryLayout<Outcome>.alignment - MemoryLayout<UInt>.alignment)
    let words = (size + slack + 7) / 8
    let buffer = FiberObject.create(minimumCapacity: words) { _ in
      FiberHeader(
        scheduler: scheduler, name: name, site: site, perform: { Self.perform($0, $1) })
    }
    let object = unsafe unsafeDowncast(buffer, to: FiberObject.self)
    // SAFETY: fresh storage, large enough for a Body; `content` says that it is one.
    unsafe object.withUnsafeMutablePointerToElements {
      _ = unsafe UnsafeMutableRawPointer($0).initializeMemory(as: Body.self, to: body)
    }
    return object
  }

  @inlinable
  static func perform(_ object: FiberObject, _ action: SlotAction) {
    unsafe object.withUnsafeMutablePointers { header, storage in
      let raw = UnsafeMutableRawPointer(storage)
      let result = unsafe raw.alignedUp(for: Outcome.self)
      switch action {
      case .run:
        // SAFETY: `content` was .body: the scheduler runs each object once.
        let body = unsafe raw.assumingMemoryBound(to: Body.self).move()
        unsafe header.pointee.content = .nothing
        let outcome = Self.call(body)
        unsafe result.initializeMemory(as: Outcome.self, to: outcome)
        unsafe header.pointee.content = _isPOD(Outcome.self) ? .plainResult : .result
      case .destroyBody:
        unsafe raw.assumingMemoryBound(to: Body.self).deinitialize(count: 1)
      case .destroyResult:
        unsafe result.assumingMemoryBound(to: Outcome.self).deinitialize(count: 1)
      }
    }
  }

  /// Calls the closure and lets go of it, so that what it captured dies before anybody is woken.
  @inlinable
  static func call(_ body: consuming @escaping Body) -> Outcome {
    Result(catching: body)
  }

  /// A copy of the result of a fiber that has ended.
  @inlinable
  static func outcome(of object: FiberObject) -> Outcome {
    unsafe object.withUnsafeMutablePointers { header, storage in
      // SAFETY: `content` says that a result is there, and only this type put it there.
      let content = unsafe header.pointee.content
      precondition(content == .result || content == .plainResult, "Fiber: no result yet")
      return unsafe UnsafeMutableRawPointer(storage).alignedUp(for: Outcome.self)
        .assumingMemoryBound(to: Outcome.self).pointee
    }
  }
}
