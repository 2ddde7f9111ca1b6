#define _GNU_SOURCE
#include "CTestSupport.h"

#include <errno.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

int ctest_thread_id(void) { return (int)syscall(SYS_gettid); }

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define CTEST_SANITIZED 1
#endif
#endif

#if defined(__GLIBC__) && !defined(CTEST_SANITIZED)

// The test program's own definitions come before libc's for every library in the process. Memory
// still comes from libc, so `free` needs no counterpart. The counter is thread-local in the
// program itself: reading it allocates nothing.
static __thread uint64_t allocations;

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

void *malloc(size_t size) {
  allocations++;
  return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
  allocations++;
  return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size) {
  allocations++;
  return __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size) {
  allocations++;
  return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  allocations++;
  return __libc_memalign(alignment, size);
}

int posix_memalign(void **result, size_t alignment, size_t size) {
  allocations++;
  void *memory = __libc_memalign(alignment, size);
  if (memory == NULL) return ENOMEM;
  *result = memory;
  return 0;
}

int ctest_counts_allocations(void) { return 1; }
uint64_t ctest_thread_allocations(void) { return allocations; }

#else

int ctest_counts_allocations(void) { return 0; }
uint64_t ctest_thread_allocations(void) { return 0; }

#endif
