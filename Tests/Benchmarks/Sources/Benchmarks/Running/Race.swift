import Glibc

/// A program that takes part in a measurement: it prints one number, or lines `KEY VALUE`.
struct Contestant {
  let name: String
  let command: Command

  /// Whether it is this library: the driver itself, or one of our servers.
  var isOurs: Bool { name == "ours" || command.program == Self.driver }
  private static let driver = "/proc/self/exe"

  /// This library: the driver itself, as `Benchmarks measure NAME [N]`.
  ///
  /// - Parameters:
  ///   - measurement: One of ``measurements``.
  ///   - size: What it is measured for, such as the number of fibers.
  ///   - processor: The only one it may use; `nil`: it pins its threads itself.
  ///   - name: Its name in the results, where several of ours take part.
  static func ours(
    _ measurement: String, _ size: Int? = nil, named name: String = "ours",
    on processor: Int? = 1
  ) -> Contestant {
    let words = ["measure", measurement] + (size.map { [String($0)] } ?? [])
    return Contestant(
      name: name,
      command: Command(
        program: driver, arguments: words, processor: processor, secondsAllowed: 300))
  }

  /// A peer, unless it cannot be had.
  static func peer(
    _ recipe: PeerRecipe, _ effort: Effort, _ measurement: String, _ size: Int? = nil,
    named name: String? = nil, on processor: Int? = 1
  ) -> Contestant? {
    effort.peers.program(recipe).map { program in
      let words = [measurement] + (size.map { [String($0)] } ?? [])
      return Contestant(
        name: name ?? recipe.name,
        command: Command(
          program: program, arguments: words, processor: processor,
          environment: ["GOMAXPROCS": processor == nil ? "2" : "1"], secondsAllowed: 300))
    }
  }
}

/// What one contestant measured: samples by key; a lone number has the key "".
typealias Results = [String: Samples]

/// Runs each contestant once a round, so that all see the machine in the same mood.
///
/// A round that other programs disturbed is measured again, as often as there are rounds at most.
/// A contestant that fails is out, and noted as missing.
///
/// - Parameters:
///   - effort: How many rounds.
///   - rounds: The most rounds, for what takes long.
///   - contestants: In the order of their turns.
/// - Returns: What each measured, by its name.
func race(_ effort: Effort, rounds: Int = .max, _ contestants: [Contestant?]) -> [String: Results] {
  var values: [String: [String: [Double]]] = [:]
  var running = contestants.compactMap(\.self)
  var left = min(effort.rounds, rounds)
  var repetitions = left
  while left > 0 && !running.isEmpty {
    let disturbance = Disturbance()
    let round = runOnce(&running, effort)
    if disturbance.share > Disturbance.limit && repetitions > 0 {
      repetitions -= 1
      continue
    }
    left -= 1
    for (name, key, value) in round {
      values[name, default: [:]][key, default: []].append(value)
    }
  }
  let isRunning = Set(running.map(\.name))
  return values.filter { isRunning.contains($0.key) }.mapValues { $0.mapValues(Samples.init) }
}

/// One round; takes out who fails.
private func runOnce(_ running: inout [Contestant], _ effort: Effort)
  -> [(name: String, key: String, value: Double)]
{
  var round: [(String, String, Double)] = []
  running.removeAll { contestant in
    do throws(CommandError) {
      round += parse(try contestant.command.run()).map { (contestant.name, $0, $1) }
      return false
    } catch {
      let what = contestant.command.arguments.joined(separator: " ")
      effort.peers.lack(
        "\(contestant.name): \(what)", "\(error)", isOurs: contestant.isOurs)
      return true
    }
  }
  return round
}

extension Effort {
  /// What a peer measures in a process of its own, for figures of ours that take turns in this one.
  ///
  /// The program pins its threads itself, as this one does.
  func measured(
    _ recipe: PeerRecipe, _ measurement: String, _ size: Int? = nil, key: String = "",
    rounds: Int = .max
  ) -> Figure.Peer? {
    let results = race(
      self, rounds: rounds, [.peer(recipe, self, measurement, size, on: nil)])
    return results[recipe.name]?[key].map { Figure.Peer(name: recipe.name, samples: $0) }
  }
}

/// The numbers that a program printed; lines that are none are ignored.
func parse(_ output: String) -> [(String, Double)] {
  output.split(separator: "\n").compactMap { line in
    let words = line.split(separator: " ")
    guard let last = words.last, let value = Double(last) else { return nil }
    return (words.dropLast().joined(separator: " "), value)
  }
}

extension [String: Results] {
  /// One figure out of what was measured; `nil` when ours failed.
  ///
  /// - Parameters:
  ///   - name: Of the figure.
  ///   - contestant: Whose numbers are ours.
  ///   - unit: Of all its numbers.
  ///   - key: Which of the numbers that our program printed.
  ///   - peerKey: Which of the peers' numbers; `nil`: the same.
  ///   - order: Names of the peers, in the order of their rows.
  ///   - budget: What is asked of ours.
  ///   - point: Its place in a chart of cost over size.
  func figure(
    _ name: String, of contestant: String = "ours", unit: String = "ns", key: String = "",
    peerKey: String? = nil, order: [String] = [], budget: Row.Budget = .none,
    point: Row.Point? = nil
  ) -> Figure? {
    guard let ours = self[contestant]?[key] else { return nil }
    let peers = order.compactMap { name in
      self[name]?[peerKey ?? key].map { Figure.Peer(name: name, samples: $0) }
    }
    return Figure(name: name, unit: unit, ours: ours, peers: peers, budget: budget, point: point)
  }
}

extension [Figure?] {
  /// The rows of those that were measured.
  ///
  /// - Parameter reference: The peer whose rows have the budgets; the first of each if `nil`.
  func rows(decidedBy reference: String? = nil) -> [Row] {
    compactMap(\.self).flatMap { figure in
      var figure = figure
      figure.reference = reference
      return figure.rows
    }
  }
}
