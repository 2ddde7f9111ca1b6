// What the benchmarks need below Swift.
#pragma once
#include <stdint.h>

/// Lets the calling thread, and those it starts, run on processor `cpu` only. 0, or `-errno`.
int bench_pin(int cpu);

/// Lets the calling thread run on all processors it could at the start of the program.
int bench_unpin(void);

/// A pipe whose ends, for reading and for writing, are closed in programs started from here.
/// 0, or `-errno`.
int bench_pipe(int ends[2]);

/// Nanoseconds of CLOCK_MONOTONIC.
uint64_t bench_now(void);

/// One trivial step of a chain and one trivial map between two, neither of them inlined.
int64_t bench_bare_step(int64_t *state, int64_t input);
void bench_bare_map(int64_t output, int64_t *next);

/// Keeps the compiler from knowing what is in `*memory`.
static inline void bench_keep(void *memory) { __asm__ volatile("" : : "r"(memory) : "memory"); }
