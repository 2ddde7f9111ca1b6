import CFibers

extension FiberRuntime {
  /// Which floating-point control words each fiber has of its own.
  ///
  /// Control words say how to round, which exceptions trap, and whether tiny numbers are flushed to
  /// zero. The sticky exception flags are never switched: they belong to the thread.
  public enum FloatingPointControl: Sendable, Hashable {
    /// What the C library sets (`fesetround`, `fesetenv`, `feenableexcept`), which on x86-64 sets
    /// the x87 and the SSE word together: a change is seen in the first and kept in both.
    ///
    /// Costs 0.6 ns a switch. Instructions that change the SSE word alone (`_mm_setcsr`: flush to
    /// zero) act on all fibers of the thread.
    case standard
    /// Every change of either word.
    ///
    /// Costs about 5 ns a switch on x86-64: reading MXCSR is slow.
    case all
  }
}

/// The floating-point control words of fibers (D5).
///
/// Compared at each switch and loaded only when they differ, because loading costs up to 50 ns;
/// reading MXCSR alone costs 4 to 6, so it is not read while the x87 word, which the C library
/// changes together with it, is the runtime's (docs/decisions/fibers-floating-point.md).
/// `-Xswiftc -DFIBERS_NO_FP_CONTROL` builds without: then fibers share the words of their thread.
enum FloatingPoint {
  /// Both words, read from the CPU.
  @inline(__always)
  static var control: UInt64 {
    #if FIBERS_NO_FP_CONTROL
      0
    #else
      cfib_fp_control()
    #endif
  }

  /// The control bits in force, where `base` is what fibers start with.
  @inline(__always)
  static func control(base: UInt64, readingAll: Bool) -> UInt64 {
    #if FIBERS_NO_FP_CONTROL
      0
    #else
      if cfib_fp_differs_cheaply(base) == 0, !readingAll { base } else { cfib_fp_control() }
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
