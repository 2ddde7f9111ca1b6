#define _GNU_SOURCE
#include "hooks.h"

#include <pthread.h>

#include "CFibers.h"

#if CFIB_ASAN
void __sanitizer_start_switch_fiber(void **fake_stack_save, const void *bottom, size_t size);
void __sanitizer_finish_switch_fiber(void *fake_stack, const void **old_bottom, size_t *old_size);
void __asan_unpoison_memory_region(void const volatile *address, size_t size);
#endif
#if CFIB_TSAN
void *__tsan_create_fiber(unsigned flags);
void *__tsan_get_current_fiber(void);
void __tsan_switch_to_fiber(void *fiber, unsigned flags);
void __tsan_destroy_fiber(void *fiber);
#endif

int cfib_sanitizer(void) {
#if CFIB_ASAN
  return 1;
#elif CFIB_TSAN
  return 2;
#else
  return 0;
#endif
}

CFIB_UNINSTRUMENTED void cfib_before_switch(void **fake_stack, const void *low, size_t size,
                                            void *tsan_fiber) {
  (void)fake_stack, (void)low, (void)size, (void)tsan_fiber;
#if CFIB_ASAN
  __sanitizer_start_switch_fiber(fake_stack, low, size);
#endif
#if CFIB_TSAN
  __tsan_switch_to_fiber(tsan_fiber, 0);
#endif
}

CFIB_UNINSTRUMENTED void cfib_after_switch(void *fake_stack) {
  (void)fake_stack;
#if CFIB_ASAN
  const void *old_low;
  size_t old_size;
  __sanitizer_finish_switch_fiber(fake_stack, &old_low, &old_size);
#endif
}

void *cfib_tsan_create(void) {
#if CFIB_TSAN
  return __tsan_create_fiber(0);
#else
  return NULL;
#endif
}

void *cfib_tsan_current(void) {
#if CFIB_TSAN
  return __tsan_get_current_fiber();
#else
  return NULL;
#endif
}

CFIB_UNINSTRUMENTED void cfib_tsan_destroy(void *fiber) {
  (void)fiber;
#if CFIB_TSAN
  // A TSan fiber that never ran must have been current once before it is destroyed.
  void *me = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(fiber, 0);
  __tsan_switch_to_fiber(me, 0);
  __tsan_destroy_fiber(fiber);
#endif
}

void cfib_unpoison(const void *low, size_t size) {
  (void)low, (void)size;
#if CFIB_ASAN
  __asan_unpoison_memory_region(low, size);
#endif
}

void cfib_thread_stack(const void **low, size_t *size) {
  pthread_attr_t attributes;
  void *address = NULL;
  *size = 0;
  if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
    pthread_attr_getstack(&attributes, &address, size);
    pthread_attr_destroy(&attributes);
  }
  *low = address;
}

// Weak: internal to the Swift runtime, so that a runtime without them still links.
void swift_task_exitThreadLocalContext(char *state) __attribute__((weak));
void swift_task_enterThreadLocalContext(char *state) __attribute__((weak));

int cfib_has_access_sets(void) {
  return swift_task_exitThreadLocalContext != NULL && swift_task_enterThreadLocalContext != NULL;
}
void cfib_accesses_leave(void *set) { swift_task_exitThreadLocalContext(set); }
void cfib_accesses_enter(void *set) { swift_task_enterThreadLocalContext(set); }
