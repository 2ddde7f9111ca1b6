/// The header's fields, read and written without holding a Swift access.
extension FiberObject {
  @inline(__always)
  var fields: UnsafeMutablePointer<FiberHeader> {
    // SAFETY: the header is tail storage of this object and stays in place; callers hold `self`.
    unsafe withUnsafeMutablePointerToHeader { unsafe $0 }
  }

  @inline(__always)
  func perform(_ action: SlotAction) { unsafe fields.pointee.perform(self, action) }

  @usableFromInline
  var scheduler: Scheduler { unsafe fields.pointee.scheduler }

  /// The control block; `nil` when the fiber has ended.
  @inline(__always)
  var block: FiberRef? {
    get { unsafe fields.pointee.block }
    set { unsafe fields.pointee.block = newValue }
  }

  var locals: LocalNode? {
    get { unsafe fields.pointee.extras?.locals }
    set { if newValue != nil || locals != nil { madeExtras.locals = newValue } }
  }

  var userStack: UnsafeMutableRawBufferPointer? {
    get { unsafe fields.pointee.extras?.userStack }
    set { unsafe madeExtras.userStack = newValue }
  }

  var name: String? { unsafe fields.pointee.extras?.name }

  private var madeExtras: FiberExtras {
    if let extras = unsafe fields.pointee.extras { return extras }
    let extras = FiberExtras(name: nil)
    unsafe fields.pointee.extras = extras
    return extras
  }

  var site: SpawnSite { unsafe fields.pointee.site }

  /// Whether the fiber was cancelled while it was alive.
  var wasCancelled: Bool {
    if let block { return block.life.wasCancelled }
    return unsafe fields.pointee.wasCancelled
  }

  @inline(__always)
  var hasEnded: Bool { unsafe fields.pointee.block == nil }

  /// The body has returned and the result is in place.
  @inline(__always)
  func finished(wasCancelled: Bool) {
    unsafe fields.pointee.wasCancelled = wasCancelled
    unsafe fields.pointee.block = nil
    if let extras = unsafe fields.pointee.extras {
      extras.locals = nil
      tellObservers(extras)
    }
  }

  /// Asks to be told when the fiber, which has not ended, ends.
  func observeEnd(_ observer: any FiberEndObserver) { madeExtras.observers.append(observer) }

  @inline(never)
  private func tellObservers(_ extras: FiberExtras) {
    let observers = extras.observers
    extras.observers = []
    for observer in observers { observer.fiberEnded(self) }
  }
}
