import CMiniAsync

/// A computation that is driven by being polled.
///
/// A future is a value. Its stored properties are its data; ``advance(_:)`` does the next piece of
/// its work; ``progress`` holds where it stands and, in the end, its output:
///
/// ```swift
/// struct Countdown: Future {
///   var left: Int
///   var progress = FutureProgress<String>.idle
///
///   mutating func advance(_ notifier: inout Notifier) -> FutureProgress<String> {
///     left -= 1
///     return left > 0 ? .running : .complete("lift-off")
///   }
/// }
///
/// var countdown = Countdown(left: 3)
/// Runtime().wait(&countdown)     // "lift-off"
/// countdown.left = 3             // too late: it stays complete
/// ```
///
/// Who waits calls ``poll(_:)``, never ``advance(_:)``: polling a complete future is defined and
/// does nothing. A future that cannot finish now keeps the waker it finds in the notifier, calls
/// it when another poll is worth while, and returns `.running`; one that keeps none is polled
/// again and again, with growing pauses.
///
/// Everything is statically dispatched and inlinable: composing two futures costs what calling
/// two functions costs. A future that owns a resource is non-copyable and gives it back when it
/// is dropped, in whatever state.
///
/// A future is polled by one thread at a time. It may move between threads if it is `Sendable`.
///
/// Corresponds to C's `FUTURE(name, data, output)` and `future_task_fn`.
public protocol Future<Output>: ~Copyable {
  /// What the future computes.
  associatedtype Output

  /// Where the future stands.
  ///
  /// Declare it as `var progress = FutureProgress<Output>.idle`, or start it as
  /// `.complete(output)` for a future that is complete from the beginning (C's
  /// `FUTURE_INIT_COMPLETE`). ``poll(_:)`` keeps it up to date; nobody else writes it.
  var progress: FutureProgress<Output> { get set }

  /// Does what can be done now, without blocking, and tells how far the work has come.
  ///
  /// Called by ``poll(_:)`` only, and never again once it has returned `.complete`.
  ///
  /// Before it returns anything else, it either hands the waker of `notifier` to whoever will
  /// know that progress is possible (``Notifier/takeWaker()``), or names the memory word that
  /// will change (``Notifier/watch(_:)``), or does neither and is polled again after a pause.
  /// `.idle` means that the work could not even be started yet.
  ///
  /// Corresponds to C's `future_task_fn`.
  mutating func advance(_ notifier: inout Notifier) -> FutureProgress<Output>

  /// Whether the future has `property` now. By default it has none.
  ///
  /// A chain answers for its current entry. Corresponds to C's `future_has_property`.
  borrowing func hasProperty(_ property: FutureProperty) -> Bool

  /// Asks the future to finish early. By default nothing happens.
  ///
  /// A future that supports it completes soon, with an output that says so; the waiter goes on
  /// waiting for that. Cancelling a complete future does nothing.
  mutating func cancel()
}

extension Future where Self: ~Copyable {
  /// Whether the part whose turn it is has `property`.
  @inlinable
  public borrowing func hasProperty(_ property: FutureProperty) -> Bool { false }

  /// Passes the request on to what is not complete yet.
  @inlinable
  public mutating func cancel() {}

  /// How far the future has come.
  ///
  /// May be read at any time. Corresponds to C's `FUTURE_STATE`.
  @inlinable
  public var state: FutureState { progress.state }

  /// The output, or `nil` before completion.
  ///
  /// May be read as often as wanted.
  ///
  /// Corresponds to C's `FUTURE_OUTPUT`.
  @inlinable
  public var output: Output? { progress.output }

  /// Polls once: does what can be done now, and returns the state reached.
  ///
  /// - Parameter notifier: How the future can tell that it wants to be polled again. What it
  ///   used of it can be read there afterwards: nothing, if it is complete.
  /// - Returns: The state after the poll. Once complete, always `.complete`, with no effect.
  ///
  /// Corresponds to C's `future_poll`.
  @inlinable
  @inline(__always)
  @discardableResult
  public mutating func poll(_ notifier: inout Notifier) -> FutureState {
    if progress.isComplete { return .complete }
    let usedBefore = notifier.use
    progress = advance(&notifier)
    // What a complete future has used is void: whoever polls the next one with the same notifier
    // (the next entry of a chain) must not wait for a wake that was meant for this one.
    if progress.isComplete { notifier.use = usedBefore }
    return progress.state
  }

  /// Polls once without a way to be notified.
  ///
  /// Corresponds to C's `future_poll(fut, NULL)`.
  @inlinable
  @inline(__always)
  @discardableResult
  public mutating func poll() -> FutureState {
    var notifier = Notifier()
    return poll(&notifier)
  }

  /// Polls in a loop, with the CPU's pause hint, until the future is complete.
  ///
  /// For the shortest waits only: the loop keeps its core busy. Otherwise use ``Runtime``.
  ///
  /// Corresponds to C's `FUTURE_BUSY_POLL`.
  @inlinable
  @available(*, noasync, message: "busy polling blocks a cooperative thread: use value()")
  @discardableResult
  public mutating func busyPoll() -> Output {
    while true {
      if case .complete(let output) = progress { return output }
      if poll() != .complete { mini_cpu_pause() }
    }
  }
}
