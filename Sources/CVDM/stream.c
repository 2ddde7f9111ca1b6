// Streaming copies and fills, in every store width that a CPU may have.
//
// The stores are written with `__builtin_nontemporal_store`, not assembly, so that ASan checks
// each of them. TSan does not: it ignores accesses wider than 16 bytes. Its builds therefore
// report the two ranges when a function is entered, and leave the loops uninstrumented.
#include "CVDM.h"

#if __has_feature(thread_sanitizer)
void __tsan_read_range(const void *start, size_t byte_count);
void __tsan_write_range(void *start, size_t byte_count);
#define WILL_READ(start, byte_count) __tsan_read_range(start, byte_count)
#define WILL_WRITE(start, byte_count) __tsan_write_range(start, byte_count)
#define UNINSTRUMENTED __attribute__((no_sanitize("thread")))
#else
#define WILL_READ(start, byte_count) ((void)0)
#define WILL_WRITE(start, byte_count) ((void)0)
#define UNINSTRUMENTED
#endif

#define INLINE static inline __attribute__((always_inline)) UNINSTRUMENTED

// The size of a cache line on x86-64, where it decides what bypasses the caches. On aarch64 it is
// only the size of a step.
enum { LINE = 64 };

// Any alignment, any effective type.
typedef uint16_t half __attribute__((aligned(1), may_alias));
typedef uint32_t word __attribute__((aligned(1), may_alias));
typedef uint64_t pair __attribute__((aligned(1), may_alias));
typedef uint8_t quad __attribute__((vector_size(16), aligned(1), may_alias));
// What the small streaming stores need: an aligned destination.
typedef uint32_t aligned_word __attribute__((may_alias));
typedef uint64_t aligned_pair __attribute__((may_alias));

INLINE size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

// Copies fewer than LINE bytes with normal stores. Everything is loaded before anything is
// stored, so overlap does not matter; the widest loads that fit meet in the middle.
INLINE void copy_edge(char *to, const char *from, size_t n) {
  if (n >= 32) {
    quad a = *(const quad *)from, b = *(const quad *)(from + 16);
    quad c = *(const quad *)(from + n - 32), d = *(const quad *)(from + n - 16);
    *(quad *)to = a, *(quad *)(to + 16) = b;
    *(quad *)(to + n - 32) = c, *(quad *)(to + n - 16) = d;
  } else if (n >= 16) {
    quad a = *(const quad *)from, b = *(const quad *)(from + n - 16);
    *(quad *)to = a, *(quad *)(to + n - 16) = b;
  } else if (n >= 8) {
    pair a = *(const pair *)from, b = *(const pair *)(from + n - 8);
    *(pair *)to = a, *(pair *)(to + n - 8) = b;
  } else if (n >= 4) {
    word a = *(const word *)from, b = *(const word *)(from + n - 4);
    *(word *)to = a, *(word *)(to + n - 4) = b;
  } else if (n >= 2) {
    half a = *(const half *)from, b = *(const half *)(from + n - 2);
    *(half *)to = a, *(half *)(to + n - 2) = b;
  } else if (n == 1) {
    *to = *from;
  }
}

INLINE void set_edge(char *to, uint64_t pattern, size_t n) {
  char bytes[LINE];
  for (size_t i = 0; i < LINE; i += 8) *(pair *)(bytes + i) = pattern;
  copy_edge(to, bytes, n);
}

// Whether an edge can be made of whole streaming stores of 4 and 8 bytes.
INLINE int is_streamable(const char *to, size_t n) { return (((uintptr_t)to | n) & 3) == 0; }

INLINE void stream_word(char *to, const char *from) {
  __builtin_nontemporal_store(*(const word *)from, (aligned_word *)to);
}

INLINE void stream_pair(char *to, const char *from) {
  __builtin_nontemporal_store(*(const pair *)from, (aligned_pair *)to);
}

// An edge that must reach memory. Appending records to a log writes the same line again and
// again: there a streaming store takes 2.5 ns, a store and clwb 145 (docs/decisions/durable-copies.md).
INLINE void put_edge_forward(char *to, const char *from, size_t n, vdm_flush_fn flush) {
  if (n == 0) return;
  if (flush && is_streamable(to, n)) {
    size_t i = 0;
    if ((uintptr_t)to & 4) stream_word(to, from), i = 4;
    for (; i + 8 <= n; i += 8) stream_pair(to + i, from + i);
    if (i < n) stream_word(to + i, from + i);
    return;
  }
  copy_edge(to, from, n);
  if (flush) flush(to, n);
}

INLINE void put_edge_backward(char *to, const char *from, size_t n, vdm_flush_fn flush) {
  if (n == 0) return;
  if (flush && is_streamable(to, n)) {
    size_t i = n;
    if ((uintptr_t)(to + n) & 4) i -= 4, stream_word(to + i, from + i);
    for (; i >= 8; i -= 8) stream_pair(to + i - 8, from + i - 8);
    if (i > 0) stream_word(to, from);
    return;
  }
  copy_edge(to, from, n);
  if (flush) flush(to, n);
}

INLINE void fill_edge(char *to, uint64_t pattern, size_t n, vdm_flush_fn flush) {
  if (n == 0) return;
  if (flush && is_streamable(to, n)) {
    size_t i = 0;
    if ((uintptr_t)to & 4) stream_word(to, (const char *)&pattern), i = 4;
    for (; i + 8 <= n; i += 8) stream_pair(to + i, (const char *)&pattern);
    if (i < n) stream_word(to + i, (const char *)&pattern);
    return;
  }
  set_edge(to, pattern, n);
  if (flush) flush(to, n);
}

// `stream_template.h` makes the three public functions of one store width.
#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)

#if defined(__x86_64__)

#define VARIANT sse2
#define WIDTH 16
#define BLOCK 128
#define TARGET
#include "stream_template.h"

#define VARIANT avx
#define WIDTH 32
#define BLOCK 256
#define TARGET __attribute__((target("avx")))
#include "stream_template.h"

#define VARIANT avx512
#define WIDTH 64
#define BLOCK 1024
#define TARGET __attribute__((target("avx512f")))
#include "stream_template.h"

#elif defined(__aarch64__)

#define VARIANT stnp
#define WIDTH 32
#define BLOCK 256
#define TARGET
#include "stream_template.h"

#endif
