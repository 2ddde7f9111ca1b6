import MiniAsync

/// The helper threads of one runtime, for calls that block.
///
/// Started one by one when a job finds none idle, up to a limit; they do nothing else, and end with
/// the runtime. Jobs come from the runtime's thread only.
final class BlockingThreads {
  private let limit: Int
  private let queue = HelperQueue()
  private var helpers: [(parker: ThreadParker, thread: WorkerThread)] = []

  /// Starts none yet.
  init(limit: Int) { self.limit = limit }

  /// Has `job` done by a helper.
  ///
  /// - Returns: False when there is no helper and the system refuses to start one.
  func submit(_ job: BlockingJob) -> Bool {
    let isFirst = helpers.isEmpty
    if isFirst, !startHelper() { return false }
    if let idle = queue.add(job) {
      helpers[idle].parker.unpark()
    } else if !isFirst, helpers.count < limit {
      // Refused: the helpers that there are will come to it.
      _ = startHelper()
    }
    return true
  }

  private func startHelper() -> Bool {
    let parker = ThreadParker()
    do {
      let thread = try WorkerThread(name: "fiber-blocking") {
        [queue, index = helpers.count] in
        queue.work(as: index, parker)
      }
      helpers.append((parker, thread))
      return true
    } catch {
      return false
    }
  }

  /// Ends the threads after the jobs that are left, and waits for them.
  func stop() {
    for idle in queue.stop() { helpers[idle].parker.unpark() }
    for helper in helpers { helper.thread.join() }
    helpers = []
  }
}

/// What the helpers share with the runtime's thread.
private final class HelperQueue: Sendable {
  private let queue = Locked(BlockingQueue())

  func add(_ job: BlockingJob) -> Int? { queue.withLock { $0.add(job) } }

  func stop() -> [Int] { queue.withLock { $0.stop() } }

  /// The life of a helper thread.
  func work(as helper: Int, _ parker: ThreadParker) {
    var done: BlockingJob?
    while true {
      let step = queue.withLock { $0.next(of: helper) }
      // The fiber of the last job finds this helper idle: calls one after the other need one thread.
      done.take()?.wake()
      switch step {
      case .run(let job):
        job.call()
        done = job
      case .sleep: parker.park()
      case .end: return
      }
    }
  }
}
