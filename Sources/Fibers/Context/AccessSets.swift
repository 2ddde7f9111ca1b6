import CFibers

/// Keeps the exclusivity accesses of each fiber to itself (D6).
///
/// Measured and explained in docs/decisions/fibers-exclusivity.md: a fiber that leaves always gives
/// its accesses away (the runtime alone knows whether it has any), a fiber that comes back asks for
/// them only when there were some. So between two fibers the thread holds no access at all, which
/// makes the cheap second half sound.
enum AccessSets {
  /// What a wish means in this process.
  static func areIsolated(_ wish: FiberRuntime.Exclusivity) -> Bool {
    let isolated =
      switch wish {
      case .isolated: true
      case .shared: false
      case .automatic: !isDebugBuild
      }
    return isolated && cfib_has_access_sets() != 0
  }

  /// Gives the accesses of the thread to `fiber`, which leaves.
  @inline(__always)
  static func leave(_ fiber: FiberRef) {
    // SAFETY: `accesses` is zero while its fiber runs: zeroed at first and by enter.
    unsafe withUnsafeMutablePointer(to: &fiber.pointer.pointee.accesses) {
      unsafe cfib_accesses_leave($0)
    }
  }

  /// Gives `fiber`, which is back, its accesses.
  @inline(__always)
  static func enter(_ fiber: FiberRef) {
    guard unsafe fiber.pointer.pointee.accesses.head != 0 else { return }
    // SAFETY: they left on this thread, and whoever ran before has taken its own away.
    unsafe withUnsafeMutablePointer(to: &fiber.pointer.pointee.accesses) {
      unsafe cfib_accesses_enter($0)
    }
  }

  private static var isDebugBuild: Bool {
    var debug = false
    assert(
      {
        debug = true; return true
      }())
    return debug
  }
}
