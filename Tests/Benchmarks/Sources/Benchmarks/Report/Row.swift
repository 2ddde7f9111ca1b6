/// A figure that was measured, beside what it is compared with.
struct Row {
  /// What a budget asks of a figure.
  enum Budget {
    /// At most so much.
    ///
    /// Limits in nanoseconds were set on another machine. Where it is known what the row's peer took
    /// there, the limit here is scaled by what the peer takes here.
    case atMost(Double, whenPeerIs: Double? = nil)
    /// At least so much.
    case atLeast(Double, whenPeerIs: Double? = nil)
    /// At most so many times the peer.
    case atMostTimesPeer(Double)
    /// At least so many times the peer.
    case atLeastTimesPeer(Double)
    /// None: the figure is for information.
    case none
  }

  /// Where the figure is a point in a chart of cost over size.
  struct Point {
    /// The title of the chart.
    let chart: String
    /// The line of ours it belongs to; the peers' are named for them.
    let line: String
    /// How many there were.
    let size: Int
  }

  let name: String
  let unit: String
  let ours: Samples
  var peer: Samples?
  var peerName = ""
  var budget = Budget.none
  var point: Point?

  /// Ours divided by the peer's; `nil` without a peer, or where the peer has zero.
  var ratio: Double? {
    guard let peer, peer.median != 0 else { return nil }
    return ours.median / peer.median
  }

  /// The budget as a figure of this machine; `nil` if there is none, or one in times of a peer that is
  /// missing. One in nanoseconds stands as it was designed where the peer is missing.
  var limit: Double? {
    switch budget {
    case .atMost(let limit, let reference), .atLeast(let limit, let reference):
      guard let reference, let peer else { return limit }
      return limit * peer.median / reference
    case .atMostTimesPeer(let factor), .atLeastTimesPeer(let factor):
      return peer.map { factor * $0.median }
    case .none: return nil
    }
  }

  /// Whether the budget is met; `nil` if there is no ``limit``.
  var isMet: Bool? {
    switch budget {
    case .atMost, .atMostTimesPeer: limit.map { ours.median <= $0 }
    case .atLeast, .atLeastTimesPeer: limit.map { ours.median >= $0 }
    case .none: nil
    }
  }

  /// The budget as it was designed.
  var budgetText: String {
    switch budget {
    case .atMost(let limit, _): "<= \(short(limit))"
    case .atLeast(let limit, _): ">= \(short(limit))"
    case .atMostTimesPeer(let factor): "<= \(short(factor))x peer"
    case .atLeastTimesPeer(let factor): ">= \(short(factor))x peer"
    case .none: ""
    }
  }
}
