/// Bars of ours beside its peers, for each figure of a group; `nil` when no figure has a peer.
///
/// Each figure has a scale of its own, on which its greatest bar is full; one that is more than ten
/// times as long as ours is cut, and its number says so with an arrow.
func barChart(_ title: String, _ rows: [Row]) -> SVG? {
  let figures = comparisons(rows)
  guard !figures.isEmpty else { return nil }
  let names = orderedNames(figures)
  let (barHeight, gap, left, right) = (14.0, 22.0, 330.0, 110.0)
  let barCount = figures.reduce(0) { $0 + $1.bars.count }
  let height = 70 + Double(barCount) * (barHeight + 2) + Double(figures.count) * gap / 2
  var drawing = SVG(width: 860, height: Int(height))
  drawing.text(title, 10, 22, size: 15, isBold: true)
  drawLegend(&drawing, names, y: 44)
  var y = 62.0
  for figure in figures {
    let greatest = min(figure.bars.map(\.value).max() ?? 1, 10 * figure.bars[0].value)
    let middle = y + Double(figure.bars.count) * (barHeight + 2) / 2 + 4
    drawing.text("\(figure.name) (\(figure.unit))", left - 10, middle, anchor: .end, size: 11)
    for bar in figure.bars {
      let isCut = bar.value > greatest
      let length = min(bar.value / greatest, 1) * (Double(drawing.width) - left - right)
      drawing.bar(
        left, y, width: length, height: barHeight, color: names.firstIndex(of: bar.name) ?? 0)
      drawing.text(
        (isCut ? "\u{2192} " : "") + short(bar.value), left + max(1, length) + 6, y + 11, size: 11)
      y += barHeight + 2
    }
    y += gap / 2
  }
  return drawing
}

/// The names of the lines or bars, with their colours, in a row.
func drawLegend(_ drawing: inout SVG, _ names: [String], y: Double) {
  var x = 10.0
  for (index, name) in names.enumerated() {
    drawing.bar(x, y - 10, width: 12, height: 12, color: index)
    drawing.text(name, x + 17, y, size: 12)
    x += 35 + 7.2 * Double(name.count)
  }
}

/// A figure and all whom it is compared with.
private struct Comparison {
  let name: String
  let unit: String
  var bars: [(name: String, value: Double)]
}

/// Rows of one figure are one comparison; those that are points of another chart are left out.
private func comparisons(_ rows: [Row]) -> [Comparison] {
  var figures: [Comparison] = []
  for row in rows where row.point == nil {
    guard let peer = row.peer, row.ours.median.isFinite else { continue }
    if figures.last?.name != row.name {
      figures.append(Comparison(name: row.name, unit: row.unit, bars: [("ours", row.ours.median)]))
    }
    figures[figures.count - 1].bars.append((row.peerName, peer.median))
  }
  return figures
}

private func orderedNames(_ figures: [Comparison]) -> [String] {
  var names: [String] = []
  for bar in figures.flatMap(\.bars) where !names.contains(bar.name) { names.append(bar.name) }
  return names
}
