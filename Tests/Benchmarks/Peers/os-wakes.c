// What the system itself takes to wake a thread that sleeps on another processor: round trips between
// a thread on the first and one on the second processor (two wakes), and `NAME-once`, one wake.
#define _GNU_SOURCE
#include "peer.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

/// A place where one thread waits for one other.
struct bell {
  _Atomic int rung;
  pthread_mutex_t mutex;
  pthread_cond_t condition;
  int event, epoll;
};

/// How to wait and to wake.
struct method {
  const char *name;
  void (*ring)(struct bell *);
  void (*wait)(struct bell *);
};

static void spin_ring(struct bell *bell) {
  atomic_store_explicit(&bell->rung, 1, memory_order_release);
}

static void spin_wait(struct bell *bell) {
  while (!atomic_load_explicit(&bell->rung, memory_order_acquire)) __builtin_ia32_pause();
  atomic_store_explicit(&bell->rung, 0, memory_order_relaxed);
}

static void futex_ring(struct bell *bell) {
  atomic_store(&bell->rung, 1);
  syscall(SYS_futex, &bell->rung, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0);
}

static void futex_wait(struct bell *bell) {
  while (!atomic_load(&bell->rung)) {
    syscall(SYS_futex, &bell->rung, FUTEX_WAIT_PRIVATE, 0, 0, 0, 0);
  }
  atomic_store(&bell->rung, 0);
}

static void condition_ring(struct bell *bell) {
  pthread_mutex_lock(&bell->mutex);
  bell->rung = 1;
  pthread_cond_signal(&bell->condition);
  pthread_mutex_unlock(&bell->mutex);
}

static void condition_wait(struct bell *bell) {
  pthread_mutex_lock(&bell->mutex);
  while (!bell->rung) pthread_cond_wait(&bell->condition, &bell->mutex);
  bell->rung = 0;
  pthread_mutex_unlock(&bell->mutex);
}

static void event_ring(struct bell *bell) {
  uint64_t one = 1;
  if (write(bell->event, &one, sizeof one) != sizeof one) abort();
}

static void event_wait(struct bell *bell) {
  struct epoll_event event;
  uint64_t count;
  while (epoll_wait(bell->epoll, &event, 1, -1) != 1) {}
  if (read(bell->event, &count, sizeof count) != sizeof count) abort();
}

static const struct method methods[] = {
    {"spin", spin_ring, spin_wait},
    {"futex", futex_ring, futex_wait},
    {"condvar", condition_ring, condition_wait},
    {"eventfd", event_ring, event_wait},
};

static struct bell there, back;
static const struct method *method;
static int count = 5000;
/// When the bell was rung; written before it is.
static uint64_t rung_at;

static void make_bell(struct bell *bell) {
  pthread_mutex_init(&bell->mutex, NULL);
  pthread_cond_init(&bell->condition, NULL);
  bell->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  bell->epoll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN};
  epoll_ctl(bell->epoll, EPOLL_CTL_ADD, bell->event, &event);
}

static void pin(int processor) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(processor, &one);
  sched_setaffinity(0, sizeof one, &one);
}

static void *answer(void *unused) {
  pin(1);
  for (int i = 0; i < count; i++) {
    method->wait(&there);
    method->ring(&back);
  }
  return unused;
}

static void round_trips(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, answer, NULL);
  uint64_t start = peer_now();
  for (int i = 0; i < count; i++) {
    method->ring(&there);
    method->wait(&back);
  }
  peer_print_since(start, count);
  pthread_join(thread, NULL);
}

static void *sum_of_wakes(void *sum) {
  pin(1);
  for (int i = 0; i < count; i++) {
    method->wait(&there);
    *(uint64_t *)sum += peer_now() - rung_at;
    spin_ring(&back);
  }
  return NULL;
}

/// The other thread is given the time to fall asleep before each wake.
static void single_wakes(void) {
  pthread_t thread;
  uint64_t sum = 0;
  count = 1000;
  pthread_create(&thread, NULL, sum_of_wakes, &sum);
  for (int i = 0; i < count; i++) {
    for (uint64_t end = peer_now() + 50000; peer_now() < end;) __builtin_ia32_pause();
    rung_at = peer_now();
    method->ring(&there);
    spin_wait(&back);
  }
  pthread_join(thread, NULL);
  printf("%.3f\n", (double)sum / count);
}

int main(int words, char **word) {
  const char *what = words > 1 ? word[1] : "";
  size_t length = strcspn(what, "-");
  for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
    if (strlen(methods[i].name) == length && !strncmp(methods[i].name, what, length)) {
      method = &methods[i];
    }
  }
  if (!method) return 2;
  make_bell(&there);
  make_bell(&back);
  pin(0);
  if (strcmp(what + length, "-once") == 0) single_wakes();
  else round_trips();
}
