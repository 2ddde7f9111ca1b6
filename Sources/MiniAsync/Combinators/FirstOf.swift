/// Many futures of one type at once; complete when the first of them is.
///
/// The output tells which one that was. The others are then cancelled, if they support that, and
/// dropped. Only what was woken is polled.
public struct FirstOf<F: Future & ~Copyable>: Future, ~Copyable {
  /// What the future computes.
  public typealias Output = FutureGroup<F>.Completion

  @usableFromInline var group: FutureGroup<F>
  /// Where the future stands.
  public var progress: FutureProgress<Output> = .idle

  /// Waits for the first in `group`, which must not be empty.
  @inlinable
  public init(_ group: consuming FutureGroup<F>) {
    precondition(!group.isEmpty, "FirstOf: there is nothing to wait for; add a future")
    self.group = group
  }

  /// Does what can be done now; see ``Future/advance(_:)``.
  @inlinable
  public mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Output> {
    guard group.poll(&notifier), let first = group.takeCompleted() else { return .running }
    group.cancelAll()
    group = FutureGroup()
    return .complete(first)
  }

  /// Whether its futures' work goes on between polls, as far as is known before they are polled.
  @inlinable
  public borrowing func hasProperty(_ property: FutureProperty) -> Bool {
    group.hasProperty(property)
  }

  /// Passes the request on to what is not complete yet.
  @inlinable
  public mutating func cancel() { group.cancelAll() }
}

extension FirstOf where F: Copyable {
  /// Waits for the first of `futures`, of which there must be one at least.
  @inlinable
  public init(_ futures: some Sequence<F>) {
    var group = FutureGroup<F>(minimumCapacity: futures.underestimatedCount)
    for future in futures { group.add(future) }
    self.init(group)
  }
}
