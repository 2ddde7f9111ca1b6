// Cache-line flushes and the fence that completes them.
//
// The flushes are not sanitizer-instrumented, and need not be: they change no value, and a range
// that other threads are writing may be flushed. Every loop is a compiler barrier ("memory"), so
// that stores before the call are not moved behind it.
#include "CVDM.h"

#if defined(__x86_64__)

// Every CPU with these instructions reports 64 (CPUID 1, EBX bits 15:8, times 8).
enum { LINE = 64 };

// Encoded by hand, so that this compiles without -m flags: clflushopt is clflush with a 0x66
// prefix, clwb is xsaveopt with one.
#define FLUSH_LINES(start, byte_count, instruction)                        \
  do {                                                                     \
    if ((byte_count) == 0) return;                                         \
    uintptr_t line = (uintptr_t)(start) & ~(uintptr_t)(LINE - 1);          \
    uintptr_t end = (uintptr_t)(start) + (byte_count);                     \
    for (; line < end; line += LINE)                                       \
      __asm__ volatile(instruction : "+m"(*(char *)line) : : "memory");    \
  } while (0)

void vdm_flush_clflush(const void *start, size_t byte_count) {
  FLUSH_LINES(start, byte_count, "clflush %0");
}

void vdm_flush_clflushopt(const void *start, size_t byte_count) {
  FLUSH_LINES(start, byte_count, ".byte 0x66; clflush %0");
}

void vdm_flush_clwb(const void *start, size_t byte_count) {
  FLUSH_LINES(start, byte_count, ".byte 0x66; xsaveopt %0");
}

void vdm_fence(void) { __asm__ volatile("sfence" ::: "memory"); }

#elif defined(__aarch64__)

// Bytes in the smallest data cache line of all CPUs of the system (CTR_EL0.DminLine). The
// architecture allows any power of two; PMDK assumes 64.
static uintptr_t line_size(void) {
  uint64_t ctr;
  __asm__ volatile("mrs %0, ctr_el0" : "=r"(ctr));
  return (uintptr_t)4 << ((ctr >> 16) & 15);
}

#define FLUSH_LINES(start, byte_count, instruction)                        \
  do {                                                                     \
    if ((byte_count) == 0) return;                                         \
    uintptr_t size = line_size();                                          \
    uintptr_t line = (uintptr_t)(start) & ~(size - 1);                     \
    uintptr_t end = (uintptr_t)(start) + (byte_count);                     \
    for (; line < end; line += size)                                       \
      __asm__ volatile(instruction : : "r"(line) : "memory");              \
  } while (0)

void vdm_flush_cvac(const void *start, size_t byte_count) {
  FLUSH_LINES(start, byte_count, "dc cvac, %0");
}

// "dc cvap, %0", spelled so that assemblers for ARMv8.0 take it.
void vdm_flush_cvap(const void *start, size_t byte_count) {
  FLUSH_LINES(start, byte_count, "sys #3, c7, c12, #1, %0");
}

// A barrier that waits (DSB, not DMB): only then have earlier `dc` operations completed. The whole
// system, as in Linux's `dcache_clean_pop`: memory may lie outside the inner shareable domain.
void vdm_fence(void) { __asm__ volatile("dsb sy" ::: "memory"); }

#else

void vdm_fence(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

#endif
