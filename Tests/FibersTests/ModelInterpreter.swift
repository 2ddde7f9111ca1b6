/// What the programs must do, by a second opinion: an interpreter without stacks or switches.
///
/// Written from the rules in the documentation, not from the scheduler: queues are arrays, fibers
/// are lists of frames, waiting is a set of numbers.
final class ModelInterpreter {
  final class Scope {
    var children: [Int] = []
    var failed = false
    var cancelled = false
  }

  enum Kind {
    case plain
    case shield
    case scope(Scope)
  }

  enum Frame {
    case operations([Operation], next: Int, Kind)
    /// The body is done; its children are waited for.
    case closing(Scope)
  }

  enum Wait {
    case none, yield
    case join(Int, caught: Bool)
    case closing
  }

  final class Fiber {
    var frames: [Frame]
    var wait = Wait.none
    var isParked = false
    var isInterrupted = false
    var pending = false
    var shields = 0
    var joiners: [Int] = []
    var ended = false
    var failed = false
    var scope: Scope?

    init(_ operations: [Operation], scope: Scope?) {
      frames = [.operations(operations, next: 0, .plain)]
      self.scope = scope
    }
  }

  let programs: [[Operation]]
  private(set) var trace: [String] = []
  private var fibers: [Fiber] = []
  private var ready: [Int] = []

  init(_ programs: [[Operation]]) { self.programs = programs }

  /// Runs everything to its end; what is stuck is cancelled, as the harness does.
  func run() -> [String] {
    spawn(0, scope: nil)
    while true {
      while !ready.isEmpty { turn(ready.removeFirst()) }
      let left = fibers.indices.filter { !fibers[$0].ended }
      if left.isEmpty { return trace }
      trace.append("stalled \(left.count)")
      for id in left { cancel(id) }
    }
  }

  private func spawn(_ program: Int, scope: Scope?) {
    fibers.append(Fiber(programs[program], scope: scope))
    ready.append(fibers.count - 1)
  }

  private func cancel(_ id: Int) {
    let fiber = fibers[id]
    if fiber.ended { return }
    if fiber.isParked, fiber.shields == 0 {
      fiber.isParked = false
      fiber.isInterrupted = true
      for other in fibers { other.joiners.removeAll { $0 == id } }
      ready.append(id)
    } else {
      fiber.pending = true
    }
  }

  private func delivers(_ fiber: Fiber) -> Bool {
    guard fiber.pending, fiber.shields == 0 else { return false }
    fiber.pending = false
    return true
  }

  /// One turn of a fiber: what it waited for is over.
  private func turn(_ id: Int) {
    let fiber = fibers[id]
    let interrupted = fiber.isInterrupted
    fiber.isInterrupted = false
    let wait = fiber.wait
    fiber.wait = .none
    switch wait {
    case .none: break
    case .yield: note(id, "yield", cancelled: delivers(fiber), target: nil)
    case .join(let target, _): note(id, "join", cancelled: interrupted, target: target)
    case .closing: if interrupted { closingCancelled(fiber) }
    }
    if case .yield = wait, trace.last?.hasSuffix("cancelled") == true, !caught(fiber) {
      raise(id)
    } else if case .join = wait, interrupted, !caught(fiber) {
      raise(id)
    }
    goOn(id)
  }

  /// Whether the operation just done catches its error.
  private func caught(_ fiber: Fiber) -> Bool {
    guard case .operations(let operations, let next, _) = fiber.frames.last else { return false }
    switch operations[next - 1] {
    case .yield(let caught), .join(_, let caught): return caught
    default: return false
    }
  }

  private func note(_ id: Int, _ what: String, cancelled: Bool, target: Int?) {
    if cancelled {
      trace.append("\(id) \(what) cancelled")
    } else if let target {
      trace.append("\(id) \(what) \(target) \(fibers[target].failed ? "failed" : "returned")")
    } else {
      trace.append("\(id) \(what)")
    }
  }

  /// Runs operations until the fiber suspends or ends.
  private func goOn(_ id: Int) {
    let fiber = fibers[id]
    while let frame = fiber.frames.last {
      switch frame {
      case .closing(let scope):
        if !close(id, scope) { return }
      case .operations(let operations, let next, let kind):
        guard next < operations.count else {
          fiber.frames.removeLast()
          switch kind {
          case .plain: break
          case .shield: fiber.shields -= 1
          case .scope(let scope): fiber.frames.append(.closing(scope))
          }
          continue
        }
        fiber.frames[fiber.frames.count - 1] = .operations(operations, next: next + 1, kind)
        if !perform(operations[next], id) { return }
      }
    }
    end(id)
  }

  /// Does one operation.
  ///
  /// False when the fiber has suspended.
  private func perform(_ operation: Operation, _ id: Int) -> Bool {
    let fiber = fibers[id]
    switch operation {
    case .yield(let caught):
      if delivers(fiber) {
        trace.append("\(id) yield cancelled")
        if !caught { raise(id) }
        return true
      }
      fiber.wait = .yield
      ready.append(id)
      return false
    case .spawn(let program):
      guard fibers.count < RandomPrograms.fiberLimit else { return true }
      trace.append("\(id) spawn \(fibers.count)")
      spawn(program, scope: nil)
    case .join(let number, let caught):
      let target = number % fibers.count
      if target == id { return true }
      if fibers[target].ended {
        note(id, "join", cancelled: false, target: target)
        return true
      }
      if delivers(fiber) {
        trace.append("\(id) join cancelled")
        if !caught { raise(id) }
        return true
      }
      fiber.wait = .join(target, caught: caught)
      fiber.isParked = true
      fibers[target].joiners.append(id)
      return false
    case .cancel(let number):
      let target = number % fibers.count
      trace.append("\(id) cancel \(target)")
      cancel(target)
    case .shield(let operations):
      fiber.shields += 1
      fiber.frames.append(.operations(operations, next: 0, .shield))
    case .scope(let children, let operations):
      let scope = Scope()
      trace.append("\(id) scope")
      for program in children where fibers.count < RandomPrograms.fiberLimit {
        scope.children.append(fibers.count)
        spawn(program, scope: scope)
      }
      fiber.frames.append(.operations(operations, next: 0, .scope(scope)))
    }
    return true
  }

  /// Waits for the children of a scope.
  ///
  /// False when the fiber has suspended.
  private func close(_ id: Int, _ scope: Scope) -> Bool {
    let fiber = fibers[id]
    while let child = scope.children.last {
      if fibers[child].ended {
        scope.children.removeLast()
      } else if delivers(fiber) {
        closingCancelled(fiber)
      } else {
        fiber.wait = .closing
        fiber.isParked = true
        fibers[child].joiners.append(id)
        return false
      }
    }
    fiber.frames.removeLast()
    trace.append("\(id) scope \(scope.failed ? "failed" : "returned")")
    if scope.failed { raise(id) }
    return true
  }

  private func closingCancelled(_ fiber: Fiber) {
    guard case .closing(let scope) = fiber.frames.last else { return }
    fail(scope, by: nil)
  }

  private func fail(_ scope: Scope, by child: Int?) {
    scope.failed = true
    scope.cancelled = true
    for other in scope.children where other != child { cancel(other) }
  }

  /// An error leaves the operation that runs: it ends frames up to a scope, or the fiber.
  private func raise(_ id: Int) {
    let fiber = fibers[id]
    while let frame = fiber.frames.popLast() {
      guard case .operations(_, _, let kind) = frame else { continue }
      switch kind {
      case .plain: break
      case .shield: fiber.shields -= 1
      case .scope(let scope):
        fail(scope, by: nil)
        fiber.frames.append(.closing(scope))
        return
      }
    }
    fiber.failed = true
  }

  private func end(_ id: Int) {
    let fiber = fibers[id]
    if fiber.failed, let scope = fiber.scope { fail(scope, by: id) }
    trace.append("\(id) end\(fiber.failed ? " failed" : "")")
    fiber.ended = true
    for joiner in fiber.joiners {
      fibers[joiner].isParked = false
      ready.append(joiner)
    }
    fiber.joiners = []
  }
}
