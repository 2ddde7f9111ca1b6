// What MiniAsync needs below Swift: parking a thread on a word (futex), telling the CPU that a
// loop is waiting (pause), and waiting for a cache line to change (umonitor/umwait).
//
// No logic lives here. Every function returns `-errno` on failure, so that no caller reads
// `errno`, and none allocates or locks.
#pragma once
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

/// Sleeps while `*word == expected`, until `mini_futex_wake`, a signal or the timeout.
///
/// `timeout_ns < 0` means no timeout. Returns 0 when woken (possibly spuriously), `-EAGAIN` when
/// `*word` differed already, `-ETIMEDOUT`, or `-EINTR`. The comparison and the sleep are atomic
/// with respect to `mini_futex_wake`.
int mini_futex_wait(const void *word, uint32_t expected, int64_t timeout_ns);

/// Wakes up to `count` threads that sleep on `word`. Returns how many it woke.
///
/// Touches no memory: `word` is only an address, and may have been unmapped by its last waiter.
int mini_futex_wake(const void *word, int count);

/// Tells the CPU that this is a spin loop.
static inline __attribute__((always_inline)) void mini_cpu_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb" ::: "memory");
#endif
}

/// Whether the CPU can wait for a change of a cache line (x86-64 WAITPKG).
int mini_cpu_has_umwait(void);

/// Waits until the cache line of `word` is written, `ticks` of the time-stamp counter have
/// passed, or anything interrupts the wait. Returns at once when `*word != expected` already.
///
/// Precondition: `mini_cpu_has_umwait()`.
void mini_cpu_umwait(const uint64_t *word, uint64_t expected, uint64_t ticks);

/// The number of processors this thread may run on, at least 1.
int mini_available_cpus(void);

/// The number of processors that are online, at least 1, whatever this thread may run on: others
/// may run there.
int mini_online_cpus(void);

/// Names the calling thread, for debuggers and `top`. Names over 15 bytes are cut.
void mini_name_thread(const char *name);

/// Lets threads that are made with `attributes` run on processor `cpu` only.
///
/// Returns 0 or an error number. Whether the processor exists is found out by `pthread_create`.
int mini_pin(pthread_attr_t *attributes, int cpu);
