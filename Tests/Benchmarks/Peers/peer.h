// What the programs of the peers share. Each is run as `peer MEASURE [N]` and prints one number, in
// nanoseconds an operation, or lines `KEY VALUE`.
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/// Nanoseconds of CLOCK_MONOTONIC.
static inline uint64_t peer_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/// Prints what `count` operations since `start` took, each.
static inline void peer_print_since(uint64_t start, double count) {
  printf("%.3f\n", (double)(peer_now() - start) / count);
}

/// A field of /proc/self/status in KiB, such as "VmRSS:".
static inline long peer_kilobytes(const char *field) {
  FILE *file = fopen("/proc/self/status", "r");
  char line[256];
  long value = 0;
  while (file && fgets(line, sizeof line, file)) {
    if (!strncmp(line, field, strlen(field))) value = atol(line + strlen(field));
  }
  if (file) fclose(file);
  return value;
}
