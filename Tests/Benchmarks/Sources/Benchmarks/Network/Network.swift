/// Servers over loopback, on the first processor; what asks them is on the second.
///
/// In each round each server is started, asked over all connections at once for a fraction of a
/// second, and stopped. One request is under way on each connection.
func networkRows(_ effort: Effort) -> [Row] {
  guard let load = effort.peers.program(.load) else { return [] }
  let echo = ServerKind(
    name: "echo", request: "64", ours: (.echoServer, ["0"]),
    peers: [.echoEpoll, .echoGo, .echoNIO])
  let http = ServerKind(
    name: "HTTP", request: "/", ours: (.httpServer, ["--port", "0", "--threads", "1"]),
    peers: [.httpEpoll, .httpGo, .httpNIO])
  return [
    echo.rows(connections: 1, load, effort),
    echo.rows(connections: 50, rate: 0.97, unevenness: 10, load, effort),
    echo.rows(connections: 500, rate: 0.97, unevenness: 10, load, effort),
    http.rows(connections: 64, rate: 0.95, unevenness: 10, load, effort),
  ].flatMap(\.self)
}

/// What servers do, and who they are.
private struct ServerKind {
  let name: String
  /// For the load generator: bytes to be echoed, or a path.
  let request: String
  let ours: (recipe: PeerRecipe, arguments: [String])
  /// The first one decides.
  let peers: [PeerRecipe]

  /// Measures all, and makes a row of each thing that was measured beside each peer.
  ///
  /// - Parameters:
  ///   - connections: How many at once.
  ///   - rate: The budget, as a share of what the first peer does.
  ///   - unevenness: The budget for the longest wait, as a multiple of the median.
  ///   - load: The load generator.
  ///   - effort: How many rounds.
  /// - Returns: None when ours could not be measured.
  func rows(
    connections: Int, rate: Double? = nil, unevenness: Double? = nil, _ load: String,
    _ effort: Effort
  ) -> [Row] {
    let servers = [("ours", ours.recipe, ours.arguments)] + peers.map { ($0.name, $0, []) }
    let results = race(
      effort,
      servers.map { name, recipe, arguments in
        effort.peers.program(recipe).map { server in
          contestant(name, [server] + arguments, connections, load, effort)
        }
      })
    let what = "\(name), \(connections) connection" + (connections == 1 ? "" : "s")
    let order = peers.map(\.name)
    func figure(_ title: String, _ unit: String, _ key: String, _ budget: Row.Budget = .none)
      -> Figure?
    {
      results.figure("\(what), \(title)", unit: unit, key: key, order: order, budget: budget)
    }
    return [
      figure(
        "round trips", "a second", "rate", rate.map { .atLeastTimesPeer($0) } ?? .none),
      figure("server time each", "ns", "cpu"),
      figure("median wait", "us", "median"),
      figure("99th percentile", "us", "p99"),
      figure("longest wait", "us", "longest"),
      figure(
        "longest wait / median", "times", "unevenness",
        unevenness.map { .atMost($0) } ?? .none),
    ].rows(decidedBy: order.first)
  }

  private func contestant(
    _ name: String, _ server: [String], _ connections: Int, _ load: String, _ effort: Effort
  ) -> Contestant {
    let seconds = effort.isQuick ? "0.3" : "0.6"
    return Contestant(
      name: name,
      command: Command(
        program: load, arguments: ["\(connections)", seconds, request] + server, processor: 1,
        environment: ["GOMAXPROCS": "1"]))
  }
}
