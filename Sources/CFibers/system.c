#define _GNU_SOURCE
#include <asm/prctl.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "CFibers.h"
#include "hooks.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

_Thread_local void *cfib_thread_current __attribute__((tls_model("initial-exec")));

static pthread_once_t default_once = PTHREAD_ONCE_INIT;
static pthread_key_t default_key;
static int default_error;
static void (*default_destroy)(void *);
static void destroy_default(void *value) {
  __atomic_load_n(&default_destroy, __ATOMIC_RELAXED)(value);
}
static void make_default_key(void) {
  default_error = pthread_key_create(&default_key, destroy_default);
}

void *cfib_default(void) {
  pthread_once(&default_once, make_default_key);
  return default_error ? NULL : pthread_getspecific(default_key);
}

int cfib_set_default(void *value, void (*destroy)(void *)) {
  pthread_once(&default_once, make_default_key);
  if (default_error) return -default_error;
  __atomic_store_n(&default_destroy, destroy, __ATOMIC_RELAXED);
  return -pthread_setspecific(default_key, value);
}

intptr_t cfib_reserve(size_t size) {
  void *address = mmap(NULL, size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (address == MAP_FAILED) return -errno;
  // Without huge pages: one touched page of a stack must cost one page. A kernel that has none
  // answers EINVAL, which is as good.
  madvise(address, size, MADV_NOHUGEPAGE);
  return (intptr_t)address;
}

int cfib_release(void *address, size_t size) { return munmap(address, size) ? -errno : 0; }

int cfib_guard_install(void *first, size_t size, size_t stride, size_t count) {
  // A batch in one call, about 40 % less for each guard (Linux 6.14: a process may name itself
  // without a descriptor). What the batch did not do, one by one: installing again is harmless.
  enum { PIDFD_OURSELVES = -10001, PROCESS_MADVISE = 440, BATCH = 64 };
  size_t done = 0;
  while (done < count) {
    struct iovec guards[BATCH];
    size_t batch = count - done < BATCH ? count - done : BATCH;
    for (size_t i = 0; i < batch; i++)
      guards[i] = (struct iovec){(char *)first + (done + i) * stride, size};
    long bytes =
        syscall(PROCESS_MADVISE, PIDFD_OURSELVES, guards, batch, MADV_GUARD_INSTALL, 0U);
    if (bytes != (long)(batch * size)) break;
    done += batch;
  }
  for (size_t i = done; i < count; i++)
    if (madvise((char *)first + i * stride, size, MADV_GUARD_INSTALL)) return -errno;
  return 0;
}

int cfib_guard_protect(void *first, size_t size, size_t stride, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (mprotect((char *)first + i * stride, size, PROT_NONE)) return -errno;
  return 0;
}

int cfib_discard(void *address, size_t size) {
  return madvise(address, size, MADV_DONTNEED) ? -errno : 0;
}

enum { CFIB_WINDOW = 256 };

long cfib_resident_pages(void *address, size_t size) {
  unsigned char window[CFIB_WINDOW];
  long resident = 0;
  char *at = address, *end = at + size;
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  while (at < end) {
    size_t pages = ((size_t)(end - at) + page - 1) / page;
    if (pages > CFIB_WINDOW) pages = CFIB_WINDOW;
    if (mincore(at, pages * page, window)) return -errno;
    for (size_t i = 0; i < pages; i++) resident += window[i] & 1;
    at += pages * page;
  }
  return resident;
}

CFIB_UNINSTRUMENTED size_t cfib_untouched_bytes(const void *low, size_t size) {
  const char *at = low, *end = at + size;
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  while (at < end) {
    unsigned char resident = 1;
    // Pages that are not in memory are skipped, not read: reading would bring them in.
    if (mincore((void *)at, page, &resident) || (resident & 1)) {
      const volatile uint64_t *word = (const volatile uint64_t *)at;
      for (size_t i = 0; i < page / sizeof *word; i++)
        if (word[i]) return (size_t)(at - (const char *)low) + i * sizeof *word;
    }
    at += page;
  }
  return size;
}

int cfib_doorbell_open(void) {
  int descriptor = eventfd(0, EFD_CLOEXEC);
  return descriptor < 0 ? -errno : descriptor;
}

int cfib_doorbell_wait(int descriptor, int64_t nanoseconds) {
  struct pollfd bell = {.fd = descriptor, .events = POLLIN};
  struct timespec limit = {nanoseconds / 1000000000, nanoseconds % 1000000000};
  int rung = ppoll(&bell, 1, nanoseconds < 0 ? NULL : &limit, NULL);
  if (rung <= 0) return rung == 0 || errno == EINTR ? 0 : -errno;
  uint64_t count;
  while (read(descriptor, &count, sizeof count) < 0)
    if (errno != EINTR) return -errno;
  return 1;
}

int cfib_doorbell_ring(int descriptor) {
  uint64_t one = 1;
  while (write(descriptor, &one, sizeof one) < 0)
    if (errno != EINTR) return -errno;
  return 0;
}

void cfib_doorbell_close(int descriptor) { close(descriptor); }

int cfib_shadow_stack_status(void) {
#if defined(__x86_64__)
  enum { SHSTK_STATUS = 0x5005, SHSTK_ENABLED = 1 };
  uint64_t features = 0;
  if (syscall(SYS_arch_prctl, SHSTK_STATUS, &features)) return -1;
  return (features & SHSTK_ENABLED) != 0;
#else
  return -1;
#endif
}

intptr_t cfib_shadow_stack_map(size_t size) {
  enum { MAP_SHADOW_STACK = 453, SET_TOKEN = 1 };
  long address = syscall(MAP_SHADOW_STACK, 0UL, size, SET_TOKEN);
  return address < 0 ? -errno : address;
}
