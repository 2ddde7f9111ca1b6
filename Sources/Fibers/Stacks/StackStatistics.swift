/// What the stacks of a runtime take, at one moment.
public struct StackStatistics: Sendable, Equatable {
  /// How guards are made: what ``StackGuard/automatic`` turned out to be.
  public internal(set) var guardMethod: StackGuard
  /// Address space, in bytes.
  ///
  /// It is not memory: pages come when they are touched.
  public internal(set) var reservedByteCount = 0
  /// Stacks that fibers are on.
  public internal(set) var inUse = 0
  /// Stacks promised to fibers that have not run yet.
  public internal(set) var promised = 0
  /// Stacks that were used and wait for the next fiber, their pages still in memory.
  public internal(set) var idle = 0
  /// Memory in use for stacks, in bytes; `nil` unless it was asked for.
  public internal(set) var residentByteCount: Int?

  init(guardMethod: StackGuard) { self.guardMethod = guardMethod }
}
