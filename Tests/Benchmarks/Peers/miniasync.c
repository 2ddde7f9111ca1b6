// The C library miniasync, whose ideas ours follows: chains, waits and its movers.
#define _GNU_SOURCE
#include "peer.h"

#include <libminiasync.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

static void pin(int processor) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(processor, &one);
  sched_setaffinity(0, sizeof one, &one);
}

// A chain of eight trivial entries.

struct step_data {
  int64_t state, input;
};
struct step_output {
  int64_t value;
};
FUTURE(step, struct step_data, struct step_output);

static enum future_state step_task(struct future_context *context, struct future_notifier *notifier) {
  (void)notifier;
  struct step_data *data = future_context_get_data(context);
  data->state += data->input;
  ((struct step_output *)future_context_get_output(context))->value = data->state;
  return FUTURE_STATE_COMPLETE;
}

static struct step make_step(void) {
  struct step step;
  FUTURE_INIT(&step, step_task);
  step.data = (struct step_data){0, 1};
  return step;
}

static void to_input(struct future_context *from, struct future_context *to, void *unused) {
  (void)unused;
  struct step_output *output = future_context_get_output(from);
  ((struct step_data *)future_context_get_data(to))->input = output->value;
}

static void to_output(struct future_context *from, struct future_context *to, void *unused) {
  (void)unused;
  struct step_output *output = future_context_get_output(from);
  *(struct step_output *)future_context_get_output(to) = *output;
}

struct chain_data {
  FUTURE_CHAIN_ENTRY(struct step, s1);
  FUTURE_CHAIN_ENTRY(struct step, s2);
  FUTURE_CHAIN_ENTRY(struct step, s3);
  FUTURE_CHAIN_ENTRY(struct step, s4);
  FUTURE_CHAIN_ENTRY(struct step, s5);
  FUTURE_CHAIN_ENTRY(struct step, s6);
  FUTURE_CHAIN_ENTRY(struct step, s7);
  FUTURE_CHAIN_ENTRY_LAST(struct step, s8);
};
FUTURE(chain, struct chain_data, struct step_output);

static void make_chain(struct chain *chain) {
  FUTURE_CHAIN_ENTRY_INIT(&chain->data.s1, make_step(), to_input, NULL);
  FUTURE_CHAIN_ENTRY_INIT(&chain->data.s2, make_step(), to_input, NULL);
  FUTURE_CHAIN_ENTRY_INIT(&chain->data.s3, make_step(), to_input, NULL);
  FUTURE_CHAIN_ENTRY_INIT(&chain->data.s4, make_step(), to_input, NULL);
  FUTURE_CHAIN_ENTRY_INIT(&chain->data.s5, make_step(), to_input, NULL);
  FUTURE_CHAIN_ENTRY_INIT(&chain->data.s6, make_step(), to_input, NULL);
  FUTURE_CHAIN_ENTRY_INIT(&chain->data.s7, make_step(), to_input, NULL);
  FUTURE_CHAIN_ENTRY_INIT(&chain->data.s8, make_step(), to_output, NULL);
  FUTURE_CHAIN_INIT(chain);
}

/// Made and polled.
static void chains(void) {
  const int count = 200000;
  int64_t sum = 0;
  uint64_t start = peer_now();
  for (int i = 0; i < count; i++) {
    struct chain chain;
    make_chain(&chain);
    FUTURE_BUSY_POLL(&chain);
    sum += chain.output.value;
  }
  peer_print_since(start, count);
  if (sum != count) abort();
}

// Waits for many.

struct ten_data {
  int left;
};
FUTURE(ten, struct ten_data, struct step_output);

static enum future_state ten_task(struct future_context *context, struct future_notifier *notifier) {
  if (notifier) notifier->notifier_used = FUTURE_NOTIFIER_NONE;
  struct ten_data *data = future_context_get_data(context);
  return --data->left == 0 ? FUTURE_STATE_COMPLETE : FUTURE_STATE_RUNNING;
}

/// `count` futures that complete at their tenth poll.
static void polls(int count) {
  struct runtime *runtime = runtime_new();
  struct ten *futures = malloc(sizeof *futures * count);
  struct future **list = malloc(sizeof *list * count);
  int rounds = count < 10000 ? 20000 / count : 1;
  uint64_t start = peer_now();
  for (int k = 0; k < rounds; k++) {
    for (int i = 0; i < count; i++) {
      FUTURE_INIT(&futures[i], ten_task);
      futures[i].data.left = 10;
      list[i] = FUTURE_AS_RUNNABLE(&futures[i]);
    }
    runtime_wait_multiple(runtime, list, count);
  }
  peer_print_since(start, (double)rounds * count);
}

struct woken_data {
  _Atomic int was_polled, is_set, was_seen;
  struct future_waker waker;
};
FUTURE(woken, struct woken_data, struct step_output);

static enum future_state woken_task(
    struct future_context *context, struct future_notifier *notifier) {
  struct woken_data *data = future_context_get_data(context);
  if (notifier) {
    notifier->notifier_used = FUTURE_NOTIFIER_WAKER;
    data->waker = notifier->waker;
  }
  atomic_store(&data->was_polled, 1);
  if (!atomic_load(&data->is_set)) return FUTURE_STATE_RUNNING;
  atomic_store(&data->was_seen, 1);
  return FUTURE_STATE_COMPLETE;
}

static struct woken *woken;
static int woken_count;

/// Wakes them in turn, each when the one before was seen; returns what one took.
static void *wake_all(void *result) {
  pin(1);
  while (!atomic_load(&woken[woken_count - 1].data.was_polled)) {}
  uint64_t start = peer_now();
  for (int i = 0; i < woken_count; i++) {
    struct woken_data *data = &woken[i].data;
    atomic_store(&data->is_set, 1);
    FUTURE_WAKER_WAKE(&data->waker);
    while (!atomic_load(&data->was_seen)) {}
  }
  *(double *)result = (double)(peer_now() - start) / woken_count;
  return NULL;
}

static void wakes(int count) {
  struct runtime *runtime = runtime_new();
  struct future **list = malloc(sizeof *list * count);
  woken = calloc(count, sizeof *woken);
  woken_count = count;
  for (int i = 0; i < count; i++) {
    FUTURE_INIT(&woken[i], woken_task);
    list[i] = FUTURE_AS_RUNNABLE(&woken[i]);
  }
  pthread_t thread;
  double result;
  pthread_create(&thread, NULL, wake_all, &result);
  runtime_wait_multiple(runtime, list, count);
  pthread_join(thread, NULL);
  printf("%.3f\n", result);
}

// Movers.

/// The overhead of its synchronous mover: 64 B, less what memcpy itself takes.
static void synchronous(void) {
  struct data_mover_sync *mover = data_mover_sync_new();
  struct vdm *vdm = data_mover_sync_get_vdm(mover);
  static char from[64], to[64];
  const int count = 500000;
  uint64_t start = peer_now();
  for (int i = 0; i < count; i++) {
    struct vdm_operation_future copy = vdm_memcpy(vdm, to, from, sizeof to, 0);
    FUTURE_BUSY_POLL(&copy);
  }
  uint64_t middle = peer_now();
  for (int i = 0; i < count; i++) {
    memcpy(to, from, sizeof to);
    __asm__ volatile("" : : "r"(to) : "memory");
  }
  uint64_t end = peer_now();
  printf("%.3f\n", ((double)(middle - start) - (double)(end - middle)) / count);
}

/// Its mover with two workers on the second processor; the waiter is on the first.
static struct vdm *make_threads(void) {
  pin(1);
  struct vdm *vdm =
      data_mover_threads_get_vdm(data_mover_threads_new(2, 128, FUTURE_NOTIFIER_WAKER));
  pin(0);
  return vdm;
}

/// Batches of 64 copies of 64 B: millions a second.
static void batches(void) {
  struct vdm *vdm = make_threads();
  struct runtime *runtime = runtime_new();
  static char from[64][64], to[64][64];
  struct vdm_operation_future copies[64];
  struct future *list[64];
  const int rounds = 2000;
  uint64_t start = peer_now();
  for (int k = 0; k < rounds; k++) {
    for (int i = 0; i < 64; i++) {
      copies[i] = vdm_memcpy(vdm, to[i], from[i], 64, 0);
      list[i] = FUTURE_AS_RUNNABLE(&copies[i]);
    }
    runtime_wait_multiple(runtime, list, 64);
  }
  printf("%.3f\n", 64e3 * rounds / (double)(peer_now() - start));
}

/// Single copies of 1 MiB: the median, and how many times that the worst took.
static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

static void singles(void) {
  struct vdm *vdm = make_threads();
  struct runtime *runtime = runtime_new();
  enum { count = 1000, size = 1 << 20 };
  char *from = malloc(size), *to = malloc(size);
  memset(from, 1, size);
  memset(to, 2, size);
  static double times[count];
  for (int i = -50; i < count; i++) {
    uint64_t start = peer_now();
    struct vdm_operation_future copy = vdm_memcpy(vdm, to, from, size, 0);
    runtime_wait(runtime, FUTURE_AS_RUNNABLE(&copy));
    if (i >= 0) times[i] = (double)(peer_now() - start);
  }
  qsort(times, count, sizeof *times, compare);
  printf("median %.1f\nworst %.3f\n", times[count / 2], times[count - 1] / times[count / 2]);
}

int main(int words, char **word) {
  const char *what = words > 1 ? word[1] : "";
  int number = words > 2 ? atoi(word[2]) : 10;
  pin(0);
  if (!strcmp(what, "chain")) chains();
  else if (!strcmp(what, "polls")) polls(number);
  else if (!strcmp(what, "wakes")) wakes(number);
  else if (!strcmp(what, "synchronous")) synchronous();
  else if (!strcmp(what, "batch")) batches();
  else if (!strcmp(what, "single")) singles();
  else return 2;
  fflush(stdout);
  _Exit(0);  // without waiting for its workers
}
