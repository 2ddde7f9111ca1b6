import Glibc

/// Why a fiber could not be spawned or a runtime could not be made: the environment's failures.
///
/// Each says what ran out and what to raise. What is alive goes on.
public enum FiberError: Error, Hashable, Sendable, CustomStringConvertible {
  /// As many stacks are in use as the configuration allows.
  case stackLimitReached(limit: Int)
  /// As many fibers are alive as the configuration allows.
  case taskLimitReached(limit: Int)
  /// The system has no memory, or no address space, left.
  ///
  /// `code` is an `errno`.
  case outOfMemory(byteCount: Int, code: Int32)
  /// The process has as many memory mappings as the system allows.
  ///
  /// `code` is an `errno`.
  case mappingLimitReached(code: Int32)
  /// A descriptor could not be opened.
  ///
  /// `code` is an `errno`.
  case noDescriptor(code: Int32)
  /// The alternate stack or the handler for stack overflows could not be installed.
  case noSignalStack(code: Int32)
  /// The runtime was shut down, or is shutting down.
  case runtimeClosed
  /// The thread has a user shadow stack (CET), which the switch does not keep.
  case shadowStacksEnabled
  /// Built to keep shadow stacks, and this thread has none: the kernel, the CPU or the C library
  /// lacks them.
  case noShadowStacks
  /// The kernel refused a shadow stack. `code` is an `errno`.
  case shadowStackRefused(code: Int32)

  /// What happened and what to do about it, in one sentence each.
  public var description: String {
    switch self {
    case .stackLimitReached(let limit):
      "out of stacks: all \(limit) are in use; raise Configuration.fiberCapacity, or let it grow"
        + " (capacitiesAreLimits = false)"
    case .taskLimitReached(let limit):
      "too many fibers: \(limit) are alive; raise Configuration.taskCapacity, or let it grow"
        + " (capacitiesAreLimits = false)"
    case .outOfMemory(let byteCount, let code):
      "out of memory: the system refused \(byteCount) bytes for stacks (\(Self.name(code)));"
        + " lower Configuration.stackByteCount, or raise ulimit -v, the cgroup's memory limit or"
        + " vm.overcommit_memory"
    case .mappingLimitReached(let code):
      "too many memory mappings for another guard page (\(Self.name(code))): with mprotect each"
        + " stack takes two; raise vm.max_map_count, or use Linux 6.13 or later, where guards take"
        + " none"
    case .noDescriptor(let code):
      "no descriptor for the wake-ups of the runtime (\(Self.name(code))); raise ulimit -n"
    case .noSignalStack(let code):
      "no alternate signal stack for reports of stack overflows (\(Self.name(code)))"
    case .runtimeClosed:
      "the runtime was shut down; make another FiberRuntime"
    case .shadowStacksEnabled:
      "this process runs with a user shadow stack (CET), which this build of Fibers does not keep;"
        + " start it with GLIBC_TUNABLES=glibc.cpu.x86_shstk=off, or build with -Xcc"
        + " -DCFIB_SHADOW_STACK -Xswiftc -DFIBERS_SHADOW_STACK"
    case .noShadowStacks:
      "built with FIBERS_SHADOW_STACK, but this thread has no user shadow stack: the kernel, the CPU"
        + " or the C library lacks it; build without"
    case .shadowStackRefused(let code):
      "no shadow stack for another fiber (\(Self.name(code))); stacks of .memory have none, others"
        + " take a mapping each: raise vm.max_map_count"
    }
  }

  private static func name(_ code: Int32) -> String {
    guard let text = unsafe strerror(code) else { return "error \(code)" }
    return unsafe String(cString: text)
  }
}
