/// What is known about one fiber at one moment.
public struct FiberReport: Sendable {
  /// A number that no other living fiber of the runtime has.
  public let id: Int
  /// The name it was given, if any.
  public let name: String?
  /// Where it was spawned.
  public let site: SpawnSite
  /// Where it is.
  public let status: FiberStatus
  /// What it waits for, in words; `nil` unless it is parked.
  public let waitsFor: String?
  /// The fiber that has to do something first: the one joined, or the holder of the mutex.
  public let waitsForFiber: Int?
  /// How long it has waited, to about a millisecond.
  public let waitingTime: Duration?
  /// Usable bytes of its stack; `nil` when it has none yet, or one of the caller's.
  public let stackByteCount: Int?
  /// Bytes of stack in use; `nil` unless it is suspended.
  public let stackUsedByteCount: Int?
  /// Whether a cancellation has been asked for.
  public let isCancelled: Bool

  /// The name, or else where it was spawned.
  public var label: String { name.map { "'\($0)'" } ?? "\(site)" }
}

extension FiberReport: CustomStringConvertible {
  /// One line.
  public var description: String {
    var line = "#\(id) \(label)"
    if name != nil { line += " (\(site))" }
    line += ": \(status)"
    if let waitsFor { line += ", waits \(waitsFor)" }
    if let waitingTime { line += ", for \(waitingTime.inMilliseconds) ms" }
    if let stackByteCount {
      line += ", stack \(stackUsedByteCount.map { "\($0)" } ?? "?") of \(stackByteCount) B"
    }
    if isCancelled { line += ", cancelled" }
    return line
  }
}

extension Duration {
  var inMilliseconds: Int64 { clampedNanoseconds / 1_000_000 }
}

extension Scheduler {
  func report(on fiber: FiberRef, _ object: FiberObject) -> FiberReport {
    let phase = fiber.life.phase
    let subject = phase == .parked ? WaitSubject(of: fiber) : nil
    var size: Int?
    var used: Int?
    if fiber.hasContext && !fiber.stack.isForeign && fiber.stack.hasSlot {
      let bounds = unsafe state.pointee.stacks.bounds(of: fiber.stack)
      size = bounds.count
      if fiber != self.fiber, let low = bounds.baseAddress,
        let sp = unsafe fiber.pointer.pointee.context.sp, unsafe sp > low
      {
        used = unsafe low + bounds.count - sp
      }
    }
    return FiberReport(
      id: Int(fiber.index), name: object.name, site: object.site, status: FiberStatus(phase),
      waitsFor: subject?.description, waitsForFiber: subject?.fiber.map { Int($0.index) },
      waitingTime: subject == nil ? nil : waitingTime(of: fiber), stackByteCount: size,
      stackUsedByteCount: used, isCancelled: fiber.life.wasCancelled)
  }

  private func waitingTime(of fiber: FiberRef) -> Duration {
    let ticks = unsafe Self.waitTicks(readClock()) &- fiber.pointer.pointee.waitSince
    return .nanoseconds(Int64(ticks) << 20)
  }
}
