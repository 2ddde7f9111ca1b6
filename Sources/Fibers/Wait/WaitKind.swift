/// What a fiber suspends for: with ``FiberBlock/waitSubject``, the registry of waits (D12).
///
/// Reports say what a parked fiber waits for from nothing but these two.
package enum WaitKind: UInt8, Sendable {
  case none
  case yield

  // In a ``WaitList``: the subject is the list, part of what is waited for.

  case join
  case mutex
  case condition
  case semaphore
  case group

  // Ended by whoever finds the waiter elsewhere: the subject says where.

  /// The subject is the ``ChannelWaiter``.
  case send
  case receive
  /// The subject is the first of several ``ChannelWaiter``s.
  case select
  /// The subject is the ``SleepRecord``.
  case sleep
  /// The subject is the ``IOSlot``.
  case readable
  case writable

  // Ended by a token, from any thread (``WakeWord``). The subject is an object to be named, or nil.

  case external
  case future
  case task
  case blocking
  case sharedSend
  case sharedReceive

  /// Whether the fiber is in a ``WaitList``.
  @inline(__always)
  var isListed: Bool { rawValue >= Self.join.rawValue && rawValue <= Self.group.rawValue }

  /// Whether a token ends the wait.
  @inline(__always)
  var isExternal: Bool { rawValue >= Self.external.rawValue }
}
