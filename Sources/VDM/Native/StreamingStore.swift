import CVDM

/// A store instruction that goes past the CPU caches.
///
/// All cases exist on every architecture; ``isSupported`` tells which ones this CPU has.
package enum StreamingStore: CaseIterable, Sendable {
  /// x86-64: 64 bytes, a whole line.
  case avx512
  /// x86-64: 32 bytes.
  case avx
  /// x86-64: 16 bytes.
  case sse2
  /// arm64: a pair of registers. Only a hint: the line may be cached all the same.
  case stnp

  /// Whether this CPU has the instruction.
  package var isSupported: Bool {
    switch self {
    case .avx512: CPUFeatures.current.contains(.avx512)
    case .avx: CPUFeatures.current.contains(.avx)
    case .sse2: CPUFeatures.current.contains(.clflush)  // Both are in every x86-64 CPU.
    case .stnp: CPUFeatures.current.contains(.cvac)
    }
  }

  /// Every instruction that this CPU has, best first.
  package static var supported: [StreamingStore] { allCases.filter(\.isSupported) }

  /// Whether what was stored is durable after a fence, with no flush of the line.
  var bypassesCache: Bool { self != .stnp }

  /// The C functions of one store instruction.
  @unsafe struct Functions {
    var copyForward: vdm_stream_copy_fn
    var copyBackward: vdm_stream_copy_fn
    var set: vdm_stream_set_fn
  }

  /// The C functions of this instruction; `nil` on another architecture.
  ///
  /// Calling them needs ``isSupported``.
  var functions: Functions? {
    #if arch(x86_64)
      switch self {
      case .avx512:
        return unsafe Functions(
          copyForward: vdm_stream_copy_forward_avx512,
          copyBackward: vdm_stream_copy_backward_avx512,
          set: vdm_stream_set_avx512
        )
      case .avx:
        return unsafe Functions(
          copyForward: vdm_stream_copy_forward_avx,
          copyBackward: vdm_stream_copy_backward_avx,
          set: vdm_stream_set_avx
        )
      case .sse2:
        return unsafe Functions(
          copyForward: vdm_stream_copy_forward_sse2,
          copyBackward: vdm_stream_copy_backward_sse2,
          set: vdm_stream_set_sse2
        )
      case .stnp: return nil
      }
    #elseif arch(arm64)
      guard self == .stnp else { return nil }
      return unsafe Functions(
        copyForward: vdm_stream_copy_forward_stnp,
        copyBackward: vdm_stream_copy_backward_stnp,
        set: vdm_stream_set_stnp
      )
    #else
      return nil
    #endif
  }
}
