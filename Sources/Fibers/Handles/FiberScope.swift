/// Runs `body` with a scope whose fibers have all ended when this returns.
///
/// The first error, of `body` or of a child, cancels the children that are left; it is thrown when
/// all have ended. When the calling fiber is cancelled while it waits, so are the children.
///
///     let total = try withFiberScope { scope in
///       let a = try scope.spawn { try fetch("a") }
///       let b = try scope.spawn { try fetch("b") }
///       return try a.join() + b.join()
///     }
///
/// - Parameter body: Spawns children; runs in the calling fiber.
/// - Returns: What `body` returns.
/// - Throws: The first error of `body` or of a child; a child that ends with the
///   ``FiberCancelled`` of the scope's own cancellation is no error.
/// - Precondition: Called by a fiber.
@available(*, noasync, message: "it parks a fiber, not a task")
@discardableResult
public func withFiberScope<Value>(_ body: (FiberScope) throws -> Value) throws -> Value {
  let scheduler = Fiber.fiberScheduler("withFiberScope")
  let scope = FiberScope(ScopeState(scheduler: scheduler))
  var result: Result<Value, any Error>
  do {
    result = .success(try body(scope))
  } catch {
    scope.state.failed(error)
    result = .failure(error)
  }
  scope.state.close()
  if let first = scope.state.firstError { result = .failure(first) }
  return try result.get()
}

/// A scope of fibers; see ``withFiberScope(_:)``.
///
/// Belongs to the thread of its runtime.
public struct FiberScope {
  @usableFromInline let state: ScopeState

  init(_ state: ScopeState) { self.state = state }

  /// Spawns a child.
  ///
  /// Its error, if it throws, is the scope's.
  ///
  /// - Parameters:
  ///   - name: For reports.
  ///   - stack: Where its stack comes from.
  ///   - file: Of the spawn site.
  ///   - line: Of the spawn site.
  ///   - body: What it does.
  /// - Returns: A handle for its result.
  /// - Throws: ``FiberError`` when there is no room.
  /// - Precondition: The scope has not ended.
  @discardableResult
  @inlinable
  public func spawn<Success, Failure: Error>(
    name: String? = nil, stack: FiberStack = .standard, file: StaticString = #fileID,
    line: UInt32 = #line, _ body: @escaping () throws(Failure) -> Success
  ) throws(FiberError) -> Fiber<Success, Failure> {
    let state = state
    let object = FiberEntry<Success, Failure>.makeObject(
      scheduler: state.scheduler, name: name, site: SpawnSite(file: file, line: line),
      body: { () throws(Failure) -> Success in
        do throws(Failure) {
          return try body()
        } catch {
          state.failed(error)
          throw error
        }
      })
    try state.admit(object, stack: stack)
    return Fiber(object)
  }

  /// Cancels the children.
  ///
  /// The scope ends without an error of its own.
  public func cancel() { state.cancelChildren() }
}

/// What a scope and its children share.
@usableFromInline
final class ScopeState {
  @usableFromInline let scheduler: Scheduler
  private var children: [FiberObject] = []
  private(set) var firstError: (any Error)?
  private var isCancelled = false
  private var isClosed = false

  init(scheduler: Scheduler) { self.scheduler = scheduler }

  @usableFromInline
  func admit(_ object: FiberObject, stack: FiberStack) throws(FiberError) {
    require(!isClosed, "FiberScope.spawn: the scope has ended; spawn inside its closure")
    // Those that have ended are not kept, so a scope may spawn for ever.
    if children.count >= 32, children.count == children.capacity {
      children.removeAll { $0.hasEnded }
    }
    try scheduler.admit(object, stack: stack)
    scheduler.inheritLocals(object)
    children.append(object)
    if isCancelled { AnyFiber(object).cancel() }
  }

  /// Notes the first error and cancels the others.
  @usableFromInline
  func failed(_ error: any Error) {
    if firstError == nil, !(isCancelled && error is FiberCancelled) { firstError = error }
    cancelChildren()
  }

  func cancelChildren() {
    isCancelled = true
    let me = scheduler.fiber
    for child in children where child.block != me { AnyFiber(child).cancel() }
  }

  /// Waits for all children, whatever happens; children may spawn more meanwhile.
  ///
  /// A deadline that passes cancels the children, and is out of force from then on until they have
  /// ended: each further wait would throw for it at once, and none would give them a turn.
  func close() {
    var deadline: UnsafeMutablePointer<DeadlineScope>?
    defer { unsafe scheduler.putDeadlineBack(deadline) }
    // Waited for from the back, and not taken out before they have ended: an error of any child
    // still finds all that are left.
    while let child = children.last {
      if child.hasEnded {
        children.removeLast()
        continue
      }
      do throws(FiberCancelled) {
        try AnyFiber(child).waitUntilFinished()
      } catch {
        if firstError == nil { firstError = error }
        if error.cause == .deadline {
          unsafe deadline = unsafe scheduler.setDeadlineAside()
          // When it has cut the body short before, they have been told.
          if isCancelled { continue }
        }
        cancelChildren()
      }
    }
    isClosed = true
  }
}
