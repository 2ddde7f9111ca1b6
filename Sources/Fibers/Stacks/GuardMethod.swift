import CFibers

/// How the memory below each stack is made to fault.
public enum StackGuard: Sendable, Hashable {
  /// The best that the kernel has: ``install`` where it works, else ``protect``.
  case automatic
  /// `MADV_GUARD_INSTALL` (Linux 6.13 and later): guards cost no mapping, so a million fit.
  case install
  /// `mprotect`: two mappings a stack.
  ///
  /// Linux allows 65,530 mappings a process by default (`vm.max_map_count`), so about 32,700
  /// stacks.
  case protect
  /// No guards.
  ///
  /// An overflow silently overwrites another stack: for measurements only.
  case none
}

/// Makes guards, by the method probed once for a runtime.
struct GuardMaker {
  /// Bytes below each stack that fault.
  ///
  /// Frames larger than this may jump over the guard.
  static let byteCount = 4096

  private(set) var method: StackGuard

  init(_ wanted: StackGuard) { method = wanted }

  /// Guards `count` slots of `stride` bytes; each guard is the lowest part of its slot.
  mutating func protect(
    first: UnsafeMutableRawPointer, stride: Int, count: Int
  ) throws(FiberError) {
    if method == .none { return }
    if method == .automatic || method == .install {
      // SAFETY: the caller owns the slots, and nobody has used them yet.
      let code = unsafe cfib_guard_install(first, Self.byteCount, stride, count)
      if code == 0 {
        method = .install
        return
      }
      // A kernel without it answers EINVAL to the very first; a later failure is a real one.
      guard method == .automatic, code == -Int32(22) else {
        throw .outOfMemory(byteCount: Self.byteCount * count, code: -code)
      }
      method = .protect
    }
    let code = unsafe cfib_guard_protect(first, Self.byteCount, stride, count)
    if code != 0 { throw .mappingLimitReached(code: -code) }
  }
}
