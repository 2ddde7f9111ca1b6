import MiniAsync
import Synchronization

/// What a thread mover and its workers share: slots, queue, and who is idle.
final class Crew: Sendable {
  let configuration: ThreadMover.Configuration
  let pool: SlotPool
  let queue: OperationQueue
  let room: RoomList
  /// The operations that workers have opened to all, one a worker.
  let splits: [SplitWork]
  let idle: IdleWorkers
  let attendance = Attendance()

  private let closed = Atomic<Bool>(false)

  init(configuration: ThreadMover.Configuration) {
    self.configuration = configuration
    pool = SlotPool(capacity: configuration.slotCapacity)
    queue = OperationQueue(capacity: configuration.queueCapacity)
    room = RoomList(pool: pool)
    splits = (0..<configuration.threads).map { _ in SplitWork() }
    idle = IdleWorkers(count: configuration.threads)
  }

  // MARK: The futures

  /// Puts a slot into the queue, or returns `false` if it is full.
  func submit(_ index: UInt32) -> Bool {
    let slot = unsafe pool[index]
    // The slot is the future's alone until it is in the queue, which releases it to a worker.
    unsafe slot.pointee.state.store(.queued, ordering: .relaxed)
    guard queue.tryAppend(index) else {
      unsafe slot.pointee.state.store(.owned, ordering: .relaxed)
      return false
    }
    // ORDER: the queue first, then the look who is idle and whether all have gone; pairs with the
    // fences in `Worker.rest` and `close`.
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    idle.callOneForNewWork()
    if isClosed { finishLeftovers() }
    return true
  }

  /// Frees a slot that nobody has.
  ///
  /// - Parameters:
  ///   - index: The slot.
  ///   - holdsWaker: Whether a waker may be left in it that nobody will call.
  func release(_ index: UInt32, holdsWaker: Bool = true) {
    let slot = unsafe pool[index]
    if holdsWaker { unsafe slot.pointee.cell.clear() }
    unsafe slot.pointee.operation = nil
    unsafe slot.pointee.state.store(.owned, ordering: .relaxed)
    pool.giveBack(index)
  }

  // MARK: The workers

  /// Whether there is anything for an idle worker to do.
  var hasWork: Bool { queue.count > 0 || splits.contains { $0.hasPieces } }

  /// Ends an operation that was done, and wakes its future.
  func finish(_ index: UInt32) {
    let slot = unsafe pool[index]
    switch unsafe slot.pointee.transition({ $0.finish() }).1 {
    case .wake:
      // From here on the slot may be another operation's already: then these are a wake and a
      // change for nothing, which are harmless.
      unsafe slot.pointee.completions.add(1, ordering: .releasing)
      unsafe slot.pointee.cell.wake()
    case .free: release(index)
    case .none, .perform: break
    }
  }

  // MARK: The end

  /// Whether the mover is shutting down: nothing can be started any more.
  var isClosed: Bool { closed.load(ordering: .acquiring) }

  /// Lets nothing more be started, and the workers end when they have done what was.
  func close() {
    closed.store(true, ordering: .sequentiallyConsistent)
    idle.callAll()
    // Those that wait for room shall learn that there will be none.
    room.invite(.max)
  }

  /// Does what was put into the queue when no worker was there any more, on this thread.
  func finishLeftovers() {
    // ORDER: in one order with `submit`: one of the two sees the slot.
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    attendance.expect()
    attendance.enter()
    let worker = Worker(self, nil)
    while worker.workOnce() {}
    attendance.leave()
  }
}
