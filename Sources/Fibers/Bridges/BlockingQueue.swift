/// Jobs and idle helpers: who does what next, as a value.
///
/// A helper that was told of a job may find that another one has taken it; it is idle again then.
/// Jobs are taken in the order they came.
struct BlockingQueue: ~Copyable {
  /// What a helper does next.
  enum Step {
    case run(BlockingJob)
    /// Sleep until it is called.
    case sleep
    case end
  }

  private var first: BlockingJob?
  private var last: BlockingJob?
  /// Helpers that sleep, or are about to; the last one slept least.
  private var idle: [Int] = []
  private var isStopping = false

  init() {}

  /// Adds a job.
  ///
  /// - Returns: The helper to call; `nil` when all are busy.
  mutating func add(_ job: BlockingJob) -> Int? {
    if let last { last.next = job } else { first = job }
    last = job
    return idle.popLast()
  }

  /// The next step of `helper`.
  mutating func next(of helper: Int) -> Step {
    if let job = first {
      first = job.next
      if first == nil { last = nil }
      job.next = nil
      return .run(job)
    }
    if isStopping { return .end }
    idle.append(helper)
    return .sleep
  }

  /// Ends the helpers when no job is left.
  ///
  /// - Returns: Those to call.
  mutating func stop() -> [Int] {
    isStopping = true
    defer { idle = [] }
    return idle
  }
}
