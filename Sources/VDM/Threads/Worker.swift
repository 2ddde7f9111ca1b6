import CMiniAsync
import Glibc
import MiniAsync
import Synchronization

/// What a worker thread does.
///
/// Used by one thread.
final class Worker {
  private let crew: Crew
  /// The worker's number; `nil` for a thread that only finishes what workers have left.
  private let number: Int?
  private var spin: SpinLimit
  private var batch: [UInt32] = []
  /// Whether there are functions of which nobody knows how long they take.
  private let hasReplacedFunctions: Bool

  /// The most operations taken from the queue at once.
  private static let batchCount = 64
  /// What a batch may move before its first operation is told to be done.
  private static let batchBytes = 32 << 10
  /// The pieces that a split operation has for each worker, so that a slow one delays it little.
  private static let piecesPerWorker = 8
  private static let smallestPiece = 128 << 10
  /// The yields for which an invited future is waited for before more are invited.
  private static let patience = 8

  init(_ crew: Crew, _ number: Int?) {
    self.crew = crew
    self.number = number
    // Not the number this thread may use: whoever it works for may run elsewhere.
    spin = SpinLimit(largest: mini_online_cpus() > 1 ? crew.configuration.spinLimit : 0)
    batch.reserveCapacity(Self.batchCount)
    let configuration = crew.configuration
    hasReplacedFunctions =
      unsafe configuration.memcpy != nil || configuration.memmove != nil
      || configuration.memset != nil
  }

  /// Works until the crew is closed and nothing is left.
  func run() {
    guard let number else { return }
    while true {
      if workOnce() { continue }
      if crew.isClosed { return }
      rest(number)
    }
  }

  /// Does a batch of operations, or a piece of one.
  ///
  /// `false` if there was nothing to do.
  func workOnce() -> Bool {
    if workOnQueue() { return true }
    for split in crew.splits {
      guard let piece = split.claim() else { continue }
      let isLast = occupied { perform(piece, of: split) }
      if isLast { crew.finish(piece.slot) }
      return true
    }
    return false
  }

  /// Does something that takes longer than waking another worker.
  ///
  /// It finishes nothing: whoever is told may submit more at once, which is not to wake another
  /// worker when this one is about to look for work.
  private func occupied<Result>(_ work: () -> Result) -> Result {
    crew.idle.beginLongWork()
    // ORDER: announced first, then the look for more; pairs with the fence in `submit`.
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    if crew.queue.count > 0 { crew.idle.callOneForNewWork() }
    defer { crew.idle.endLongWork() }
    return work()
  }

  // MARK: Operations

  private func workOnQueue() -> Bool {
    if !batch.isEmpty { batch.removeAll(keepingCapacity: true) }
    var large: (slot: UInt32, operation: Operation)?
    var bytes = 0
    var taken = 0
    while taken < Self.batchCount && bytes < Self.batchBytes && large == nil {
      guard let index = crew.queue.tryRemoveFirst() else { break }
      taken += 1
      let slot = unsafe crew.pool[index]
      guard unsafe slot.pointee.transition({ $0.begin() }).1 == .perform,
        let operation = unsafe slot.pointee.operation
      else {
        crew.release(index)
        continue
      }
      if isToBeSplit(operation) {
        large = (index, operation)
      } else {
        batch.append(index)
        bytes += operation.byteCount
      }
    }
    guard taken > 0 else { return false }

    // ORDER: taken first, then the look who waits for room; pairs with `RoomList.join`.
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    if !crew.room.isEmpty { crew.room.invite(taken) }
    if bytes < Self.batchBytes && large == nil && !hasReplacedFunctions {
      // More than one batch is worth a second worker.
      if crew.queue.count > 0 { crew.idle.callOne() }
      performBatch()
      finishBatch()
      return true
    }
    occupied { performBatch() }
    finishBatch()
    if let large, occupied({ lead(large.operation, slot: large.slot) }) {
      crew.finish(large.slot)
    }
    return true
  }

  private func performBatch() {
    var needsDrain = false
    for index in batch {
      guard let operation = unsafe crew.pool[index].pointee.operation else { continue }
      perform(operation)
      if operation.needsDrain { needsDrain = true }
    }
    if needsDrain { NativeMemory.best.drain() }
  }

  private func finishBatch() {
    for index in batch { crew.finish(index) }
  }

  /// Does an operation, without the drain.
  private func perform(_ operation: Operation) {
    let configuration = crew.configuration
    // SAFETY: who made the operation answers for the memory until it is complete.
    switch operation.kind {
    case .memcpy:
      guard let copy = unsafe configuration.memcpy else { return unsafe operation.perform() }
      unsafe copy(operation.destination, operation.source, operation.byteCount, operation.flags)
    case .memmove:
      guard let copy = unsafe configuration.memmove else { return unsafe operation.perform() }
      unsafe copy(operation.destination, operation.source, operation.byteCount, operation.flags)
    case .memset:
      guard let fill = unsafe configuration.memset else { return unsafe operation.perform() }
      unsafe fill(operation.destination, operation.value, operation.byteCount, operation.flags)
    case .flush: return unsafe operation.perform()
    }
    // What another function has written becomes durable by a flush, whatever it did itself.
    if operation.flags.contains(.durable) {
      unsafe NativeMemory.best.flush(operation.destination, byteCount: operation.byteCount)
    }
  }

  // MARK: Large operations

  private func isToBeSplit(_ operation: Operation) -> Bool {
    guard let number, crew.splits.count > 1, crew.splits[number].isIdle else { return false }
    return operation.byteCount >= crew.configuration.splitThreshold
      && (operation.kind == .memset || operation.kind == .flush || !operation.overlaps)
  }

  /// Does an operation together with whoever is idle.
  ///
  /// - Returns: Whether it is done; if not, another does the last piece, and finishes it.
  private func lead(_ operation: Operation, slot: UInt32) -> Bool {
    guard let number else { return false }
    let split = crew.splits[number]
    let pieces = crew.splits.count * Self.piecesPerWorker
    var size = max(Self.smallestPiece, operation.byteCount / pieces)
    size = max(size, operation.byteCount / SplitWork.maximumPieces + 1)
    size = (size + 4095) & ~4095
    split.open(streamed(operation), slot: slot, pieceSize: size)
    // ORDER: opened first, then the look who is idle; pairs with the fence in `rest`.
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    for _ in 1..<crew.splits.count { crew.idle.callOne() }
    while let piece = split.claim() {
      if perform(piece, of: split) { return true }
    }
    return false
  }

  /// What libc would write past the caches as a whole, its pieces write past them, too.
  private func streamed(_ operation: Operation) -> Operation {
    let configuration = crew.configuration
    let isNative =
      switch operation.kind {
      case .memcpy: unsafe configuration.memcpy == nil
      case .memmove: unsafe configuration.memmove == nil
      case .memset: unsafe configuration.memset == nil
      case .flush: false
      }
    guard isNative, operation.flags.isEmpty, operation.byteCount >= Self.streamThreshold,
      NativeMemory.best.supportedFlags.contains(.noCacheHint)
    else { return operation }
    return operation.with(flags: .noCacheHint)
  }

  /// Three quarters of the last-level cache, as in libc.
  private static let streamThreshold = {
    let cache = sysconf(CInt(_SC_LEVEL3_CACHE_SIZE))
    return cache > 0 ? cache / 4 * 3 : 16 << 20
  }()

  /// Does a piece, and returns whether it was the last of its operation to be done.
  private func perform(_ piece: SplitWork.Piece, of split: SplitWork) -> Bool {
    perform(piece.operation)
    if piece.operation.needsDrain { NativeMemory.best.drain() }
    return split.finishPiece()
  }

  // MARK: Nothing to do

  /// Spins for a while, if no other worker does, then sleeps, until there may be work.
  private func rest(_ number: Int) {
    if spin.largest > 0 && crew.idle.beginSpin() {
      var hit = false
      for _ in 0..<spin.pauses {
        hit = crew.hasWork || crew.isClosed
        if hit { break }
        mini_cpu_pause()
      }
      spin.learn(hit: hit)
      crew.idle.endSpin()
      if hit { return }
    }
    crew.idle.announceSleep(number)
    // ORDER: announced first, then the last look; pairs with the fences in `submit` and `lead`.
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    inviteUntilOneComes()
    if !crew.hasWork && !crew.isClosed { crew.idle.sleep(number) }
    crew.idle.stay(number)
  }

  /// Invites those that wait for room, until one has come or none is left.
  ///
  /// Who waits for a future that was invited may be busy with another, which is behind it: that
  /// one must not wait for ever. So more and more are invited, with time to come in between, so
  /// that not all come at once if the first do.
  private func inviteUntilOneComes() {
    var count = crew.queue.capacity
    while !crew.room.isEmpty {
      for _ in 0..<Self.patience {
        if crew.queue.count > 0 || crew.isClosed { return }
        sched_yield()
      }
      crew.room.invite(count)
      count *= 2
    }
  }
}
