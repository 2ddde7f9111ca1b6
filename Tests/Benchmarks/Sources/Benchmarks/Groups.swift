/// What a group measured.
struct GroupResult {
  let group: Group
  let rows: [Row]
  /// The share of a processor that other programs had meanwhile.
  let disturbance: Double

  /// A warning, if others used the machine so much that it shows.
  var remark: String? {
    guard disturbance > Disturbance.limit else { return nil }
    let percent = Int((disturbance * 100).rounded())
    return "disturbed: others had \(percent) % of a processor while \(group.name) was measured"
  }
}

/// Rows that are measured together.
struct Group: Sendable {
  /// What `--only` looks for; also the title of its part of the report.
  let name: String
  let rows: @Sendable (Effort) -> [Row]

  init(_ name: String, _ rows: @escaping @Sendable (Effort) -> [Row]) {
    self.name = name
    self.rows = rows
  }

  /// All, in the order of the report.
  static let all: [Group] = [
    Group("chains", chainRows),
    Group("polls") { effort in
      let rows = repeatedPollRows(effort)
      return rows + [flatness(rows, name: "waitMultiple, polls: flat in N")]
    },
    Group("wakes") { effort in
      let rows = wakeRows(effort)
      return rows + [flatness(rows, name: "waitMultiple, wakes: flat in N")]
    },
    Group("synchronous mover", synchronousRows),
    Group("thread mover", threadRows),
    Group("durable copies", durableRows),
    Group("persistent memory", persistentRows),
    Group("switch", switchRows),
    Group("yield", yieldRows),
    Group("spawn", spawnRows),
    Group("channels", channelRows),
    Group("shared channels", sharedChannelRows),
    Group("parked fibers", parkedRows),
    Group("timers", timerRows),
    Group("mutexes", mutexRows),
    Group("cross-thread wakes", crossWakeRows),
    Group("scaling", scalingRows),
    Group("network", networkRows),
    Group("allocations", allocationRows),
  ]
}
