/// Spawning with a value of the fiber's own.
extension Fiber where Success == Never, Failure == Never {
  /// Spawns a fiber that takes over a value which cannot be copied, such as an open connection.
  ///
  ///     try Fiber.spawn(consuming: connection) { connection in try serve(connection) }
  ///
  /// - Parameters:
  ///   - value: Moved into the fiber; dropped there, or at once when the spawn fails.
  ///   - name: For reports.
  ///   - stack: Where its stack comes from.
  ///   - file: Of the spawn site.
  ///   - line: Of the spawn site.
  ///   - body: What it does.
  /// - Returns: A handle for its result.
  /// - Throws: ``FiberError`` when there is no room.
  /// - Complexity: As ``spawn(name:stack:file:line:_:)``, and one allocation.
  @discardableResult
  @inlinable
  public static func spawn<Owned: ~Copyable, Value, Problem: Error>(
    consuming value: consuming Owned, name: String? = nil, stack: FiberStack = .standard,
    file: StaticString = #fileID, line: UInt32 = #line,
    _ body: @escaping (consuming Owned) throws(Problem) -> Value
  ) throws(FiberError) -> Fiber<Value, Problem> {
    let box = MovedValue(value)
    return try spawn(name: name, stack: stack, file: file, line: line) { () throws(Problem) in
      try body(box.take())
    }
  }
}

/// A value on its way into a fiber.
@usableFromInline
final class MovedValue<Value: ~Copyable> {
  @usableFromInline var value: Value?

  @inlinable
  init(_ value: consuming Value) { self.value = consume value }

  @inlinable
  func take() -> Value {
    guard let value = value.take() else { preconditionFailure("Fiber.spawn: taken twice") }
    return value
  }
}
