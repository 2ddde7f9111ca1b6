/// What another thread wants a runtime to do, on its own thread.
///
/// @unchecked: made by one thread, handed over once through the inbox; `link` is written only by
/// the pushing thread before the push and read only by who takes it after it.
final class DoorRequest: @unchecked Sendable {
  enum Work: Sendable {
    /// Make a fiber, when there is room.
    case spawn(SpawnRequest)
    /// Do this at the next look, whatever else waits; it must not suspend.
    case perform(@Sendable () -> Void)
  }

  let work: Work
  var link: UInt = 0

  init(_ work: Work) { self.work = work }
}

/// A fiber that another thread wants to have.
struct SpawnRequest: Sendable {
  /// Called on the runtime's thread, again when there was no room the last time.
  let makeObject: @Sendable (Scheduler) -> FiberObject
}
