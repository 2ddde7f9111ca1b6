import CVDM

/// What this CPU offers for moving and flushing memory.
package struct CPUFeatures: OptionSet, Sendable, Hashable {
  /// The bits of C's `vdm_cpu_feature`.
  package let rawValue: UInt32

  /// Makes a set from raw bits.
  package init(rawValue: UInt32) { self.rawValue = rawValue }

  /// A feature by its C name.
  private init(_ feature: vdm_cpu_feature) { self.init(rawValue: UInt32(feature.rawValue)) }

  /// x86-64: evict a line, in order.
  package static let clflush = CPUFeatures(VDM_CPU_CLFLUSH)
  /// x86-64: evict a line, in any order.
  package static let clflushopt = CPUFeatures(VDM_CPU_CLFLUSHOPT)
  /// x86-64: write a line back, and perhaps keep it.
  package static let clwb = CPUFeatures(VDM_CPU_CLWB)
  /// x86-64: 32-byte stores, which the kernel knows of.
  package static let avx = CPUFeatures(VDM_CPU_AVX)
  /// x86-64: 64-byte stores, which the kernel knows of.
  package static let avx512 = CPUFeatures(VDM_CPU_AVX512F)
  /// x86-64: `rep movsb` is fast.
  package static let fastStringMoves = CPUFeatures(VDM_CPU_ERMS)
  /// arm64: clean a line to the point of coherency.
  package static let cvac = CPUFeatures(VDM_CPU_CVAC)
  /// arm64: clean a line to the point of persistence.
  package static let cvap = CPUFeatures(VDM_CPU_CVAP)

  /// The features of the CPU that this process runs on, asked for once.
  package static let current = CPUFeatures(rawValue: vdm_cpu_features())
}
