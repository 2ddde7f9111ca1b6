public import Synchronization

/// A memory word that will change when another poll is worth while.
///
/// For work whose completion is a store and not a call, such as a device's completion record. The
/// waiter watches the word, with the CPU's monitor instructions where there are any.
///
/// Making one is unsafe, because the memory must stay valid until the future is polled again or
/// dropped; using it is not.
///
/// Corresponds to C's `struct future_poller` and its `ptr_to_monitor`.
@safe
public struct Poller {
  /// The word to watch.
  public let address: UnsafePointer<Atomic<UInt64>>
  /// What the word holds as long as there is nothing to do.
  public let value: UInt64

  /// Describes a word that is worth a poll as soon as it differs from `value`.
  ///
  /// - Parameters:
  ///   - address: The word. Valid until the future is polled again or dropped.
  ///   - value: What the future read there, before it decided that it cannot go on.
  @unsafe
  @inlinable
  public init(address: UnsafePointer<Atomic<UInt64>>, value: UInt64) {
    unsafe self.address = address
    self.value = value
  }

  /// Whether the word differs from ``value`` now.
  @inlinable
  public var hasChanged: Bool {
    // ORDER: acquires what the writer of the word published before it.
    unsafe address.pointee.load(ordering: .acquiring) != value
  }
}
