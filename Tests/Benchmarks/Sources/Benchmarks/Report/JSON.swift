/// The rows as a JSON array.
func jsonText(_ rows: [Row]) -> String {
  let objects = rows.map { row in
    let fields: [(String, String)] = [
      ("name", quoted(row.name)), ("unit", quoted(row.unit)), ("ours", number(row.ours.median)),
      ("peer", number(row.peer?.median)), ("peerName", quoted(row.peerName)),
      ("ratio", number(row.ratio)), ("budget", quoted(budget(row))),
      ("met", row.isMet.map { "\($0)" } ?? "null"),
      ("oursMin", number(row.ours.minimum)), ("oursMax", number(row.ours.maximum)),
      ("peerMin", number(row.peer?.minimum)), ("peerMax", number(row.peer?.maximum)),
    ]
    return "  {" + fields.map { "\"\($0)\": \($1)" }.joined(separator: ", ") + "}"
  }
  return "[\n" + objects.joined(separator: ",\n") + "\n]\n"
}

private func budget(_ row: Row) -> String {
  guard let limit = row.limit else { return row.budgetText }
  return "\(row.budgetText), here \(short(limit))"
}

private func number(_ value: Double?) -> String {
  guard let value, value.isFinite else { return "null" }
  return "\(value)"
}

private func quoted(_ text: String) -> String {
  var result = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": result += "\\\""
    case "\\": result += "\\\\"
    case "\u{0}"..<" ":
      result += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result + "\""
}
