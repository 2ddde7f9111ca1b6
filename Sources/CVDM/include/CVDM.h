#pragma once
// What VDM needs below Swift: cache-line flushes, fences, and stores that go past the caches.
//
// Instructions only: which of them to use, and when to fence, is decided in Swift
// (`NativeMemory`). Nothing here allocates, locks, keeps state or checks its arguments.
//
// Three rules hold for every function below:
//
// - Calling one that the CPU lacks (see `vdm_cpu_features`) is an illegal instruction.
// - None contains a fence. Flushes and streaming stores are weakly ordered: before the bytes are
//   called durable, *and before another thread is told that they are there*, call
//   `vdm_fence`. One fence serves any number of operations before it.
// - A byte count of 0 touches nothing; the pointers are not looked at.
#include <stddef.h>
#include <stdint.h>

/// What the CPU and the kernel let this process use. Bits of `vdm_cpu_features`.
enum vdm_cpu_feature {
  VDM_CPU_CLFLUSH = 1 << 0,
  VDM_CPU_CLFLUSHOPT = 1 << 1,
  VDM_CPU_CLWB = 1 << 2,
  /// 256-bit stores; the kernel saves the registers.
  VDM_CPU_AVX = 1 << 3,
  /// 512-bit stores; the kernel saves the registers.
  VDM_CPU_AVX512F = 1 << 4,
  /// `rep movsb` is fast.
  VDM_CPU_ERMS = 1 << 5,
  /// `dc cvac`: always there on aarch64.
  VDM_CPU_CVAC = 1 << 6,
  /// `dc cvap`: clean to the point of persistence (FEAT_DPB).
  VDM_CPU_CVAP = 1 << 7,
};

/// Asks the CPU (and, where registers are concerned, the kernel). Slow: ask once.
uint32_t vdm_cpu_features(void);

/// Writes back every cache line that the range touches: the start is rounded down and the end up.
///
/// A flush needs no access check by sanitizers: it neither reads nor changes values.
typedef void (*vdm_flush_fn)(const void *start, size_t byte_count);

/// Copies `byte_count` bytes with streaming stores.
///
/// Whole lines of the destination bypass the caches. The pieces before the first and after the
/// last whole line are stored normally; with `flush_edges`, they are also made to leave the cache
/// (by that function, or by small streaming stores where their alignment allows).
/// `forward` is right where the destination starts before the source or does not overlap it,
/// `backward` where it starts after it.
typedef void (*vdm_stream_copy_fn)(void *destination, const void *source, size_t byte_count,
                                   vdm_flush_fn flush_edges);

/// Fills `byte_count` bytes with `value`, otherwise as `vdm_stream_copy_fn`.
typedef void (*vdm_stream_set_fn)(void *destination, int value, size_t byte_count,
                                  vdm_flush_fn flush_edges);

/// Orders and completes all flushes and streaming stores of this thread before what follows.
/// A compiler barrier too.
void vdm_fence(void);

#if defined(__x86_64__)

/// Evicts the lines, one after the other. Works on every x86-64 CPU.
void vdm_flush_clflush(const void *start, size_t byte_count);
/// Evicts the lines, in any order.
void vdm_flush_clflushopt(const void *start, size_t byte_count);
/// Writes the lines back; the CPU may keep them cached.
void vdm_flush_clwb(const void *start, size_t byte_count);

// 16 bytes a store; works on every x86-64 CPU.
void vdm_stream_copy_forward_sse2(void *, const void *, size_t, vdm_flush_fn);
void vdm_stream_copy_backward_sse2(void *, const void *, size_t, vdm_flush_fn);
void vdm_stream_set_sse2(void *, int, size_t, vdm_flush_fn);

// 32 bytes a store; needs `VDM_CPU_AVX`.
void vdm_stream_copy_forward_avx(void *, const void *, size_t, vdm_flush_fn);
void vdm_stream_copy_backward_avx(void *, const void *, size_t, vdm_flush_fn);
void vdm_stream_set_avx(void *, int, size_t, vdm_flush_fn);

// 64 bytes a store, a whole line; needs `VDM_CPU_AVX512F`.
void vdm_stream_copy_forward_avx512(void *, const void *, size_t, vdm_flush_fn);
void vdm_stream_copy_backward_avx512(void *, const void *, size_t, vdm_flush_fn);
void vdm_stream_set_avx512(void *, int, size_t, vdm_flush_fn);

#elif defined(__aarch64__)

/// Cleans the lines to the point of coherency.
void vdm_flush_cvac(const void *start, size_t byte_count);
/// Cleans the lines to the point of persistence; needs `VDM_CPU_CVAP`.
void vdm_flush_cvap(const void *start, size_t byte_count);

// `stnp`. On aarch64 this is only a hint that the data will not be reused: the lines may stay in
// the cache, so a durable copy must flush the whole range, not just its edges.
void vdm_stream_copy_forward_stnp(void *, const void *, size_t, vdm_flush_fn);
void vdm_stream_copy_backward_stnp(void *, const void *, size_t, vdm_flush_fn);
void vdm_stream_set_stnp(void *, int, size_t, vdm_flush_fn);

#endif
