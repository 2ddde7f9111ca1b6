// Which flushes and vector stores this process may use.
#include "CVDM.h"

#if defined(__x86_64__)

#include <cpuid.h>

// The register sets that the kernel saves and restores (XCR0). Needs OSXSAVE.
static uint64_t saved_register_sets(void) {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return ((uint64_t)high << 32) | low;
}

uint32_t vdm_cpu_features(void) {
  // Leaf 1, ECX and EDX; leaf 7, EBX; XCR0. Intel SDM volume 1, 13.2 and 14.3.
  enum { OSXSAVE = 1 << 27, AVX = 1 << 28, CLFSH = 1 << 19 };
  enum { ERMS = 1 << 9, AVX512F = 1 << 16, CLFLUSHOPT = 1 << 23, CLWB = 1 << 24 };
  enum { XCR0_AVX = 0x06, XCR0_AVX512 = 0xe6 };

  uint32_t features = 0;
  uint32_t a, b, c, d;
  uint64_t saved = 0;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return 0;
  if (c & OSXSAVE) saved = saved_register_sets();
  if (d & CLFSH) features |= VDM_CPU_CLFLUSH;
  if ((c & AVX) && (saved & XCR0_AVX) == XCR0_AVX) features |= VDM_CPU_AVX;

  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return features;
  if (b & CLFLUSHOPT) features |= VDM_CPU_CLFLUSHOPT;
  if (b & CLWB) features |= VDM_CPU_CLWB;
  if (b & ERMS) features |= VDM_CPU_ERMS;
  if ((b & AVX512F) && (saved & XCR0_AVX512) == XCR0_AVX512) features |= VDM_CPU_AVX512F;
  return features;
}

#elif defined(__aarch64__) && defined(__linux__)

#include <sys/auxv.h>

uint32_t vdm_cpu_features(void) {
  enum { DCPOP = 1 << 16 };  // HWCAP_DCPOP of <asm/hwcap.h>
  uint32_t features = VDM_CPU_CVAC;
  if (getauxval(AT_HWCAP) & DCPOP) features |= VDM_CPU_CVAP;
  return features;
}

#else

// Nothing is known of this CPU: `NativeMemory` then offers plain copies only.
uint32_t vdm_cpu_features(void) { return 0; }

#endif
