/// How far a future has come.
///
/// A future starts ``idle``, is ``running`` from the poll that starts its work, and stays
/// ``complete`` for ever once it is done.
///
/// Corresponds to C's `enum future_state`.
public enum FutureState: UInt8, Sendable {
  /// Nothing was started yet.
  case idle
  /// The work is under way: poll again.
  case running
  /// The output is there. Polling again does nothing.
  case complete
}
