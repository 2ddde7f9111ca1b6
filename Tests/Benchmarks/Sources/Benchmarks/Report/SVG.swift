/// A drawing in SVG, readable on light and on dark background.
struct SVG {
  /// Ours first; then the peers in their order.
  ///
  /// Middle tones, which both backgrounds show.
  static let colors = ["#d9480f", "#1c7ed6", "#2f9e44", "#9c36b5", "#e8a400", "#868e96", "#0c8599"]

  let width: Int
  let height: Int
  private var elements: [String] = []

  init(width: Int, height: Int) {
    self.width = width
    self.height = height
  }

  enum Anchor: String {
    case start, middle, end
  }

  mutating func text(
    _ text: String, _ x: Double, _ y: Double, anchor: Anchor = .start, size: Int = 12,
    isBold: Bool = false
  ) {
    let weight = isBold ? " font-weight=\"bold\"" : ""
    elements.append(
      "<text x=\"\(pixel(x))\" y=\"\(pixel(y))\" text-anchor=\"\(anchor)\" font-size=\"\(size)\""
        + "\(weight)>\(escaped(text))</text>")
  }

  mutating func bar(_ x: Double, _ y: Double, width: Double, height: Double, color: Int) {
    elements.append(
      "<rect x=\"\(pixel(x))\" y=\"\(pixel(y))\" width=\"\(pixel(max(1, width)))\""
        + " height=\"\(pixel(height))\" rx=\"2\" fill=\"\(Self.color(color))\"/>")
  }

  /// A thin line of the grid.
  mutating func rule(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) {
    elements.append(
      "<line x1=\"\(pixel(x1))\" y1=\"\(pixel(y1))\" x2=\"\(pixel(x2))\" y2=\"\(pixel(y2))\""
        + " class=\"rule\"/>")
  }

  /// A line through points, each of them marked.
  mutating func path(_ points: [(x: Double, y: Double)], color: Int) {
    let list = points.map { "\(pixel($0.x)),\(pixel($0.y))" }.joined(separator: " ")
    elements.append(
      "<polyline points=\"\(list)\" fill=\"none\" stroke=\"\(Self.color(color))\""
        + " stroke-width=\"2\"/>")
    for point in points {
      elements.append(
        "<circle cx=\"\(pixel(point.x))\" cy=\"\(pixel(point.y))\" r=\"3\""
          + " fill=\"\(Self.color(color))\"/>")
    }
  }

  /// The whole file.
  var document: String {
    """
    <svg xmlns="http://www.w3.org/2000/svg" width="\(width)" height="\(height)" \
    viewBox="0 0 \(width) \(height)" font-family="system-ui, sans-serif">
    <style>
    text { fill: #24292f }
    .rule { stroke: #8c959f; stroke-opacity: 0.35 }
    @media (prefers-color-scheme: dark) { text { fill: #d0d7de } }
    </style>

    """ + elements.map { $0 + "\n" }.joined() + "</svg>\n"
  }

  private static func color(_ index: Int) -> String { colors[index % colors.count] }

  private func pixel(_ value: Double) -> String {
    let tenths = (value * 10).rounded() / 10
    return tenths == tenths.rounded() ? String(Int(tenths)) : String(tenths)
  }

  private func escaped(_ text: String) -> String {
    text.map { $0 == "&" ? "&amp;" : $0 == "<" ? "&lt;" : $0 == ">" ? "&gt;" : String($0) }.joined()
  }
}
