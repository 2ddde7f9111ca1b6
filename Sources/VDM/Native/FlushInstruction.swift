import CVDM

/// An instruction that writes a cache line back to memory.
///
/// All cases exist on every architecture, so that code and tests can name them;
/// ``isSupported`` tells which ones this CPU has.
package enum FlushInstruction: CaseIterable, Sendable {
  /// x86-64: write back, keep the line if the CPU likes to.
  case clwb
  /// x86-64: write back and evict, in any order.
  case clflushopt
  /// x86-64: write back and evict, one line after the other.
  case clflush
  /// arm64: clean to the point of persistence.
  case cvap
  /// arm64: clean to the point of coherency, which is where persistence begins on a system
  /// without ``cvap``.
  case cvac

  /// Whether this CPU has the instruction.
  package var isSupported: Bool { CPUFeatures.current.contains(feature) }

  /// Every instruction that this CPU has, best first.
  package static var supported: [FlushInstruction] { allCases.filter(\.isSupported) }

  private var feature: CPUFeatures {
    switch self {
    case .clwb: .clwb
    case .clflushopt: .clflushopt
    case .clflush: .clflush
    case .cvap: .cvap
    case .cvac: .cvac
    }
  }

  /// The C function that flushes a range with this instruction; `nil` on another architecture.
  ///
  /// Calling it needs ``isSupported``.
  var function: vdm_flush_fn? {
    #if arch(x86_64)
      switch self {
      case .clwb: return unsafe vdm_flush_clwb
      case .clflushopt: return unsafe vdm_flush_clflushopt
      case .clflush: return unsafe vdm_flush_clflush
      case .cvap, .cvac: return nil
      }
    #elseif arch(arm64)
      switch self {
      case .cvap: return unsafe vdm_flush_cvap
      case .cvac: return unsafe vdm_flush_cvac
      case .clwb, .clflushopt, .clflush: return nil
      }
    #else
      return nil
    #endif
  }
}
