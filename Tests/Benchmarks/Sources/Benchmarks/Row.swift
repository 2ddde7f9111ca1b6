/// A figure that was measured, beside what it is compared with.
struct Row {
  /// What a budget asks of a figure.
  enum Budget {
    /// At most so much.
    case atMost(Double)
    /// At least so much.
    case atLeast(Double)
    /// At most so many times the peer.
    case atMostTimesPeer(Double)
    /// At least so many times the peer.
    case atLeastTimesPeer(Double)
    /// None: the figure is for information.
    case none
  }

  let name: String
  let unit: String
  /// Medians of the rounds, ours in order of size.
  let ours: Samples
  var peer: Samples?
  var peerName = ""
  var budget = Budget.none

  /// Ours divided by the peer's.
  var ratio: Double? { peer.map { ours.median / $0.median } }

  /// Whether the budget is met; `nil` if there is none, or no peer to compare with.
  var isMet: Bool? {
    switch budget {
    case .atMost(let limit): ours.median <= limit
    case .atLeast(let limit): ours.median >= limit
    case .atMostTimesPeer(let factor): ratio.map { $0 <= factor }
    case .atLeastTimesPeer(let factor): ratio.map { $0 >= factor }
    case .none: nil
    }
  }

  var budgetText: String {
    switch budget {
    case .atMost(let limit): "<= \(short(limit))"
    case .atLeast(let limit): ">= \(short(limit))"
    case .atMostTimesPeer(let factor): "<= \(short(factor))x peer"
    case .atLeastTimesPeer(let factor): ">= \(short(factor))x peer"
    case .none: ""
    }
  }
}

/// The results of several rounds.
struct Samples {
  private let sorted: [Double]

  init(_ values: [Double]) { sorted = values.sorted() }

  var median: Double {
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }
  var minimum: Double { sorted[0] }
  var maximum: Double { sorted[sorted.count - 1] }
}

/// A number with three digits that count.
func short(_ value: Double) -> String {
  let magnitude = value.magnitude
  let decimals = magnitude >= 100 ? 0 : magnitude >= 10 ? 1 : 2
  var scale = 1.0
  for _ in 0..<decimals { scale *= 10 }
  let rounded = (value * scale).rounded() / scale
  return decimals == 0 ? String(Int(rounded)) : String(rounded)
}
