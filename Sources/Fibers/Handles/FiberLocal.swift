/// A value that each fiber has its own of, for the time of a call.
///
/// What task-local values are for tasks; those belong to the thread and mix between fibers. A fiber
/// inherits the values of the fiber that spawned it, as they were then.
///
///     static let requestID = FiberLocal(default: 0)
///     requestID.withValue(7) { handle() }  // requestID.value is 7 in there, and in fibers spawned
///
/// - Note: Looking a value up takes time in proportion to the bindings in force.
public struct FiberLocal<Value: Sendable>: Sendable {
  private final class Key: Sendable {}
  private let key = Key()
  /// What fibers see that no binding reaches.
  public let defaultValue: Value

  /// Makes a key.
  ///
  /// Two keys are different, also when their types and defaults are the same.
  public init(default defaultValue: Value) { self.defaultValue = defaultValue }

  /// The running fiber's value; the default outside of fibers.
  public var value: Value {
    var node = Scheduler.current?.fiber.object?.locals
    while let binding = node {
      if binding.key == ObjectIdentifier(key), let value = binding.value as? Value { return value }
      node = binding.outer
    }
    return defaultValue
  }

  /// Runs `body` with `value` in force for the running fiber.
  ///
  /// - Parameters:
  ///   - value: What ``value`` is meanwhile.
  ///   - body: May suspend; other fibers keep theirs.
  /// - Returns: What `body` returns.
  /// - Throws: What `body` throws.
  /// - Precondition: Called by a fiber.
  /// - Complexity: O(1), one allocation.
  public func withValue<Result, Failure: Error>(
    _ value: Value, _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    guard let object = Scheduler.current?.fiber.object else {
      misuse("FiberLocal.withValue: called outside of a fiber; spawn one first")
    }
    let outer = object.locals
    object.locals = LocalNode(key: ObjectIdentifier(key), value: value, outer: outer)
    defer { object.locals = outer }
    return try body()
  }
}

/// One binding; never changed, so that fibers can share what they inherited.
final class LocalNode {
  let key: ObjectIdentifier
  let value: any Sendable
  let outer: LocalNode?

  init(key: ObjectIdentifier, value: any Sendable, outer: LocalNode?) {
    self.key = key
    self.value = value
    self.outer = outer
  }
}
