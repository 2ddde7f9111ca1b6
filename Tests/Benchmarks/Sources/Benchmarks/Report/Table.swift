/// The rows as an aligned table.
func tableText(_ rows: [Row]) -> String {
  let header = [
    "what", "unit", "ours", "min..max", "peer", "min..max", "", "ratio", "budget", "here", "",
  ]
  let lines = rows.map { row in
    [
      row.name, row.unit, short(row.ours.median), spread(row.ours),
      row.peer.map { short($0.median) } ?? "", row.peer.map(spread) ?? "", row.peerName,
      row.ratio.map { short($0) } ?? "", row.budgetText, row.limit.map { short($0) } ?? "",
      row.isMet.map { $0 ? "met" : "NOT MET" } ?? "",
    ]
  }
  let widths = header.indices.map { column in
    max(header[column].count, lines.map { $0[column].count }.max() ?? 0)
  }
  return ([header] + lines).map { line in
    zip(line, widths).map { cell, width in
      cell + String(repeating: " ", count: width - cell.count)
    }.joined(separator: "  ") + "\n"
  }.joined()
}

/// How many budgets are met, and which are not.
func summary(_ rows: [Row]) -> String {
  let verdicts = rows.compactMap(\.isMet)
  guard !verdicts.isEmpty else { return "No budgets here." }
  return "\(verdicts.count { $0 }) of \(verdicts.count) budgets are met."
}

/// The least and the greatest of the rounds.
func spread(_ samples: Samples) -> String {
  "\(short(samples.minimum))..\(short(samples.maximum))"
}
