/// Fibers are left, and nothing can wake any of them.
///
/// Each waits for another one: no timer is set, and no other thread holds a waker.
public struct FiberDeadlock: Error, Sendable, CustomStringConvertible {
  /// The fibers that are left, in the order of their numbers.
  public let fibers: [FiberReport]
  /// Numbers of fibers that wait for each other in a circle, the first for the second and the last
  /// for the first; empty when there is none, such as when nobody is left to send to a receiver.
  public let cycle: [Int]

  init(_ fibers: [FiberReport]) {
    self.fibers = fibers
    cycle = Self.cycle(among: fibers)
  }

  /// Each fiber waits for one other at most: follow each chain until it ends or meets itself.
  private static func cycle(among fibers: [FiberReport]) -> [Int] {
    let next = Dictionary(
      uniqueKeysWithValues: fibers.compactMap { report in
        report.waitsForFiber.map { (report.id, $0) }
      })
    var done: Set<Int> = []
    for start in fibers.map(\.id) {
      var path: [Int] = []
      var at: Int? = start
      while let id = at, done.insert(id).inserted {
        path.append(id)
        at = next[id]
      }
      // Met a fiber seen before: a cycle when it is on this very path.
      if let at, let first = path.firstIndex(of: at) { return Array(path[first...]) }
    }
    return []
  }

  /// Who waits for what, a line each, and the circle.
  public var description: String {
    let who = fibers.count == 1 ? "fiber that is" : "\(fibers.count) fibers that are"
    var text = "deadlock: nothing can wake the \(who) left\n"
    for fiber in fibers { text += "  \(fiber)\n" }
    if let first = cycle.first {
      let labels = (cycle + [first]).map { id in
        fibers.first { $0.id == id }?.label ?? "#\(id)"
      }
      text += "  cycle: " + labels.joined(separator: " waits for ") + "\n"
    }
    return text
  }
}

extension FiberDeadlock? {
  func orThrow() throws(FiberDeadlock) { if let self { throw self } }
}

extension Scheduler {
  func deadlock() -> FiberDeadlock { FiberDeadlock(dump().fibers) }
}
