import CFibers
import Synchronization

/// The control block of a fiber: what the scheduler needs, 128 bytes, apart from the stack.
///
/// Blocks live in a ``BlockTable``, dense and aligned to 128 bytes; the first cache line is all
/// that a yield touches. A block is reused when its fiber has ended; ``wakeWord`` and ``inboxLink``
/// survive that, because other threads may still hold tokens.
///
/// Owned by the thread of the runtime, but for ``wakeWord`` and ``inboxLink``.
@safe
struct FiberBlock: ~Copyable {
  // First cache line: a switch.

  /// Where the fiber goes on.
  ///
  /// `sp` is `nil` while it has no stack: it has not started.
  var context = unsafe cfib_context()
  /// The next fiber in the circle of turns, circle of waiters or free list: it is in one at most.
  var next: FiberRef?
  var life = FiberLife()
  var waitKind = WaitKind.none
  /// The accesses (exclusivity) that the fiber holds while it does not run, in isolated mode.
  var accesses = AccessSet()

  // Second cache line: the rest.

  /// The one before in the circle of waiters.
  var previous: FiberRef?
  /// What it waits for, as ``waitKind`` says; `nil` while it does not wait.
  ///
  /// Subjects outlive the waits for them.
  var waitSubject: UnsafeMutableRawPointer?
  /// What users hold; one reference is ours until the fiber has ended.
  ///
  /// `nil`: root, or free.
  var object: Unmanaged<FiberObject>?
  /// Who waits for the end of this fiber.
  var joiners = WaitList()
  /// A ``WakeWord``, the one word that decides whether a wake counts.
  let wakeWord = Atomic<UInt64>(0)
  /// 0: not in the inbox.
  ///
  /// Else the ``Inbox/Link`` to the block before it there.
  let inboxLink = Atomic<UInt32>(0)
  /// When it began to wait, in ticks of ``Scheduler/waitTicks(_:)``.
  var waitSince: UInt32 = 0
  /// The innermost deadline in force, on the fiber's stack.
  var deadline: UnsafeMutablePointer<DeadlineScope>?
  /// The place in the table.
  let index: UInt32
  var stack = StackRef.foreign

  init(index: UInt32) { self.index = index }
}

/// The two words in which the Swift runtime keeps the accesses of a suspended flow.
struct AccessSet {
  var head: UInt = 0
  var tail: UInt = 0
}

/// What the sanitizers want to know about a stack.
@safe
struct SanitizerState {
  var fakeStack: UnsafeMutableRawPointer?
  var tsanFiber: UnsafeMutableRawPointer?
  var low: UnsafeRawPointer?
  var byteCount: Int
}

/// A control block by its address.
///
/// Blocks are not given back to the system before the last holder of a token is gone (``Door``),
/// so the address stays good; whether the block still serves the same fiber is for the holder to
/// know. Access is for the thread of the runtime.
@safe
@usableFromInline
struct FiberRef: Equatable {
  // SAFETY: points into a BlockTable, whose memory outlives every FiberRef (see above).
  let pointer: UnsafeMutablePointer<FiberBlock>

  @inline(__always)
  init(_ pointer: UnsafeMutablePointer<FiberBlock>) { unsafe self.pointer = pointer }

  @usableFromInline
  static func == (a: FiberRef, b: FiberRef) -> Bool { unsafe a.pointer == b.pointer }

  @inline(__always)
  var next: FiberRef? {
    get { unsafe pointer.pointee.next }
    nonmutating set { unsafe pointer.pointee.next = newValue }
  }
  @inline(__always)
  var previous: FiberRef? {
    get { unsafe pointer.pointee.previous }
    nonmutating set { unsafe pointer.pointee.previous = newValue }
  }
  @inline(__always)
  var life: FiberLife {
    get { unsafe pointer.pointee.life }
    nonmutating _modify { yield unsafe &pointer.pointee.life }
  }
  @inline(__always)
  var waitKind: WaitKind {
    get { unsafe pointer.pointee.waitKind }
    nonmutating set { unsafe pointer.pointee.waitKind = newValue }
  }
  @inline(__always)
  var stack: StackRef {
    get { unsafe pointer.pointee.stack }
    nonmutating set { unsafe pointer.pointee.stack = newValue }
  }
  @inline(__always)
  var index: UInt32 { unsafe pointer.pointee.index }
  @inline(__always)
  var waitSubject: UnsafeMutableRawPointer? {
    get { unsafe pointer.pointee.waitSubject }
    nonmutating set { unsafe pointer.pointee.waitSubject = newValue }
  }
  @inline(__always)
  var deadline: UnsafeMutablePointer<DeadlineScope>? {
    get { unsafe pointer.pointee.deadline }
    nonmutating set { unsafe pointer.pointee.deadline = newValue }
  }

  /// Used only in sanitized builds, and therefore kept apart, behind the blocks of the slab.
  var sanitizer: UnsafeMutablePointer<SanitizerState>? {
    get { unsafe BlockTable.sanitizer(of: self).pointee }
    nonmutating set { unsafe BlockTable.sanitizer(of: self).pointee = newValue }
  }

  /// Whether it has a stack to go on with.
  @inline(__always)
  var hasContext: Bool { unsafe pointer.pointee.context.sp != nil }

  /// The object, alive at least until the fiber has ended.
  @inline(__always)
  var object: FiberObject? { unsafe pointer.pointee.object?.takeUnretainedValue() }
}
