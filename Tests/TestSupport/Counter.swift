import Glibc
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

/// A value behind a lock that the thread sanitizer understands.
///
/// (A contended `Mutex` is taken in code of the standard library that is not instrumented.)
public final class Guarded<Value>: @unchecked Sendable {
  // @unchecked: the value is touched by the holder of the lock only.
  private let lock: UnsafeMutablePointer<pthread_mutex_t>
  private var value: Value

  /// Protects `value`.
  public init(_ value: Value) {
    self.value = value
    lock = .allocate(capacity: 1)
    pthread_mutex_init(lock, nil)
  }

  deinit {
    pthread_mutex_destroy(lock)
    lock.deallocate()
  }

  /// Runs `body` with the value, and nobody else at the same time.
  public func withLock<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    return try body(&value)
  }
}

/// A list that several threads append to, to be judged on the test's own thread.
public final class Collected<Element: Sendable>: Sendable {
  private let elements = Guarded<[Element]>([])

  /// Starts empty.
  public init() {}

  /// What was appended so far.
  public var all: [Element] { elements.withLock { $0 } }

  /// Appends an element.
  public func append(_ element: Element) { elements.withLock { $0.append(element) } }
}
