/// The part of `docs/performance.md` that is written by the benchmark, and its charts.
struct Document {
  let results: [GroupResult]
  let missing: [PeerBuilder.Missing]
  let machine: MachineFacts
  let isQuick: Bool

  private static let begin = "<!-- figures -->"
  private static let end = "<!-- end of figures -->"
  private static let path = Place.root + "/docs/performance.md"
  private static let charts = Place.root + "/docs/performance"

  /// Replaces the figures and charts that are there.
  ///
  /// - Throws: ``ReportError``; also if the document has no marks between which to write.
  func write() throws(ReportError) {
    let old = try readFile(Self.path)
    guard let start = old.firstRange(of: Self.begin), let stop = old.firstRange(of: Self.end) else {
      throw ReportError(path: Self.path + " has no \(Self.begin) and \(Self.end)", errno: 0)
    }
    let new = old[..<start.upperBound] + "\n" + text() + old[stop.lowerBound...]
    try writeCharts()
    try writeFile(String(new), to: Self.path)
  }

  private func writeCharts() throws(ReportError) {
    _ = try? Command(program: "mkdir", arguments: ["-p", Self.charts]).run()
    for result in results {
      let title = result.group.name
      if let chart = barChart(title, result.rows) { try write(chart, title) }
      for chart in LineChart.all(in: result.rows) { try write(chart.drawn(), chart.title) }
    }
  }

  private func write(_ chart: SVG, _ title: String) throws(ReportError) {
    try writeFile(chart.document, to: "\(Self.charts)/\(fileName(title))")
  }

  /// `Parked fibers, ns` becomes `parked-fibers-ns.svg`.
  private func fileName(_ title: String) -> String {
    title.lowercased().split { !$0.isLetter && !$0.isNumber }.joined(separator: "-") + ".svg"
  }

  private func text() -> String {
    let rows = results.flatMap(\.rows)
    let how = isQuick ? "a quick look (`--quick`): three rounds" : "medians of up to nine rounds"
    return """
      \(summary(rows)) Measured \(machine.date): \(how). \(machine.text)
      \(missing.isEmpty ? "" : "\nMissing: " + missing.map { "\($0.name) (\($0.reason))" }.joined(separator: "; ") + ".\n")
      ## Budgets not met

      \(verdicts(rows.filter { $0.isMet == false }))
      ## Budgets met

      \(verdicts(rows.filter { $0.isMet == true }))
      ## All figures

      \(results.map(section).joined(separator: "\n"))
      """
  }

  private func verdicts(_ rows: [Row]) -> String {
    if rows.isEmpty { return "None.\n" }
    let lines = rows.map { row in
      let limit = row.limit.map { short($0) } ?? ""
      let peer = row.peer.map { "\(row.peerName): \(short($0.median))" } ?? ""
      return "| \(row.name) | \(short(row.ours.median)) \(row.unit) | \(row.budgetText) | \(limit)"
        + " | \(peer) |\n"
    }
    return "| what | ours | budget | limit here | beside |\n|---|---|---|---|---|\n"
      + lines.joined()
  }

  private func section(_ result: GroupResult) -> String {
    let (group, rows) = (result.group, result.rows)
    var text = "### \(group.name.prefix(1).uppercased() + group.name.dropFirst())\n\n"
    if let remark = result.remark { text += "Take with care: \(remark).\n\n" }
    if barChart(group.name, rows) != nil { text += image(group.name) }
    for chart in LineChart.all(in: rows) { text += image(chart.title) }
    text += "| what | unit | ours | min..max | peer | theirs | min..max | ratio |\n"
    text += "|---|---|---|---|---|---|---|---|\n"
    var last = ""
    for row in rows {
      // Ours stand in the first row of a figure only.
      let ours =
        row.name == last
        ? " | | | " : "\(row.name) | \(row.unit) | \(short(row.ours.median)) | \(spread(row.ours))"
      last = row.name
      text += "| \(ours) | \(row.peerName) | \(row.peer.map { short($0.median) } ?? "")"
      text += " | \(row.peer.map(spread) ?? "") | \(row.ratio.map { short($0) } ?? "") |\n"
    }
    return text
  }

  private func image(_ title: String) -> String {
    "![\(title)](performance/\(fileName(title)))\n\n"
  }
}
