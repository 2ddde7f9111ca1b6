/// All fibers of a runtime at one moment.
///
///     print(runtime.dump())        // one line a fiber
///     log(runtime.dump().json)     // the same for programs
public struct FiberDump: Sendable, CustomStringConvertible {
  /// The fibers that have not ended, in the order of their numbers.
  public let fibers: [FiberReport]

  /// A line for each fiber.
  public var description: String {
    let noun = fibers.count == 1 ? "fiber" : "fibers"
    return "\(fibers.count) \(noun)\n" + fibers.map { "  \($0)\n" }.joined()
  }

  /// An array of objects, one for each fiber; what is unknown is left out.
  ///
  /// Times are milliseconds, sizes bytes:
  /// `[{"id":3,"name":"worker","site":"App/Main.swift:12","status":"parked",
  /// "waitsFor":"to join 'x'","waitsForFiber":4,"waitingMilliseconds":20,
  /// "stackByteCount":65536,"stackUsedByteCount":480,"isCancelled":false}]`
  public var json: String {
    "[" + fibers.map { $0.json }.joined(separator: ",\n ") + "]"
  }
}

extension FiberReport {
  fileprivate var json: String {
    var fields = ["\"id\":\(id)"]
    if let name { fields.append("\"name\":\(name.jsonQuoted)") }
    fields.append("\"site\":\("\(site)".jsonQuoted)")
    fields.append("\"status\":\"\(status)\"")
    if let waitsFor { fields.append("\"waitsFor\":\(waitsFor.jsonQuoted)") }
    if let waitsForFiber { fields.append("\"waitsForFiber\":\(waitsForFiber)") }
    if let waitingTime { fields.append("\"waitingMilliseconds\":\(waitingTime.inMilliseconds)") }
    if let stackByteCount { fields.append("\"stackByteCount\":\(stackByteCount)") }
    if let stackUsedByteCount { fields.append("\"stackUsedByteCount\":\(stackUsedByteCount)") }
    fields.append("\"isCancelled\":\(isCancelled)")
    return "{" + fields.joined(separator: ",") + "}"
  }
}

extension String {
  /// As a JSON string (RFC 8259, section 7).
  fileprivate var jsonQuoted: String {
    var quoted = "\""
    for scalar in unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      case "\t": quoted += "\\t"
      case "\r": quoted += "\\r"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}

extension FiberRuntime {
  /// What all fibers of the runtime are doing: for logs, and for a person who wonders.
  ///
  /// - Precondition: Called on the runtime's thread, by a fiber or outside of ``run()``.
  /// - Returns: A report on each fiber that has not ended.
  /// - Complexity: O(n) for n fibers that there ever were at once; allocates.
  public func dump() -> FiberDump {
    scheduler.checkThread("FiberRuntime.dump")
    return scheduler.dump()
  }
}

extension Scheduler {
  func dump() -> FiberDump {
    var reports: [FiberReport] = []
    forEachAlive { fiber, object in reports.append(report(on: fiber, object)) }
    return FiberDump(fibers: reports)
  }
}
