import Fibers
import TestSupport
import Testing

/// Runs the programs with real fibers and notes the same things as ``ModelInterpreter``.
final class RealInterpreter {
  let programs: [[Operation]]
  private var trace: [String] = []
  private var fibers: [Fiber<Void, any Error>] = []

  init(_ programs: [[Operation]]) { self.programs = programs }

  func run(_ configuration: FiberRuntime.Configuration) throws -> [String] {
    let runtime = try FiberRuntime(configuration)
    fibers.append(try runtime.spawn { try self.body(0, 0) })
    while let deadlock = deadlock(of: runtime) {
      trace.append("stalled \(deadlock.fibers.count)")
      precondition(trace.count < 1_000_000, "the programs never end")
      for fiber in fibers { fiber.cancel() }
    }
    return trace
  }

  private func deadlock(of runtime: FiberRuntime) -> FiberDeadlock? {
    do throws(FiberDeadlock) {
      try runtime.run()
      return nil
    } catch {
      return error
    }
  }

  private func body(_ id: Int, _ program: Int) throws {
    do {
      try perform(programs[program], id)
    } catch {
      // The scope hears of the error before anything is noted, as in the model.
      trace.append("\(id) end failed")
      throw error
    }
    trace.append("\(id) end")
  }

  private func perform(_ operations: [Operation], _ id: Int) throws {
    for operation in operations { try perform(operation, id) }
  }

  private func perform(_ operation: Operation, _ id: Int) throws {
    switch operation {
    case .yield(let caught):
      do {
        try Fiber.yield()
        trace.append("\(id) yield")
      } catch {
        trace.append("\(id) yield cancelled")
        if !caught { throw error }
      }
    case .spawn(let program):
      let child = fibers.count
      guard child < RandomPrograms.fiberLimit else { return }
      trace.append("\(id) spawn \(child)")
      fibers.append(try Fiber.spawn { try self.body(child, program) })
    case .join(let number, let caught):
      let target = number % fibers.count
      if target == id { return }
      do {
        let failed = if case .failure = try fibers[target].result() { true } else { false }
        trace.append("\(id) join \(target) \(failed ? "failed" : "returned")")
      } catch {
        trace.append("\(id) join cancelled")
        if !caught { throw error }
      }
    case .cancel(let number):
      let target = number % fibers.count
      trace.append("\(id) cancel \(target)")
      fibers[target].cancel()
    case .shield(let operations):
      try Fiber.shield { try perform(operations, id) }
    case .scope(let children, let operations):
      trace.append("\(id) scope")
      do {
        try withFiberScope { scope in
          for program in children where fibers.count < RandomPrograms.fiberLimit {
            let child = fibers.count
            fibers.append(try scope.spawn { try self.body(child, program) })
          }
          try perform(operations, id)
        }
        trace.append("\(id) scope returned")
      } catch {
        trace.append("\(id) scope failed")
        throw error
      }
    }
  }
}

@Suite("Random programs")
struct PropertyTests {
  static let modes: [FiberRuntime.Exclusivity] = [.isolated, .shared]

  @Test("Random programs do what the model says, twice the same", arguments: modes)
  func againstModel(mode: FiberRuntime.Exclusivity) throws {
    var seeds = Seed()
    let rounds = (isSanitized ? 100 : 400) * stressFactor
    var configuration = FiberRuntime.Configuration()
    configuration.exclusivity = mode
    for _ in 0..<rounds {
      var seed = Seed(seeds.next())
      let programs = RandomPrograms(&seed).programs
      let model = ModelInterpreter(programs).run()
      let first = try RealInterpreter(programs).run(configuration)
      let second = try RealInterpreter(programs).run(configuration)
      try #require(first == second, "not deterministic: \(seeds.description)")
      if first != model {
        let index = zip(first, model).prefix { $0 == $1 }.count
        let context = first.prefix(index).suffix(5).joined(separator: "\n")
        Issue.record(
          """
          differs from the model at step \(index), \(seeds.description)
          \(context)
          real: \(index < first.count ? first[index] : "nothing")
          model: \(index < model.count ? model[index] : "nothing")
          """)
        return
      }
    }
  }
}
