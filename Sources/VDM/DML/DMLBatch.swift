/// Several requests on their way through libdml together: a pure value like ``DMLTransfer``.
///
/// Those that fit into one piece go in lists, one submission each; what cannot go in a list, or
/// did not end well there, is done as a transfer of its own, one after the other. A request is
/// done again as a whole then, which no request minds.
struct DMLBatch {
  /// What to do next.
  enum Step: Equatable {
    /// Submit the requests of ``list`` to this engine, and tell ``submitted(_:by:)``.
    case submit(DMLEngine)
    /// Check the job, and tell ``checked(_:item:)``.
    case check
    /// Go on with the transfer of this number, and tell ``ended(_:)``.
    case alone(Int)
    /// Nothing now; ``resume()`` later.
    case wait
    /// Each has been done, or has failed.
    case complete
  }

  private enum Phase { case ready, submitted, alone }

  /// All of them, in the order of the caller.
  var transfers: [DMLTransfer]
  /// Why those have failed that have.
  private(set) var errors: [VDMError?]
  /// Those that go together now.
  private(set) var list: [Int] = []
  private var next = 0
  private var alone: [Int] = []
  private var nextAlone = 0
  private var phase = Phase.ready
  private(set) var policy: DMLTransfer.Policy
  private let capacity: Int

  /// libdml makes no shorter lists; nops fill them up.
  static let shortestList = 4

  init(_ requests: [DMLRequest], _ policy: DMLTransfer.Policy, capacity: Int) {
    transfers = requests.map { DMLTransfer($0, policy) }
    errors = requests.map { $0.invalidArgument.map { .invalidArgument($0) } }
    self.policy = policy
    self.capacity = capacity
  }

  /// Whether a list or a transfer is at work, or has been.
  var isStarted: Bool {
    hasStarted || phase == .alone && transfers[alone[nextAlone]].isStarted
  }
  private var hasStarted = false

  /// Lets the CPU do what a device has no room for.
  mutating func fallBack() {
    policy.fallsBack = true
    for number in transfers.indices { transfers[number].policy.fallsBack = true }
  }

  /// Takes itself as far as it goes, and tells whether that is to its end.
  mutating func run(with job: DMLJob) -> Bool { job.run(&self) }

  mutating func resume() -> Step {
    switch phase {
    case .submitted: return .check
    case .alone: return .alone(alone[nextAlone])
    case .ready: return list.isEmpty ? nextList() : .submit(engine)
    }
  }

  /// libdml has not taken this request into the list, which was not submitted.
  mutating func rejected(_ number: Int, by engine: DMLEngine) -> Step {
    alone.append(number)
    list.removeAll { $0 == number }
    return list.isEmpty ? nextList() : .submit(engine)
  }

  /// The list was submitted, with this status.
  mutating func submitted(_ status: DMLStatus, by engine: DMLEngine) -> Step {
    if status == .ok {
      hasStarted = true
      phase = .submitted
      return .check
    }
    if engine == .device && (status.isBusy || status.isWithoutDevice && policy.fallsBack) {
      return policy.fallsBack ? .submit(.processor) : .wait
    }
    // One by one they tell what is wrong, or it was the list that was.
    return listAlone { _ in true }
  }

  /// The list was looked at; `item` gives the status of each place in it.
  mutating func checked(_ status: DMLStatus, item: (Int) -> DMLStatus) -> Step {
    if status == .beingProcessed { return .wait }
    phase = .ready
    return listAlone { status != .ok && item($0) != .ok }
  }

  /// The transfer that went on alone has ended.
  mutating func ended(_ error: VDMError?) -> Step {
    errors[alone[nextAlone]] = error
    nextAlone += 1
    hasStarted = true
    phase = .ready
    return nextList()
  }

  private var engine: DMLEngine { policy.hasDevice ? .device : .processor }

  private mutating func listAlone(_ failed: (Int) -> Bool) -> Step {
    for (place, number) in list.enumerated() where failed(place) { alone.append(number) }
    return nextList()
  }

  private mutating func nextList() -> Step {
    list.removeAll(keepingCapacity: true)
    while next < transfers.count, list.count < capacity {
      let number = next
      next += 1
      if errors[number] != nil { continue }
      let byteCount = transfers[number].request.byteCount
      if byteCount == 0 { continue }
      if byteCount > policy.limit { alone.append(number) } else { list.append(number) }
    }
    if !list.isEmpty { return .submit(engine) }
    if nextAlone < alone.count {
      phase = .alone
      return .alone(alone[nextAlone])
    }
    return .complete
  }
}
