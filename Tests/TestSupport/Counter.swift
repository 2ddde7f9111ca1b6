import Synchronization

/// A number that several threads count on.
public final class Counter: Sendable, CustomStringConvertible {
  private let number = Atomic<Int>(0)

  /// Starts at 0.
  public init() {}

  /// The number now.
  public var value: Int { number.load(ordering: .sequentiallyConsistent) }

  /// Adds to it.
  ///
  /// - Returns: The number before.
  @discardableResult
  public func add(_ amount: Int = 1) -> Int {
    number.wrappingAdd(amount, ordering: .sequentiallyConsistent).oldValue
  }

  public var description: String { "\(value)" }
}

/// A yes or no that is set once, by any thread.
public final class Flag: Sendable {
  private let isUp = Atomic<Bool>(false)

  /// Starts as no.
  public init() {}

  /// Whether it was raised.
  public var isRaised: Bool { isUp.load(ordering: .acquiring) }

  /// Makes it yes.
  public func raise() { isUp.store(true, ordering: .releasing) }
}

/// Counts how often it is deinitialised: stored in a non-copyable value, how often that is dropped.
public struct DropToken: ~Copyable, Sendable {
  private let drops: Counter

  /// Adds to `drops` when it is dropped.
  public init(_ drops: Counter) { self.drops = drops }

  deinit { drops.add() }
}

/// A list that several threads append to, to be judged on the test's own thread.
public final class Collected<Element: Sendable>: Sendable {
  private let elements = Mutex<[Element]>([])

  /// Starts empty.
  public init() {}

  /// What was appended so far.
  public var all: [Element] { elements.withLock { $0 } }

  /// Appends an element.
  public func append(_ element: Element) { elements.withLock { $0.append(element) } }
}
