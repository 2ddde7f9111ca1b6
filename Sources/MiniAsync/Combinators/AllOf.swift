/// Many futures of one type at once; complete when all are.
///
/// The output holds theirs in the order in which they were added. Only what was woken is polled.
public struct AllOf<F: Future & ~Copyable>: Future, ~Copyable {
  @usableFromInline var group: FutureGroup<F>
  @usableFromInline var outputs: [F.Output?]
  /// Where the future stands.
  public var progress: FutureProgress<[F.Output]> = .idle

  /// Waits for everything in `group`, which must hold no completion of an earlier wait.
  @inlinable
  public init(_ group: consuming FutureGroup<F>) {
    precondition(
      group.takenCount == 0, "AllOf: completions were taken out of the group; use a new group")
    outputs = Array(repeating: nil, count: group.count)
    self.group = group
  }

  /// Does what can be done now; see ``Future/advance(_:)``.
  @inlinable
  public mutating func advance(_ notifier: inout Notifier) -> FutureProgress<[F.Output]> {
    while group.poll(&notifier) {
      // All that there are, for each poll of the group polls others as well.
      while let completion = group.takeCompleted() { outputs[completion.id] = completion.output }
      if group.isEmpty { return .complete(outputs.compactMap { $0 }) }
    }
    return .running
  }

  /// Whether its futures' work goes on between polls, as far as is known before they are polled.
  @inlinable
  public borrowing func hasProperty(_ property: FutureProperty) -> Bool {
    !progress.isComplete && group.hasProperty(property)
  }

  /// Passes the request on to what is not complete yet.
  @inlinable
  public mutating func cancel() { group.cancelAll() }
}

extension AllOf where F: Copyable {
  /// Waits for all of `futures`.
  @inlinable
  public init(_ futures: some Sequence<F>) {
    var group = FutureGroup<F>(minimumCapacity: futures.underestimatedCount)
    for future in futures { group.add(future) }
    self.init(group)
  }
}
