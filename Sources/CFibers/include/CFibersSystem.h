// Sanitizer hooks, system calls that Swift's Glibc lacks, overflow handler, thread-local word.
#pragma once
#include <stddef.h>
#include <stdint.h>

// ---- Sanitizers. Uninstrumented; called right before and right after a switch.

/// What this build is instrumented with: 0 nothing, 1 the address, 2 the thread sanitizer.
int cfib_sanitizer(void);

/// Announces the switch to the stack `[low, low + size)`, TSan fiber `tsan_fiber`.
///
/// The fake stack of the one who leaves is kept in `*fake_stack`.
void cfib_before_switch(void **fake_stack, const void *low, size_t size, void *tsan_fiber);

/// Announces that the flow whose fake stack is `fake_stack` runs again.
void cfib_after_switch(void *fake_stack);

/// A TSan fiber for a new stack, or that of the calling thread. NULL in other builds.
void *cfib_tsan_create(void);
void *cfib_tsan_current(void);
void cfib_tsan_destroy(void *fiber);

/// Forgets what ASan knows about `[low, low + size)`: before a stack is used again or unmapped.
void cfib_unpoison(const void *low, size_t size);

/// The bounds of the calling thread's own stack. Slow on the first thread: reads /proc.
void cfib_thread_stack(const void **low, size_t *size);

// ---- Exclusivity sets of the Swift runtime (see docs/decisions/fibers-exclusivity.md).

/// Whether the Swift runtime of this process exports the two functions below.
int cfib_has_access_sets(void);

/// Moves the accesses that the thread holds to the 16 bytes at `set`, which must be zero.
/// Leaves them zero when there are none. O(accesses moved).
void cfib_accesses_leave(void *set);

/// Gives the accesses in `set` back to the thread and zeroes it.
///
/// Precondition: they left on this thread, and it holds none now.
void cfib_accesses_enter(void *set);

// ---- The runtime of the calling thread: one word, read without a call.

extern _Thread_local void *cfib_thread_current __attribute__((tls_model("initial-exec")));

static inline __attribute__((always_inline)) void *cfib_current(void) {
  return cfib_thread_current;
}
static inline __attribute__((always_inline)) void cfib_set_current(void *current) {
  cfib_thread_current = current;
}
/// A number that no other living thread has.
static inline __attribute__((always_inline)) uintptr_t cfib_thread_id(void) {
  return (uintptr_t)&cfib_thread_current;
}

/// The default runtime of the calling thread, NULL at first.
///
/// `destroy` is called with it on that thread when the thread ends (never for the first thread).
/// Returns 0 or `-errno`.
void *cfib_default(void);
int cfib_set_default(void *value, void (*destroy)(void *));

// ---- Memory.

/// Reserves `size` bytes, readable and writable, without huge pages. `-errno` or the address.
intptr_t cfib_reserve(size_t size);
int cfib_release(void *address, size_t size);

/// Makes `count` guards of `size` bytes, the first at `first`, then every `stride` bytes, without
/// further mappings (Linux 6.13). 0, or `-EINVAL` where the kernel cannot.
int cfib_guard_install(void *first, size_t size, size_t stride, size_t count);

/// The same by memory protection: two more mappings for each guard. `-ENOMEM` at the limit of
/// `vm.max_map_count`; guards made before the failure stay.
int cfib_guard_protect(void *first, size_t size, size_t stride, size_t count);

/// Gives the pages back. They read as zero afterwards.
int cfib_discard(void *address, size_t size);

/// How many pages of `[address, address + size)` are in memory, or `-errno`.
long cfib_resident_pages(void *address, size_t size);

/// How many bytes at the low end of `[low, low + size)` were never written (are zero), looking
/// only at pages that are in memory. Word by word.
size_t cfib_untouched_bytes(const void *low, size_t size);

// ---- The doorbell of a runtime: an eventfd.

int cfib_doorbell_open(void);
/// Sleeps until it is rung, or for so many nanoseconds, or (-1) for ever. 1 when it was rung, 0 when
/// not, or `-errno`. A signal handler that ran ends it early, with 0.
int cfib_doorbell_wait(int descriptor, int64_t nanoseconds);
int cfib_doorbell_ring(int descriptor);
void cfib_doorbell_close(int descriptor);

// ---- Overflow report.

/// Writes a report about a fault at `address` to `text` and returns its length; 0: not a guard.
///
/// Called in a signal handler, on the alternate stack.
typedef size_t (*cfib_describe_fault)(void *current, uintptr_t address, char *text, size_t capacity);

/// Installs the SIGSEGV and SIGBUS handler, once in a process. Faults that are not ours, and ours
/// after the report, go to the handler that was there before. 0 or `-errno`.
int cfib_overflow_install(cfib_describe_fault describe);

/// Gives the calling thread an alternate signal stack, unless it has one; taken back when the thread
/// ends. 0 or `-errno`.
int cfib_signal_stack_enter(void);

// ---- Shadow stacks (CET).

/// Whether the calling thread runs with a user shadow stack: 1, 0, or -1 when the kernel cannot say.
int cfib_shadow_stack_status(void);

/// Maps a shadow stack of `size` bytes with a restore token at its top. The address or `-errno`.
intptr_t cfib_shadow_stack_map(size_t size);
