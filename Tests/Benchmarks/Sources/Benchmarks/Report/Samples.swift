/// The results of several rounds.
struct Samples {
  private let sorted: [Double]

  init(_ values: [Double]) { sorted = values.sorted() }

  var median: Double {
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }
  var minimum: Double { sorted[0] }
  var maximum: Double { sorted[sorted.count - 1] }

  /// Each sample changed alike, such as from time to rate.
  func map(_ change: (Double) -> Double) -> Samples { Samples(sorted.map(change)) }
}

/// A number with three digits that count.
func short(_ value: Double) -> String {
  guard value.isFinite else { return "-" }
  let magnitude = value.magnitude
  let decimals = magnitude >= 100 ? 0 : magnitude >= 10 ? 1 : 2
  var scale = 1.0
  for _ in 0..<decimals { scale *= 10 }
  let rounded = (value * scale).rounded() / scale
  return rounded == rounded.rounded() ? grouped(Int(rounded)) : String(rounded)
}

/// A whole number with commas between its thousands.
func grouped(_ number: Int) -> String {
  let digits = String(number.magnitude)
  var text = ""
  for (index, digit) in digits.enumerated() {
    if index > 0 && (digits.count - index) % 3 == 0 { text += "," }
    text.append(digit)
  }
  return number < 0 ? "-" + text : text
}
