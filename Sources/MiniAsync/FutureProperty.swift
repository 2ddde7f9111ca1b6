/// A trait of a future that a waiter may use to wait better.
///
/// Corresponds to C's `enum future_property`.
public enum FutureProperty: Sendable {
  /// The future's work goes on elsewhere (another thread, a device) between its polls.
  ///
  /// ``Runtime`` polls such futures first, so that their work overlaps with that of the futures
  /// which do theirs inside the poll. Corresponds to `FUTURE_PROPERTY_ASYNC`.
  case async
}
