/// How long it is worth spinning before a thread goes to sleep: a pure value that learns.
///
/// A sleep and a wake cost 5 microseconds on one machine and 40 on another; an operation may take
/// less. Two threads that work for each other and both sleep in between would each wake the other
/// from sleep for ever: so one spin that has paid restores the full limit at once, and a few that
/// have not (the machine did something else) change nothing. While spinning does not pay (the waker
/// needs this very core, or the work takes long), the limit shrinks to next to nothing, with a full
/// try every sixteenth time.
package struct SpinLimit {
  /// What is spun even when it has not paid lately.
  package static let smallest = 8
  private static let retry = 16
  /// So many misses in a row are no reason to spin less.
  package static let patience = 3

  /// The most CPU pauses to spin for; 0 never spins.
  package let largest: Int
  private var limit: Int
  private var misses = 0

  /// Starts with the full limit.
  package init(largest: Int) {
    self.largest = max(0, largest)
    limit = self.largest
  }

  /// The number of CPU pauses to spin for, this time.
  package var pauses: Int {
    misses % Self.retry == Self.retry - 1 ? largest : limit
  }

  /// Takes note whether the last spin saw what it waited for.
  package mutating func learn(hit: Bool) {
    if hit {
      misses = 0
      limit = largest
    } else {
      misses += 1
      if misses > Self.patience { limit = min(largest, max(Self.smallest, limit / 2)) }
    }
  }
}
