/// One figure measured over several rounds.
struct Figure {
  let name: String
  let budget: Double?
  let measure: () throws -> Double
  var rounds: [Double] = []

  init(_ name: String, budget: Double? = nil, _ measure: @escaping () throws -> Double) {
    self.name = name
    self.budget = budget
    self.measure = measure
  }

  var median: Double { rounds.sorted()[rounds.count / 2] }

  var line: String {
    let sorted = rounds.sorted()
    let verdict =
      budget.map { median <= $0 ? "within \(text($0))" : "MISSES \(text($0))" } ?? "no budget"
    let figures = "\(text(sorted[0])) / \(text(median)) / \(text(sorted[sorted.count - 1]))"
    return pad(name, 44) + pad(figures, 28) + verdict
  }
}

/// Measures all figures in turn, `rounds` times, so that a disturbance meets all alike.
func measureInterleaved(_ figures: [Figure], rounds: Int) throws -> [Figure] {
  var figures = figures
  for round in 0...rounds {
    for index in figures.indices {
      let value = try figures[index].measure()
      if round > 0 { figures[index].rounds.append(value) }  // the first round warms up
    }
  }
  return figures
}

/// Nanoseconds per operation.
func nanoseconds(per operations: Int, _ body: () throws -> Void) rethrows -> Double {
  let duration = try ContinuousClock().measure(body)
  let (seconds, attoseconds) = duration.components
  return (Double(seconds) * 1e9 + Double(attoseconds) / 1e9) / Double(operations)
}

private func text(_ value: Double) -> String {
  let tenths = (value * 100).rounded() / 100
  return "\(tenths)"
}

private func pad(_ text: String, _ width: Int) -> String {
  text + String(repeating: " ", count: max(1, width - text.count))
}
