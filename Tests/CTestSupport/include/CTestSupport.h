// What tests need below Swift: counting allocations and naming threads.
#pragma once
#include <stdint.h>

/// Whether allocations can be counted: not under a sanitizer, which has an allocator of its own.
int ctest_counts_allocations(void);

/// The number of allocations the calling thread has made so far (malloc, calloc, realloc,
/// posix_memalign, aligned_alloc, memalign).
uint64_t ctest_thread_allocations(void);

/// The calling thread's number in /proc/self/task.
int ctest_thread_id(void);
