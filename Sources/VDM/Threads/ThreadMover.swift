public import MiniAsync
import Synchronization

/// A mover that does operations on worker threads.
///
/// An operation is started by the first poll that finds room in the workers' queue, and then goes
/// on by itself: its futures are asynchronous. Small operations are taken in batches, and a batch
/// of durable ones shares one fence; large ones are split among the workers.
///
/// ```swift
/// let mover = try ThreadMover()
/// var copy = mover.memcpy(to: destination, from: source, byteCount: n)
/// try Runtime().wait(&copy).get()
/// ```
///
/// May be used from any thread. Dropping the last reference, and with it the last of its futures,
/// finishes what was started and ends the threads; so does ``shutdown()``.
///
/// Corresponds to C's `data_mover_threads_new`, `_default` and `_delete`.
public final class ThreadMover: DataMover, JobOwner {
  /// How the mover is made up.
  public let configuration: Configuration
  /// The flags that this CPU can honour.
  public let capabilities: OperationFlags

  private let crew: Crew
  private let threads: Locked<[WorkerThread]>

  /// Makes a mover and starts its threads.
  ///
  /// - Throws: ``VDMError/threadsNotStarted(errno:)``, also for a processor that does not exist.
  /// - Precondition: 1 to 1,024 threads, a queue of 1 to 2^24, 1 to 2^31 slots, a positive split
  ///   threshold.
  public init(configuration: Configuration = Configuration()) throws(VDMError) {
    precondition(
      1...1024 ~= configuration.threads, "ThreadMover: it needs 1 to 1,024 threads")
    precondition(
      1...(1 << 24) ~= configuration.queueCapacity, "ThreadMover: the queue must hold 1 to 2^24")
    precondition(
      1...(1 << 31) ~= configuration.slotCapacity, "ThreadMover: it needs 1 to 2^31 slots")
    precondition(
      configuration.splitThreshold > 0, "ThreadMover: the split threshold must be positive")
    self.configuration = configuration
    capabilities = NativeMemory.best.supportedFlags
    let crew = Crew(configuration: configuration)
    self.crew = crew
    threads = Locked([])
    for number in 0..<configuration.threads {
      crew.attendance.expect()
      do throws(WorkerThread.StartError) {
        let processors = configuration.processors
        let processor = processors.isEmpty ? nil : processors[number % processors.count]
        let thread = try WorkerThread(name: "vdm-\(number)", processor: processor) {
          crew.attendance.enter()
          Worker(crew, number).run()
          crew.attendance.leave()
        }
        threads.withLock { $0.append(thread) }
      } catch {
        crew.attendance.leave()
        shutdown()
        throw .threadsNotStarted(errno: error.errno)
      }
    }
  }

  deinit { shutdown() }

  /// Finishes what was started, and ends the threads.
  ///
  /// Blocks until that is done. Operations that are started later complete with
  /// ``VDMError/moverShutDown``. May be called more than once, from any thread. Called by a worker
  /// (in a waker, or a function of the configuration), it does not wait for what that worker is
  /// doing.
  ///
  /// Corresponds to C's `data_mover_threads_delete`.
  public func shutdown() {
    crew.close()
    let threads = threads.withLock { threads in
      defer { threads = [] }
      return threads
    }
    for thread in threads { thread.join() }
    crew.finishLeftovers()
    // Another thread may be shutting down as well, or finishing leftovers.
    crew.attendance.waitUntilAllHaveLeft()
  }

  /// Everything, except a flush on a CPU that is not known.
  public func supports(_ kind: OperationKind) -> Bool {
    kind != .flush || capabilities.contains(.durable)
  }

  /// Its futures are asynchronous.
  public func hasProperty(_ property: FutureProperty) -> Bool { property == .async }

  /// The number of slots in use: operations that exist, and those that were dropped and go on.
  public var slotsInUse: Int { crew.pool.inUse }

  /// Takes a slot.
  ///
  /// - Throws: ``VDMError/outOfSlots(capacity:)``.
  public func makeJob(for operation: Operation) throws(VDMError) -> OperationJob {
    guard let slot = crew.pool.take() else {
      throw .outOfSlots(capacity: crew.pool.capacity)
    }
    unsafe crew.pool[slot].pointee.operation = operation
    return OperationJob(owner: self, token: UInt64(slot))
  }

  /// Puts the operation into the workers' queue, if there is room.
  public func start(
    _ job: inout OperationJob, of operation: Operation, _ notifier: inout Notifier
  ) -> FutureProgress<VDMError?> {
    let slot = unsafe crew.pool[job.slot]
    if crew.isClosed { return .complete(.moverShutDown) }
    if configuration.notifier == .waker { unsafe slot.pointee.cell.register(&notifier) }

    var isQueued = crew.submit(job.slot)
    if !isQueued {
      // Room is told of by a waker, whatever completion is.
      if configuration.notifier != .waker { unsafe slot.pointee.cell.register(&notifier) }
      unsafe slot.pointee.hasWaited = true
      crew.room.join(job.slot)
      // ORDER: joined first, then the second look at the queue; pairs with the fence after
      // taking. Room that was made before the slot had joined has invited nobody.
      atomicMemoryFence(ordering: .sequentiallyConsistent)
      isQueued = crew.submit(job.slot)
      if !isQueued { return crew.isClosed ? .complete(.moverShutDown) : .idle }
    }
    if unsafe slot.pointee.hasWaited {
      _ = crew.room.leave(job.slot)
      unsafe slot.pointee.hasWaited = false
    }
    // The waker is registered already; whether the operation is done, its wake will tell.
    return configuration.notifier == .waker ? .running : check(&job, of: operation, &notifier)
  }

  /// Looks whether a worker has done the operation.
  public func check(
    _ job: inout OperationJob, of operation: Operation, _ notifier: inout Notifier
  ) -> FutureProgress<VDMError?> {
    let slot = unsafe crew.pool[job.slot]
    // Looked at before anything is registered: whoever was woken finds it done most often.
    if unsafe slot.pointee.isDone { return .complete(nil) }
    switch configuration.notifier {
    case .waker:
      unsafe slot.pointee.cell.register(&notifier)
      if unsafe slot.pointee.isDone {
        // The worker may have woken before: then nobody takes the waker out again.
        unsafe slot.pointee.cell.clear()
        return .complete(nil)
      }
    case .poller:
      // ORDER: read before the state is looked at again, which is stored before the word changes.
      let completions = unsafe slot.pointee.completions.load(ordering: .acquiring)
      if unsafe slot.pointee.isDone { return .complete(nil) }
      // SAFETY: slots live as long as the mover, which the future keeps alive.
      unsafe withUnsafePointer(to: slot.pointee.completions) {
        notifier.watch(unsafe Poller(address: $0, value: completions))
      }
    case .none: break
    }
    return .running
  }

  /// Stops the operation if no worker has begun it.
  public func cancel(_ job: inout OperationJob, of operation: Operation) -> Bool {
    let slot = unsafe crew.pool[job.slot]
    guard unsafe slot.pointee.transition({ $0.stop() }).0 == .queuedStopped else { return false }
    // The worker that takes it out of the queue frees the slot. It may have done so already.
    job.disown()
    return true
  }

  /// Gives the slot back, or lets the workers do so when they are done with it.
  public func endJob(_ token: UInt64) {
    let index = UInt32(truncatingIfNeeded: token)
    let slot = unsafe crew.pool[index]
    if unsafe slot.pointee.hasWaited {
      unsafe slot.pointee.hasWaited = false
      if crew.room.leave(index) { crew.room.invite(1) }
    }
    let (state, action) = unsafe slot.pointee.transition { $0.abandon() }
    // Of a done operation the worker takes the waker out, when it wakes.
    if action == .free { crew.release(index, holdsWaker: state == .owned) }
  }
}

extension OperationJob {
  /// The number of the slot that a thread mover keeps for it.
  fileprivate var slot: UInt32 { UInt32(truncatingIfNeeded: token) }
}
