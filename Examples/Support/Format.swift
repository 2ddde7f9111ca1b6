/// Numbers as people read them.

/// A number with so many digits after the point; not negative.
package func formatDecimal(_ value: Double, digits: Int) -> String {
  var scale = 1
  for _ in 0..<digits { scale *= 10 }
  guard value < 1e15 else { return "inf" }
  let scaled = Int((value * Double(scale)).rounded())
  guard digits > 0 else { return String(scaled) }
  let fraction = String(scaled % scale)
  return "\(scaled / scale).\(String(repeating: "0", count: digits - fraction.count))\(fraction)"
}

/// A number of bytes in the largest unit that fits: `37 bytes`, `1.5 MiB`.
package func formatByteCount(_ count: Int) -> String {
  let units = ["KiB", "MiB", "GiB", "TiB"]
  guard count >= 1024 else { return count == 1 ? "1 byte" : "\(count) bytes" }
  var value = Double(count) / 1024
  var unit = 0
  while value >= 1024, unit + 1 < units.count {
    value /= 1024
    unit += 1
  }
  return "\(formatDecimal(value, digits: 1)) \(units[unit])"
}

/// Bytes in a second, as gigabytes: `2.31 GB/s`.
package func formatRate(_ bytesPerSecond: Double) -> String {
  "\(formatDecimal(bytesPerSecond / 1e9, digits: 2)) GB/s"
}

/// Seconds as minutes or hours: `1:05`, `2:00:00`.
package func formatSeconds(_ seconds: Double) -> String {
  guard seconds < 360_000 else { return ">100 h" }
  let whole = Int(seconds.rounded(.up))
  let hours = whole / 3600
  let twoDigits = { (number: Int) in number < 10 ? "0\(number)" : String(number) }
  return hours == 0
    ? "\(whole / 60):\(twoDigits(whole % 60))"
    : "\(hours):\(twoDigits(whole / 60 % 60)):\(twoDigits(whole % 60))"
}

/// What was done, how fast.
package func summary(byteCount: Int, _ elapsed: Duration) -> String {
  let seconds = elapsed / .seconds(1)
  let rate = seconds > 0 ? Double(byteCount) / seconds : 0
  let time = formatDecimal(seconds, digits: 3)
  return "copied \(formatByteCount(byteCount)) in \(time) s: \(formatRate(rate))"
}

/// `text` at the right of so many columns.
package func pad(_ text: String, _ columns: Int) -> String {
  String(repeating: " ", count: max(0, columns - text.count)) + text
}

/// `text` at the left of so many columns.
package func padEnd(_ text: String, _ columns: Int) -> String {
  text + String(repeating: " ", count: max(0, columns - text.count))
}
