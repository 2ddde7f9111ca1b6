import MiniAsync

extension ThreadMover {
  /// A function that copies in place of the mover's own.
  ///
  /// Called on a worker thread with destination, source, number of bytes and the operation's
  /// flags. Of a large operation it may get a part at a time. If the flags ask for `durable`, the
  /// mover itself flushes the destination afterwards.
  public typealias CopyFunction =
    @Sendable (UnsafeMutableRawPointer, UnsafeRawPointer, Int, OperationFlags) -> Void

  /// A function that fills in place of the mover's own, called as a ``CopyFunction`` is.
  public typealias FillFunction =
    @Sendable (UnsafeMutableRawPointer, UInt8, Int, OperationFlags) -> Void

  /// How a waiter learns that an operation is done.
  ///
  /// Corresponds to C's `enum future_notifier_type`.
  public enum NotifierKind: Sendable {
    /// The worker calls the future's waker.
    case waker
    /// The worker changes a word that the waiter watches.
    case poller
    /// Not at all: the future is polled again and again.
    case none
  }

  /// How a thread mover is made up.
  ///
  /// Corresponds to the arguments of C's `data_mover_threads_new` and its `_set_*_fn` functions.
  @safe
  public struct Configuration: Sendable {
    /// The number of worker threads, at least 1.
    ///
    /// By default that of the processors.
    public var threads: Int
    /// The processors that workers are bound to, in turn; empty leaves that to the system.
    ///
    /// Some systems keep threads that wake each other on one processor: then only bound workers
    /// copy at the same time.
    public var processors: [Int] = []
    /// How many started operations the workers' queue holds: rounded up to a power of two.
    ///
    /// An operation that finds it full is not started, and is woken when there is room.
    public var queueCapacity = 128
    /// How many operations may exist at once, started or not.
    public var slotCapacity = 1 << 16
    /// How waiters learn that an operation is done.
    public var notifier = NotifierKind.waker
    /// An operation of at least so many bytes is done by several workers, if it can be.
    public var splitThreshold = 4 << 20
    /// The most CPU pauses for which an idle worker spins before it sleeps; 0 sleeps at once.
    public var spinLimit = 4096

    /// Copies in place of the mover's own memcpy.
    public var memcpy: CopyFunction?
    /// Copies in place of the mover's own memmove.
    public var memmove: CopyFunction?
    /// Fills in place of the mover's own memset.
    public var memset: FillFunction?

    /// Makes a configuration with the defaults for this machine.
    ///
    /// - Parameter threads: The number of worker threads; `nil` for that of the processors.
    public init(threads: Int? = nil) {
      self.threads = threads ?? WorkerThread.availableProcessors
    }
  }
}
