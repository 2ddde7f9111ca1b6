/// A number that closures share, on one thread.
public final class LocalCounter {
  /// The count.
  public var value = 0

  /// Starts at 0.
  public init() {}
}

/// What happened, in order, on one thread.
public final class Log {
  /// What was added, oldest first.
  public private(set) var entries: [String] = []

  /// An empty log.
  public init() {}

  /// Adds one line.
  public func add(_ entry: String) { entries.append(entry) }
}
