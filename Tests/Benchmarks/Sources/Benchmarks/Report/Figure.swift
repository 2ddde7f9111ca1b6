/// One thing that was measured: ours, and any number of peers that do the same.
struct Figure {
  struct Peer {
    let name: String
    let samples: Samples
  }

  let name: String
  let unit: String
  let ours: Samples
  var peers: [Peer] = []
  var budget = Row.Budget.none
  /// The peer whose row has the budget; the first one if it is not here.
  var reference: String?
  var point: Row.Point?

  /// A row for each peer; one without if there is none. Exactly one row has the budget.
  var rows: [Row] {
    guard !peers.isEmpty else {
      return [Row(name: name, unit: unit, ours: ours, budget: budget, point: point)]
    }
    let decisive = peers.firstIndex { $0.name == reference } ?? 0
    return peers.indices.map { index in
      Row(
        name: name, unit: unit, ours: ours, peer: peers[index].samples,
        peerName: peers[index].name, budget: index == decisive ? judged(peers[index]) : .none,
        point: point)
    }
  }

  /// The budget without its reference, when that peer is not here.
  private func judged(_ peer: Peer) -> Row.Budget {
    guard reference != nil, peer.name != reference else { return budget }
    return switch budget {
    case .atMost(let limit, _): .atMost(limit)
    case .atLeast(let limit, _): .atLeast(limit)
    default: budget
    }
  }
}
