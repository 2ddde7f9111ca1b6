import CMiniAsync

/// Waits on the calling thread for one or many futures, without busy polling.
///
/// ```swift
/// let runtime = Runtime()
/// var copy = mover.memcpy(to: destination, from: source, byteCount: n)
/// let output = runtime.wait(&copy)
/// ```
///
/// The runtime polls what can make progress, and sleeps when nothing can:
///
/// - a future that took its waker is polled again when it was woken, and only then; a wake that
///   comes between the poll and the sleep is not lost;
/// - a future that named a memory word is polled again when the word has changed (watched with
///   the CPU's monitor instructions where there are any, else with pauses that back off);
/// - a future that used no notifier is polled with pauses that back off, in between the others.
///
/// Before it sleeps it spins for a few microseconds, as long as that has paid lately. The cost of
/// a poll and of a wake is the same for ten futures and for ten thousand.
///
/// A runtime has no thread of its own and may be used from several at once: each call waits for
/// its own futures. It keeps memory of past waits, so that a later one need not allocate.
///
/// Corresponds to C's `struct runtime`, `runtime_new` and `runtime_delete`.
public final class Runtime: Sendable {
  /// How a runtime waits.
  public struct Configuration: Sendable {
    /// The most CPU pauses to spin for before the thread sleeps.
    ///
    /// 0 sleeps at once; so does less.
    ///
    /// A pause takes 15 to 50 nanoseconds, depending on the CPU. With one core, never spun.
    public var spinLimit: Int
    /// The longest sleep between two polls of a future that cannot call its waiter.
    public var longestSleep: Duration

    /// Makes a configuration; the defaults fit most programs.
    public init(spinLimit: Int = 4096, longestSleep: Duration = .microseconds(200)) {
      self.spinLimit = max(0, spinLimit)
      self.longestSleep = longestSleep
    }

    var longestSleepNanoseconds: Int64 {
      let (seconds, attoseconds) = longestSleep.components
      let whole = seconds.multipliedReportingOverflow(by: 1_000_000_000)
      let sum = whole.partialValue.addingReportingOverflow(attoseconds / 1_000_000_000)
      if whole.overflow || sum.overflow { return seconds < 0 ? 1 : .max }
      return max(1, sum.partialValue)
    }
  }

  /// What a runtime has done in all its finished waits.
  public struct Statistics: Sendable, Equatable {
    /// Calls of a future's poll.
    public var polls = 0
    /// Wakes taken note of: several for one future between two polls count once.
    public var wakes = 0
    /// Times a thread went to sleep.
    public var sleeps = 0

    /// Makes statistics of nothing done.
    public init() {}

    static func += (total: inout Statistics, more: Statistics) {
      total.polls += more.polls
      total.wakes += more.wakes
      total.sleeps += more.sleeps
    }
  }

  /// How this runtime waits.
  public let configuration: Configuration

  private struct Shared {
    /// Engines of past waits: as many as threads usually wait at once.
    var spares: [EngineBox] = []
    var statistics = Statistics()
  }
  private let shared = Locked(Shared())

  /// Makes a runtime.
  ///
  /// Starts no thread.
  public init(configuration: Configuration = Configuration()) {
    var configuration = configuration
    if mini_online_cpus() == 1 { configuration.spinLimit = 0 }
    self.configuration = configuration
  }

  /// What this runtime has done so far, without the waits that are under way.
  public var statistics: Statistics { shared.withLock { $0.statistics } }

  // MARK: Engines

  /// An engine for one wait: that of an earlier one, or a new one.
  @usableFromInline
  func takeEngine() -> EngineBox {
    if let spare = shared.withLock({ $0.spares.popLast() }) { return spare }
    return EngineBox(
      WaitEngine(list: ReadyList(unparking: .thread), configuration: configuration))
  }

  /// Ends a wait for `count` futures, and keeps its engine for a later one.
  @usableFromInline
  func giveBack(_ box: EngineBox, count: Int) {
    // SAFETY: the caller has taken the box, and uses it no more.
    let statistics = unsafe box.engine.counts
    unsafe box.engine.resetForReuse(count: count)
    shared.withLock { shared in
      shared.statistics += statistics
      if shared.spares.count < Self.mostSpares { shared.spares.append(box) }
    }
  }

  private static let mostSpares = 8
}

/// An engine that can be handed on without moving it.
@usableFromInline
final class EngineBox: Sendable {
  // SAFETY: whoever has taken the box uses it alone.
  @usableFromInline nonisolated(unsafe) var engine: WaitEngine

  init(_ engine: consuming WaitEngine) { unsafe self.engine = engine }
}
