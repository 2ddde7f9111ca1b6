import CBenchmarks

/// Measures the groups that are asked for and reports.
///
/// - Returns: The exit status: 0 unless a report could not be written, or one of ours has failed;
///   neither peers that are missing nor budgets count.
func drive(_ options: Options) -> CInt {
  let peers = PeerBuilder(mayInstall: options.mayInstall)
  let effort =
    options.isQuick
    ? Effort(rounds: 3, sample: 200_000, isQuick: true, peers: peers) : Effort(peers: peers)
  let groups = Group.all.filter { group in options.only.map { group.name.contains($0) } ?? true }
  guard !groups.isEmpty else {
    complain(
      "Benchmarks: no such group; there are: " + Group.all.map(\.name).joined(separator: ", "))
    return 2
  }
  do throws(ReportError) {
    // Before all is measured in vain.
    if let path = options.jsonPath { try checkWritable(path) }
  } catch {
    complain("Benchmarks: \(error)")
    return 1
  }
  // The waiter on the first core; what it waits for on the second.
  if bench_pin(0) != 0 { complain("not pinned: figures of several threads will vary") }
  var results: [GroupResult] = []
  for group in groups {
    complain("measuring: \(group.name)")
    let disturbance = Disturbance()
    let rows = group.rows(effort)
    results.append(GroupResult(group: group, rows: rows, disturbance: disturbance.share))
  }
  let rows = results.flatMap(\.rows)
  print(tableText(rows), terminator: "")
  print(summary(rows))
  for result in results { if let remark = result.remark { print(remark) } }
  for missing in peers.missing { print("missing: \(missing.name) (\(missing.reason))") }
  do throws(ReportError) {
    if let path = options.jsonPath { try writeFile(jsonText(rows), to: path) }
    if options.writesDocs {
      try Document(
        results: results, missing: peers.missing, machine: MachineFacts(peers),
        isQuick: options.isQuick
      ).write()
    }
    return peers.missing.contains(where: \.isOurs) ? 1 : 0
  } catch {
    complain("Benchmarks: \(error)")
    return 1
  }
}
