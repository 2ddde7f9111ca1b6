import CFibers

/// The floating-point control words of fibers: rounding, exception masks, flush to zero (D5).
///
/// Compared at each switch and loaded only when the control bits differ; the sticky exception flags
/// are left alone, because loading them costs about 50 ns (docs/decisions/fibers-floating-point.md).
/// `-Xswiftc -DFIBERS_NO_FP_CONTROL` builds without: then fibers share the words of their thread.
enum FloatingPoint {
  /// The control bits now in force.
  @inline(__always)
  static var control: UInt64 {
    #if FIBERS_NO_FP_CONTROL
      0
    #else
      cfib_fp_control()
    #endif
  }

  /// Brings back `own`, when `inForce`, left by whoever ran before, differs.
  @inline(__always)
  static func restore(_ own: UInt64, inForce: UInt64) {
    #if !FIBERS_NO_FP_CONTROL
      if own != inForce { cfib_fp_set_control(own) }
    #endif
  }
}
