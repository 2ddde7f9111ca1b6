import CBenchmarks
import Glibc

// Benchmarks [--quick] [--json FILE] [--only WORD]: measures all, or the groups whose name has WORD.

var effort = Effort()
var jsonPath: String?
var only: String?
var arguments = CommandLine.arguments.dropFirst()
while let argument = arguments.popFirst() {
  switch argument {
  case "--quick": effort = Effort(rounds: 3, sample: 200_000)
  case "--json": jsonPath = arguments.popFirst()
  case "--only": only = arguments.popFirst()
  default:
    complain("usage: Benchmarks [--quick] [--json FILE] [--only WORD]")
    exit(2)
  }
}

let groups: [(name: String, run: (Effort) -> [Row])] = [
  ("chains", chainRows),
  (
    "polls",
    { effort in
      let rows = repeatedPollRows(effort)
      return rows + [flatness(rows, name: "waitMultiple, polls: flat in N")]
    }
  ),
  (
    "wakes",
    { effort in
      let rows = wakeRows(effort)
      return rows + [flatness(rows, name: "waitMultiple, wakes: flat in N")]
    }
  ),
  ("synchronous", synchronousRows),
  ("threads", threadRows),
  ("durable", durableRows),
  ("persistent", persistentRows),
]

// The waiter on the first core; what it waits for on the second.
if bench_pin(0) != 0 { print("not pinned: figures of several threads will vary") }
var rows: [Row] = []
for group in groups where only.map({ group.name.contains($0) }) ?? true {
  rows += group.run(effort)
}
printTable(rows)
do throws(ReportError) {
  if let jsonPath { try writeJSON(rows, to: jsonPath) }
} catch {
  complain("Benchmarks: \(error)")
  exit(1)
}
