/// Shows how far something has come: a bar on a terminal, else a line for each quarter.
package struct Progress: ~Copyable {
  private let label: String
  private let total: Int
  private var done = 0
  private let clock = ContinuousClock()
  private let start: ContinuousClock.Instant
  private var lastDrawn: ContinuousClock.Instant?

  private static let interval = Duration.milliseconds(100)

  /// Shows nothing yet.
  ///
  /// - Parameters:
  ///   - label: What is done to the bytes, such as "copied".
  ///   - byteCount: How many there are.
  package init(_ label: String, byteCount: Int) {
    self.label = label
    total = byteCount
    start = clock.now
  }

  // Whatever is written next begins on a line of its own.
  deinit { if lastDrawn != nil { Console.write("\n") } }

  /// So many more bytes are done.
  package mutating func advance(by byteCount: Int) {
    let before = done
    done += byteCount
    if let width = Console.terminalWidth {
      redraw(width)
    } else if quarter(done) > quarter(before) {
      Console.write("\(label) \(25 * quarter(done))% of \(formatByteCount(total))\n")
    }
  }

  private func quarter(_ count: Int) -> Int {
    Int(4 * Double(count) / Double(total))
  }

  private mutating func redraw(_ width: Int) {
    let now = clock.now
    if let lastDrawn, now - lastDrawn < Self.interval, done < total { return }
    lastDrawn = now
    let line = progressLine(label, done: done, of: total, after: now - start, width: width)
    Console.write("\r" + line)
  }
}

/// A bar with the share that is done, the rate and the time left, one column less than `width`.
package func progressLine(
  _ label: String, done: Int, of total: Int, after elapsed: Duration, width: Int
) -> String {
  let share = total == 0 ? 1 : Double(done) / Double(total)
  let rate = Double(done) / max(elapsed / .seconds(1), 1e-9)
  let left = rate == 0 ? "-:--" : formatSeconds(Double(total - done) / rate)
  let percent = pad(String(Int(share * 100)), 3)
  let text = " \(percent)%  \(pad(formatRate(rate), 11))  \(pad(left, 7)) left"
  let columns = width - 1
  let room = columns - label.count - text.count - 3
  let full = Int(share * Double(max(room, 0)))
  let bar =
    room < 4
    ? ""
    : " [" + String(repeating: "#", count: full) + String(repeating: "-", count: room - full) + "]"
  let line = String((label + bar + text).prefix(columns))
  return line + String(repeating: " ", count: max(0, columns - line.count))
}
