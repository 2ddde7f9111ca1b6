import Synchronization

/// A memory word for a future to name, and for a test to write or leave alone.
public final class Word: @unchecked Sendable {
  // @unchecked: the pointer is never written, what it points to is atomic.
  /// Where it is.
  public let address: UnsafeMutablePointer<Atomic<UInt64>>

  /// Starts at 0.
  public init() {
    address = .allocate(capacity: 1)
    address.initialize(to: Atomic(0))
  }

  deinit {
    address.deinitialize(count: 1)
    address.deallocate()
  }

  /// Stores a value.
  public func set(_ value: UInt64) { address.pointee.store(value, ordering: .releasing) }

  /// Adds 1.
  public func add() { address.pointee.wrappingAdd(1, ordering: .releasing) }

  /// The value now.
  public var value: UInt64 { address.pointee.load(ordering: .acquiring) }
}
