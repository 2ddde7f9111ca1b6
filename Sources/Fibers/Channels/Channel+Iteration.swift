/// What can be received with a `for` loop.
///
/// The loop ends when the channel is closed and drained, or when the fiber is cancelled or its
/// deadline passes: the next suspension after the loop then throws, ``Fiber/checkCancellation()``
/// too.
extension Channel: Sequence where Element: Copyable {
  /// Receives, element by element; other receivers may take some of them.
  @inlinable
  public func makeIterator() -> ChannelIterator<Element> { ChannelIterator(self) }
}

/// Receives the elements of a ``Channel``; see ``Channel/makeIterator()``.
public struct ChannelIterator<Element>: IteratorProtocol {
  @usableFromInline let channel: Channel<Element>

  @usableFromInline
  init(_ channel: Channel<Element>) { self.channel = channel }

  /// The next element; `nil` at the end.
  @available(*, noasync, message: "it parks a fiber, not a task; use SharedChannel")
  @inlinable
  public mutating func next() -> Element? {
    do throws(FiberCancelled) {
      return try channel.receive()
    } catch {
      Fiber.deliverLater(error)
      return nil
    }
  }
}

extension Fiber where Success == Never, Failure == Never {
  /// Lets the next suspension throw what could not be thrown here.
  @usableFromInline
  static func deliverLater(_ error: FiberCancelled) {
    // A deadline that has passed throws again by itself.
    guard error.cause == .cancel, let scheduler = Scheduler.current else { return }
    unsafe scheduler.fiber.pointer.pointee.life.cancelLater()
  }
}
