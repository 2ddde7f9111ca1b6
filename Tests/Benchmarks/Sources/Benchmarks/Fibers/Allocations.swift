/// How many heap allocations warm operations make, counted by a malloc of its own.
func allocationRows(_ effort: Effort) -> [Row] {
  guard let program = effort.peers.program(.fibersAllocations) else { return [] }
  do throws(CommandError) {
    let output = try Command(program: program, secondsAllowed: 120).run()
    // Lines such as `yield, isolated: 0.0 allocations (at most 0.0)`.
    return output.split(separator: "\n").compactMap { line in
      let parts = line.split(separator: ":")
      let numbers = line.split { !"0123456789.".contains($0) }.compactMap { Double($0) }
      guard parts.count == 2, let value = numbers.dropLast().last, let allowed = numbers.last
      else { return nil }
      return Row(
        name: "allocations: \(parts[0])", unit: "each", ours: Samples([value]),
        budget: .atMost(allowed))
    }
  } catch {
    effort.peers.lack("fibers-allocations", "\(error)", isOurs: true)
    return []
  }
}
