/// What users of a fiber hold, reference counted: its closure at first, its result at the end.
///
/// One allocation. The header is what every fiber has; the elements behind it are the storage of
/// the closure, and then of the result, typed only in ``FiberEntry``. All access goes through
/// pointers into the allocation, so that nothing here holds a Swift access across a switch.
/// Not `Sendable`: it belongs to the thread of its runtime.
@usableFromInline
final class FiberObject: ManagedBuffer<FiberHeader, UInt> {
  deinit {
    // The header goes by itself; only what is behind it has to be told.
    switch unsafe fields.pointee.content {
    case .body: perform(.destroyBody)
    case .result: perform(.destroyResult)
    case .nothing, .plainResult: break
    }
  }
}

/// What ``FiberHeader/perform`` is asked to do with the storage.
@usableFromInline
enum SlotAction {
  /// Call the closure, leave the result in its place.
  case run
  case destroyBody
  case destroyResult
}

/// What the storage behind the header holds.
@usableFromInline
enum SlotContent: UInt8 {
  case nothing
  case body
  case result
  /// A result that holds nothing to be let go of.
  case plainResult
}

@safe
@usableFromInline
struct FiberHeader {
  /// The only code that knows the types.
  ///
  /// Captures nothing, so storing it costs nothing.
  @usableFromInline let perform: (FiberObject, SlotAction) -> Void
  @usableFromInline let scheduler: Scheduler
  /// The control block until the fiber has ended.
  @usableFromInline var block: FiberRef?
  /// What few fibers have.
  @usableFromInline var extras: FiberExtras?
  @usableFromInline let site: SpawnSite
  @usableFromInline var content: SlotContent
  @usableFromInline var wasCancelled: Bool

  @inlinable
  init(
    scheduler: Scheduler, name: String?, site: SpawnSite,
    perform: @escaping (FiberObject, SlotAction) -> Void
  ) {
    self.perform = perform
    self.scheduler = scheduler
    self.site = site
    block = nil
    extras = name.map { FiberExtras(name: $0) }
    content = .body
    wasCancelled = false
  }
}

/// What few fibers have: kept apart, so that the others stay small.
@safe
@usableFromInline
final class FiberExtras {
  var name: String?
  var locals: LocalNode?
  /// Memory that the user gave for the stack.
  var userStack: UnsafeMutableRawBufferPointer?
  /// Who is told of the end.
  var observers: [any FiberEndObserver] = []

  @usableFromInline
  init(name: String?) {
    self.name = name
    unsafe userStack = nil
  }
}

/// Something that wants to know when a fiber has ended: a future of its result, for one.
protocol FiberEndObserver: AnyObject {
  /// Takes note: the result is in `fiber`.
  ///
  /// Called once, on the thread of the runtime, at the end of the fiber's own stack. Must not
  /// suspend.
  func fiberEnded(_ fiber: FiberObject)
}
