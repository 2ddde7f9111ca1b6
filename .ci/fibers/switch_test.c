// The switch and the first frame, without Swift: run natively and under user-mode emulation of
// aarch64 by .ci/fibers.sh. Three flows count in turn, with values of every kind live across each
// switch, then end and leave their stacks for ever.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "CFibers.h"

enum { FLOWS = 3, TURNS = 1000, STACK = 64 * 1024 };

static cfib_context contexts[FLOWS + 1];  // the last is main
static double results[FLOWS];
static int turns, ended;

static void hop(int from, int to, uint64_t carry, uint64_t expected) {
  uint64_t got = cfib_switch(&contexts[from], &contexts[to], carry);
  if (got != expected) {
    printf("carry %llu, not %llu\n", (unsigned long long)got, (unsigned long long)expected);
    exit(1);
  }
}

static double compute(int me) {
  double a = me + 1, b = 0.5, c = 3;
  float f = 1.5f;
  long i = me, j = 7 * me, k = 11;
  for (int turn = 0; turn < TURNS; turn++) {
    a = a * 1.0001 + b;
    b += c * 0.25;
    f += (float)i;
    i += j;
    k ^= i;
    hop(me, FLOWS, (uint64_t)me, 99);
    c = a - b + (double)f + (double)(k & 255);
  }
  return a + b + c + f + (double)k;
}

static double expected(int me) {
  double a = me + 1, b = 0.5, c = 3;
  float f = 1.5f;
  long i = me, j = 7 * me, k = 11;
  for (int turn = 0; turn < TURNS; turn++) {
    a = a * 1.0001 + b;
    b += c * 0.25;
    f += (float)i;
    i += j;
    k ^= i;
    c = a - b + (double)f + (double)(k & 255);
  }
  return a + b + c + f + (double)k;
}

static cfib_departure entry(void *argument, uint64_t carry) {
  int me = (int)(intptr_t)argument;
  if (carry != 99 || ((uintptr_t)__builtin_frame_address(0) & 15) != 0) exit(2);
  results[me] = compute(me);
  ended++;
  return (cfib_departure){.to = &contexts[FLOWS], .carry = (uint64_t)me};
}

int main(void) {
  for (int flow = 0; flow < FLOWS; flow++) {
    char *stack = aligned_alloc(4096, STACK);
    memset(stack, 0xa5, STACK);
    cfib_context_init(&contexts[flow], stack + STACK, entry, (void *)(intptr_t)flow);
  }
  uint64_t control = cfib_fp_control();
  while (ended < FLOWS) {
    for (int flow = 0; flow < FLOWS; flow++) {
      hop(FLOWS, flow, 99, (uint64_t)flow);
      turns++;
    }
  }
  for (int flow = 0; flow < FLOWS; flow++) {
    if (results[flow] != expected(flow)) {
      printf("flow %d: %f, not %f\n", flow, results[flow], expected(flow));
      return 1;
    }
  }
  // Rounding away from the default and back, seen by the cheap comparison.
#if defined(__x86_64__)
  cfib_fp_set_control(control ^ (0x0400ull << 32) ^ 0x2000);
#else
  cfib_fp_set_control(control ^ (1u << 22));
#endif
  if (!cfib_fp_differs_cheaply(control)) return 1;
  cfib_fp_set_control(control);
  if (cfib_fp_differs_cheaply(control) || cfib_fp_control() != control) return 1;
  printf("switch test: %d flows, %d turns: as expected\n", FLOWS, turns);
  return 0;
}
