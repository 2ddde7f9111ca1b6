/// Explores every interleaving of a few small programs that share a state, breadth-first.
///
/// A model is a value: the shared state and where each thread stands. `step` makes one atomic step
/// of one thread, or returns `nil` if that thread has ended or cannot go on now. The invariant is
/// checked in every state; a state in which nobody can go on is final.
struct Explorer<Model: Hashable> {
  let threads: Int
  /// One step of a thread; `nil` if it has ended or is blocked.
  let step: (Model, Int) -> Model?
  /// What is wrong in a state, if anything.
  let violation: (Model) -> String?
  /// What is wrong in a state in which no thread can go on, if anything.
  let finalViolation: (Model) -> String?

  struct Outcome {
    var states = 0
    var finals = 0
    /// What is wrong, and the steps that lead there.
    var failure: (message: String, trace: String)?
  }

  func explore(from start: Model, limit: Int = 200_000) -> Outcome {
    var outcome = Outcome()
    // The state each was reached from, and by which thread's step.
    var origin: [Model: (from: Model, thread: Int)?] = [start: nil]
    var queue = [start]
    var head = 0
    while head < queue.count, queue.count < limit {
      let model = queue[head]
      head += 1
      outcome.states += 1
      if let message = violation(model) {
        outcome.failure = (message, trace(to: model, origin))
        return outcome
      }
      var isFinal = true
      for thread in 0..<threads {
        guard let next = step(model, thread) else { continue }
        isFinal = false
        if origin[next] == nil {
          origin[next] = .some((model, thread))
          queue.append(next)
        }
      }
      guard isFinal else { continue }
      outcome.finals += 1
      if let message = finalViolation(model) {
        outcome.failure = (message, trace(to: model, origin))
        return outcome
      }
    }
    if head < queue.count { outcome.failure = ("more than \(limit) states", "") }
    return outcome
  }

  private func trace(
    to model: Model, _ origin: [Model: (from: Model, thread: Int)?]
  ) -> String {
    var steps: [String] = []
    var current = model
    while case .some(.some(let (from, thread))) = origin[current] {
      steps.append("thread \(thread): \(current)")
      current = from
    }
    return (["start: \(current)"] + steps.reversed()).joined(separator: "\n")
  }
}
