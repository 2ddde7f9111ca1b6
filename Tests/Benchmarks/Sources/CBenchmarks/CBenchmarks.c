#define _GNU_SOURCE
#include "CBenchmarks.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

static cpu_set_t all;

__attribute__((constructor)) static void remember_all(void) {
  sched_getaffinity(0, sizeof all, &all);
}

int bench_pin(int cpu) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  return sched_setaffinity(0, sizeof one, &one) ? -errno : 0;
}

int bench_unpin(void) { return sched_setaffinity(0, sizeof all, &all) ? -errno : 0; }

int bench_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC) ? -errno : 0; }

uint64_t bench_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

__attribute__((noinline)) int64_t bench_bare_step(int64_t *state, int64_t input) {
  *state += input;
  return *state;
}

__attribute__((noinline)) void bench_bare_map(int64_t output, int64_t *next) { *next = output; }
