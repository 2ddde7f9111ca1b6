import Glibc

/// The clock of fibers: nanoseconds that never go back, not counting while the machine sleeps.
///
/// Linux's `CLOCK_MONOTONIC`. Instants of one process, or of one boot, may be compared.
public struct FiberClock: Clock {
  /// A point in time.
  public struct Instant: InstantProtocol {
    /// Nanoseconds since some point in the past that is the same for the whole machine.
    public let nanoseconds: Int64

    @usableFromInline
    init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// The instant `duration` later; the last there is when that is out of range.
    public func advanced(by duration: Duration) -> Instant {
      let (sum, overflow) = nanoseconds.addingReportingOverflow(duration.clampedNanoseconds)
      return Instant(nanoseconds: overflow ? (duration < .zero ? .min : .max) : sum)
    }

    /// How long it is from here to `other`.
    public func duration(to other: Instant) -> Duration {
      .nanoseconds(other.nanoseconds) - .nanoseconds(nanoseconds)
    }

    /// Whether `a` is earlier.
    public static func < (a: Instant, b: Instant) -> Bool { a.nanoseconds < b.nanoseconds }
  }

  /// The clock.
  public init() {}

  /// The time now; in a fiber, the time of its runtime.
  ///
  /// - Complexity: About 25 ns.
  public var now: Instant { Self.now }

  /// The time now; in a fiber, the time of its runtime.
  public static var now: Instant {
    Instant(nanoseconds: Scheduler.current?.readClock() ?? nanoseconds)
  }

  /// What the clock can tell apart.
  public var minimumResolution: Duration { .nanoseconds(1) }

  /// Suspends a Swift task; a fiber calls ``Fiber/sleep(until:)``.
  ///
  /// - Parameters:
  ///   - deadline: When to go on.
  ///   - tolerance: How much later will do.
  /// - Throws: `CancellationError` when the task is cancelled.
  public func sleep(until deadline: Instant, tolerance: Duration?) async throws {
    try await Task.sleep(for: now.duration(to: deadline), tolerance: tolerance, clock: .suspending)
  }

  /// The system's monotonic clock.
  static var nanoseconds: Int64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}

extension Duration {
  /// Whole nanoseconds, rounded up, so that nothing waits too short; clamped to 292 years.
  var clampedNanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    let rest = (attoseconds + (attoseconds > 0 ? 999_999_999 : 0)) / 1_000_000_000
    let (sum, overflowToo) = whole.addingReportingOverflow(rest)
    return overflow || overflowToo ? (seconds < 0 ? .min : .max) : sum
  }
}
