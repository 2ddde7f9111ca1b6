/// One request on its way through libdml: a pure value whose transitions tell what to do.
///
/// A request is done in pieces, one after the other, because libdml counts bytes with 32 bits and
/// a work queue takes a limited number of them. No piece reads what it writes: so whatever a
/// device has done of one before it met a missing page, the CPU can do the piece once more. (How
/// much it has done libdml does not tell.)
@safe
struct DMLTransfer {
  /// What to do when a device cannot take or finish a piece.
  struct Policy {
    /// Whether there is a device.
    var hasDevice: Bool
    /// Whether the CPU does what the device has no room for; page faults it mends in any case.
    var fallsBack: Bool
    /// The most bytes of a piece.
    var limit: Int
    /// The NUMA node whose device is to be used.
    var numaNode = UInt32.max
  }

  /// What to do next.
  enum Step: Equatable {
    /// Submit ``command`` to this engine, and tell ``submitted(_:)``.
    case submit(DMLEngine)
    /// Do ``nativePart`` with the CPU's own instructions, and tell ``doneNatively()``.
    case doNatively
    /// Check the job, and tell ``checked(_:crc:)``.
    case check
    /// Nothing now; ``resume()`` later.
    case wait
    /// All is done, or has failed.
    case complete(VDMError?)
  }

  private enum Phase {
    /// The next piece is to be submitted; never was, or could not be.
    case ready
    case submitted
    case ended
  }

  let request: DMLRequest
  var policy: Policy
  /// Whether pieces are done from the end, as an overlapping move to a higher address needs.
  private let isBackward: Bool
  private var phase = Phase.ready
  private var engine: DMLEngine
  /// The bytes of all pieces that are done.
  private(set) var doneCount = 0
  private(set) var pieceCount = 0
  /// The CRC of what is done.
  private(set) var crc: UInt32
  /// Where a compare has found a difference.
  private(set) var difference: Int?

  /// A transfer that has done nothing yet.
  ///
  /// - Parameters:
  ///   - request: What to do; its ranges overlap in no other way than `overlap` says.
  ///   - policy: Who does it.
  ///   - overlap: How far the ranges of a move are from each other, if they overlap, and whether
  ///     it goes to the higher address.
  init(_ request: DMLRequest, _ policy: Policy, overlap: (distance: Int, isUpward: Bool)? = nil) {
    self.request = request
    self.policy = policy
    if let overlap { self.policy.limit = min(policy.limit, overlap.distance) }
    isBackward = overlap?.isUpward ?? false
    engine = policy.hasDevice ? .device : .processor
    crc = request.crc
  }

  /// A transfer for a slot that has none.
  static var nothing: DMLTransfer {
    DMLTransfer(
      DMLRequest(.nop, byteCount: 0), Policy(hasDevice: false, fallsBack: false, limit: 64))
  }

  /// Whether a job of libdml is at work for it.
  var isUnderWay: Bool { phase == .submitted }
  /// Whether anything was done, or is being done.
  var isStarted: Bool { isUnderWay || doneCount > 0 }

  // MARK: Transitions

  /// What to do when the transfer is looked at, for the first time or again.
  mutating func resume() -> Step {
    switch phase {
    case .ready: next()
    case .submitted: .check
    case .ended: preconditionFailure("DMLMover: an operation goes on after its end")
    }
  }

  /// The piece was submitted, with this status.
  mutating func submitted(_ status: DMLStatus) -> Step {
    if status == .ok {
      phase = .submitted
      return .check
    }
    guard engine == .device else { return end(.dml(status)) }
    if status.isBusy { return policy.fallsBack ? use(.processor) : .wait }
    if status.isWithoutDevice && policy.fallsBack { return use(.processor) }
    return end(.dml(status))
  }

  /// The piece was looked at after its submission; `crc` is what libdml has stored.
  mutating func checked(_ report: DMLReport, crc: UInt32) -> Step {
    if report.status == .beingProcessed { return .wait }
    phase = .ready
    if report.status == .ok {
      self.crc = crc
      if request.operation == .compare, report.differs {
        difference = doneCount + Int(report.offset)
        return end(nil)
      }
      return advance()
    }
    guard engine == .device else { return end(.dml(report.status)) }
    if report.status.isPageFault { return use(.processor) }
    if report.status == .lengthError, pieceCount > Self.smallestLimit {
      // A queue that takes less than it was said to.
      policy.limit = max(Self.smallestLimit, pieceCount / 2)
      return next()
    }
    return end(.dml(report.status))
  }

  /// ``nativePart`` was done.
  mutating func doneNatively() -> Step { advance() }

  private mutating func next() -> Step {
    pieceCount = min(request.byteCount - doneCount, policy.limit)
    if pieceCount == 0 { return end(nil) }
    return use(engine)
  }

  private mutating func use(_ engine: DMLEngine) -> Step {
    self.engine = engine
    // libdml has no stores that bypass the caches.
    let bypassesCache = engine == .processor && request.flags.contains(.noCacheHint)
    return bypassesCache ? .doNatively : .submit(engine)
  }

  private mutating func advance() -> Step {
    doneCount += pieceCount
    // One missing page does not make the device unfit for the pieces after it.
    engine = policy.hasDevice ? .device : .processor
    return next()
  }

  private mutating func end(_ error: VDMError?) -> Step {
    phase = .ended
    return .complete(error)
  }

  /// No device takes less at once.
  private static let smallestLimit = 4096

  // MARK: The piece

  private var offset: Int { isBackward ? request.byteCount - doneCount - pieceCount : doneCount }

  /// The whole, as libdml is told it in a list.
  var wholeCommand: DMLCommand { command(offset: 0, byteCount: request.byteCount) }

  /// The piece, as libdml is told it.
  func command(crc: UnsafeMutablePointer<UInt32>) -> DMLCommand {
    var command = command(offset: offset, byteCount: pieceCount)
    if request.operation == .crc || request.operation == .copyCRC { unsafe command.crc = crc }
    return command
  }

  private func command(offset: Int, byteCount: Int) -> DMLCommand {
    var command = DMLCommand(request.operation)
    unsafe command.source = request.source.map { unsafe $0 + offset }
    unsafe command.secondSource = request.secondSource.map { unsafe $0 + offset }
    unsafe command.destination = request.destination.map { unsafe $0 + offset }
    unsafe command.secondDestination = request.secondDestination.map { unsafe $0 + offset }
    command.byteCount = UInt32(byteCount)
    // libdml starts the pattern anew with each piece, so it is turned by the bytes before.
    let turn = UInt64(offset & 7) * 8
    command.pattern = request.pattern >> turn | request.pattern << (64 &- turn)
    command.writesToCache = engine == .device && !request.flags.contains(.noCacheHint)
    command.numaNode = policy.numaNode
    return command
  }

  /// The piece as an operation of ``NativeMemory``.
  ///
  /// Only requests that were made of one have `noCacheHint`.
  var nativePart: Operation? {
    guard let destination = unsafe request.destination else { return nil }
    let to = unsafe destination + offset
    let from = unsafe UnsafeRawPointer(request.source ?? destination) + offset
    return unsafe Operation(
      request.operation == .fill ? .memset : .memcpy, to: to, from: from,
      value: UInt8(truncatingIfNeeded: request.pattern), byteCount: pieceCount,
      flags: request.flags)
  }
}
