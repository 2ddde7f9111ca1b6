import Glibc

/// A program that takes part in a measurement: it prints one number, or lines `KEY VALUE`.
struct Contestant {
  let name: String
  let command: Command

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
        program: "/proc/self/exe", arguments: words, processor: processor, secondsAllowed: 300))
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
/// One that fails is out, and noted as missing.
///
/// - Parameters:
///   - effort: How many rounds.
///   - rounds: The most rounds, for what takes long.
///   - contestants: In the order of their turns.
/// - Returns: What each measured, by its name.
func race(_ effort: Effort, rounds: Int = .max, _ contestants: [Contestant?]) -> [String: Results] {
  var values: [String: [String: [Double]]] = [:]
  var isOut: Set<String> = []
  for _ in 0..<min(effort.rounds, rounds) {
    for contestant in contestants.compactMap(\.self) where !isOut.contains(contestant.name) {
      do throws(CommandError) {
        for (key, value) in parse(try contestant.command.run()) {
          values[contestant.name, default: [:]][key, default: []].append(value)
        }
      } catch {
        isOut.insert(contestant.name)
        values[contestant.name] = nil
        let what = contestant.command.arguments.joined(separator: " ")
        effort.peers.lack("\(contestant.name): \(what)", "\(error)")
      }
    }
  }
  return values.mapValues { $0.mapValues(Samples.init) }
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
  func figure(
    _ name: String, of contestant: String = "ours", unit: String = "ns", key: String = "",
    peerKey: String? = nil, order: [String] = [], budget: Row.Budget = .none
  ) -> Figure? {
    guard let ours = self[contestant]?[key] else { return nil }
    let peers = order.compactMap { name in
      self[name]?[peerKey ?? key].map { Figure.Peer(name: name, samples: $0) }
    }
    return Figure(name: name, unit: unit, ours: ours, peers: peers, budget: budget)
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
