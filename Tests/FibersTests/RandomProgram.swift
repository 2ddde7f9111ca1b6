import TestSupport

/// A small language of what fibers do to each other.
indirect enum Operation {
  /// Yield; when that throws: go on (`caught`), or let it end the fiber.
  case yield(caught: Bool)
  /// Spawn a fiber that runs the program with this number.
  case spawn(Int)
  /// Wait for a fiber by its number (modulo those there are).
  case join(Int, caught: Bool)
  case cancel(Int)
  case shield([Operation])
  /// A scope with a child for each program, and a body.
  case scope([Int], [Operation])
}

/// Programs that spawn each other, starting with number 0.
struct RandomPrograms {
  /// No more fibers than this are spawned in one run.
  static let fiberLimit = 40

  var programs: [[Operation]] = []

  init(_ seed: inout Seed) {
    for _ in 0..<5 {
      let count = Int.random(in: 1...8, using: &seed)
      programs.append(Self.operations(count, depth: 0, &seed))
    }
  }

  private static func operations(
    _ count: Int, depth: Int, shielded: Bool = false, _ seed: inout Seed
  ) -> [Operation] {
    (0..<count).map { _ in operation(depth: depth, shielded: shielded, &seed) }
  }

  private static func operation(
    depth: Int, shielded: Bool, _ seed: inout Seed
  ) -> Operation {
    let nested = depth < 2
    switch Int.random(in: 0..<(nested ? 12 : 9), using: &seed) {
    case 0, 1, 2: return .yield(caught: Bool.random(using: &seed))
    case 3, 4: return .spawn(Int.random(in: 0..<5, using: &seed))
    case 5, 6:
      // Two shielded fibers that wait for each other would wait for ever.
      if shielded { return .yield(caught: true) }
      return .join(Int.random(in: 0..<100, using: &seed), caught: Bool.random(using: &seed))
    case 7, 8: return .cancel(Int.random(in: 0..<100, using: &seed))
    case 9:
      let count = Int.random(in: 0...3, using: &seed)
      return .shield(operations(count, depth: depth + 1, shielded: true, &seed))
    default:
      let children = (0..<Int.random(in: 0...3, using: &seed)).map { _ in
        Int.random(in: 0..<5, using: &seed)
      }
      let count = Int.random(in: 0...3, using: &seed)
      return .scope(children, operations(count, depth: depth + 1, shielded: shielded, &seed))
    }
  }
}
