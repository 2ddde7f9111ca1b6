/// A number of bytes: decimal digits, and `K`, `M`, `G` or `T`, which may be followed by `iB`.
package func parseByteCount(_ text: String) -> Int? {
  let digits = text.prefix { $0.isASCII && $0.isNumber }
  let shifts = ["": 0, "K": 10, "M": 20, "G": 30, "T": 40]
  var unit = text[digits.endIndex...]
  if unit.hasSuffix("iB") && unit.count == 3 { unit.removeLast(2) }
  guard let number = parseNumber(digits), let shift = shifts[String(unit)] else { return nil }
  let (product, overflow) = number.multipliedReportingOverflow(by: 1 << shift)
  return overflow ? nil : product
}

/// A number that is written with decimal digits and nothing else.
package func parseNumber(_ text: Substring) -> Int? {
  text.allSatisfy { $0.isASCII && $0.isNumber } ? Int(text) : nil
}
