import Glibc

/// Prints the rows as an aligned table.
func printTable(_ rows: [Row]) {
  let header = ["what", "unit", "ours", "min..max", "peer", "", "ratio", "budget", ""]
  let lines = rows.map { row in
    [
      row.name, row.unit, short(row.ours.median),
      "\(short(row.ours.minimum))..\(short(row.ours.maximum))",
      row.peer.map { short($0.median) } ?? "", row.peerName,
      row.ratio.map { short($0) } ?? "", row.budgetText,
      row.isMet.map { $0 ? "met" : "NOT MET" } ?? "",
    ]
  }
  let widths = header.indices.map { column in
    max(header[column].count, lines.map { $0[column].count }.max() ?? 0)
  }
  for line in [header] + lines {
    let cells = zip(line, widths).map { cell, width in
      cell + String(repeating: " ", count: width - cell.count)
    }
    print(cells.joined(separator: "  "))
  }
}

/// Writes the rows as a JSON array.
///
/// - Throws: ``ReportError`` if the file cannot be written.
func writeJSON(_ rows: [Row], to path: String) throws(ReportError) {
  let objects = rows.map { row in
    let fields = [
      "\"name\": \"\(row.name)\"", "\"unit\": \"\(row.unit)\"", "\"ours\": \(row.ours.median)",
      "\"peer\": \(row.peer.map { "\($0.median)" } ?? "null")",
      "\"peerName\": \"\(row.peerName)\"", "\"ratio\": \(row.ratio.map { "\($0)" } ?? "null")",
      "\"budget\": \"\(row.budgetText)\"", "\"met\": \(row.isMet.map { "\($0)" } ?? "null")",
    ]
    return "  {" + fields.joined(separator: ", ") + "}"
  }
  let text = "[\n" + objects.joined(separator: ",\n") + "\n]\n"
  guard let file = fopen(path, "w") else { throw ReportError(path: path, errno: errno) }
  let written = fputs(text, file)
  guard fclose(file) == 0, written >= 0 else { throw ReportError(path: path, errno: errno) }
}

/// Why the report could not be written.
struct ReportError: Error, CustomStringConvertible {
  let path: String
  let errno: CInt

  var description: String { "\(path): \(String(cString: strerror(errno)))" }
}

/// Writes a line to standard error.
func complain(_ line: String) {
  var text = line + "\n"
  _ = text.withUTF8 { write(STDERR_FILENO, $0.baseAddress, $0.count) }
}
