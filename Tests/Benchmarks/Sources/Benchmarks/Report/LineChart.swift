import Glibc

/// Cost over size, both on logarithmic scales: a flat line costs the same however many there are.
struct LineChart {
  let title: String
  let unit: String
  /// Ours first.
  private(set) var lines: [(name: String, points: [(size: Double, value: Double)])] = []

  /// The charts that the rows have points of, in order.
  static func all(in rows: [Row]) -> [LineChart] {
    var charts: [LineChart] = []
    for row in rows {
      guard let point = row.point else { continue }
      if !charts.contains(where: { $0.title == point.chart }) {
        charts.append(LineChart(title: point.chart, unit: row.unit))
      }
      for index in charts.indices where charts[index].title == point.chart {
        charts[index].add(point.line, point.size, row.ours.median)
        if let peer = row.peer { charts[index].add(row.peerName, point.size, peer.median) }
      }
    }
    return charts
  }

  /// The points of a line come in the order of their size; one that is there already is not doubled.
  private mutating func add(_ line: String, _ size: Int, _ value: Double) {
    guard value > 0, value.isFinite else { return }
    let point = (size: Double(size), value: value)
    if let index = lines.firstIndex(where: { $0.name == line }) {
      if lines[index].points.last?.size != point.size { lines[index].points.append(point) }
    } else {
      lines.append((line, [point]))
    }
  }

  func drawn() -> SVG {
    var drawing = SVG(width: 860, height: 400)
    drawing.text("\(title), \(unit)", 10, 22, size: 15, isBold: true)
    drawLegend(&drawing, lines.map(\.name), y: 44)
    let points = lines.flatMap(\.points)
    let across = Decades(points.map(\.size))
    let up = Decades(points.map(\.value))
    func x(_ size: Double) -> Double { 70 + across.place(size) * 760 }
    func y(_ value: Double) -> Double { 360 - up.place(value) * 290 }
    for mark in across.marks {
      drawing.rule(x(mark), 70, x(mark), 360)
      drawing.text(short(mark), x(mark), 380, anchor: .middle, size: 11)
    }
    for mark in up.marks {
      drawing.rule(70, y(mark), 830, y(mark))
      drawing.text(short(mark), 62, y(mark) + 4, anchor: .end, size: 11)
    }
    for (index, line) in lines.enumerated() {
      drawing.path(line.points.map { (x($0.size), y($0.value)) }, color: index)
    }
    return drawing
  }
}

/// A logarithmic scale over whole powers of ten.
private struct Decades {
  let marks: [Double]
  private let first: Double
  private let count: Double

  init(_ values: [Double]) {
    let least = log10(values.min() ?? 1).rounded(.down)
    let most = max(least + 1, log10(values.max() ?? 1).rounded(.up))
    first = least
    count = most - least
    marks = (Int(least)...Int(most)).map { pow(10, Double($0)) }
  }

  /// From 0 to 1.
  func place(_ value: Double) -> Double { (log10(value) - first) / count }
}
