#define _GNU_SOURCE
#include "CMiniAsync.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int mini_futex_wait(const void *word, uint32_t expected, int64_t timeout_ns) {
  struct timespec limit = {.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};
  long result = syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected,
                        timeout_ns < 0 ? NULL : &limit, NULL, 0);
  return result < 0 ? -errno : 0;
}

int mini_futex_wake(const void *word, int count) {
  long result = syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
  return result < 0 ? -errno : (int)result;
}

void mini_name_thread(const char *name) {
  prctl(PR_SET_NAME, name, 0, 0, 0);  // Cuts the name itself, and cannot fail.
}

int mini_available_cpus(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set) > 0 ? CPU_COUNT(&set) : 1;
  return mini_online_cpus();  // More processors than a cpu_set_t holds.
}

int mini_pin(pthread_attr_t *attributes, int cpu) {
  if (cpu < 0 || cpu >= CPU_SETSIZE) return EINVAL;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  return pthread_attr_setaffinity_np(attributes, sizeof set, &set);
}

int mini_online_cpus(void) {
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? (int)online : 1;
}

#if defined(__x86_64__)
#include <cpuid.h>

int mini_cpu_has_umwait(void) {
  unsigned a, b, c, d;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
  return (c >> 5) & 1;  // CPUID.(7,0):ECX[5] WAITPKG
}

__attribute__((target("waitpkg"))) void mini_cpu_umwait(const uint64_t *word, uint64_t expected,
                                                        uint64_t ticks) {
  uint64_t deadline = __builtin_ia32_rdtsc() + ticks;
  __builtin_ia32_umonitor((void *)word);
  // Armed first, looked at second: a write between the two ends the wait at once.
  if (__atomic_load_n(word, __ATOMIC_ACQUIRE) != expected) return;
  // Control 1: the shallower of the two idle states, quicker to leave.
  __builtin_ia32_umwait(1, (unsigned)(deadline >> 32), (unsigned)deadline);
}
#else
int mini_cpu_has_umwait(void) { return 0; }

void mini_cpu_umwait(const uint64_t *word, uint64_t expected, uint64_t ticks) {
  (void)word;
  (void)expected;
  (void)ticks;
}
#endif
