// The context switch, inlined at each place where a fiber suspends.
//
//        stack of `from`                      *from (written)       *to (read)
//        |                    |
//        | frames of the      |               sp   <- sp            sp   -> sp
//        | suspending call    |               pc   <- label 1       fp   -> frame pointer
//        | live values,       |               fp   <- frame ptr     base -> base pointer
//        | spilled by the     |               base <- base ptr      pc   -> jump
//   sp ->| compiler           |
//        | red zone (x86-64)  |   Nothing is pushed: the red zone below sp stays as it is, and
//        +--------------------+   the unwind tables of the enclosing function stay true.
//
// Saved: the stack pointer, where to go on, the frame pointer, and the register that LLVM may use
// as a base pointer (rbx, x19): the last two cannot be named as clobbered.
// Not saved: everything else. Each register is named as clobbered, so the compiler itself spills
// what is live at this very place, mostly nothing. That includes every vector, mask, x87 and MMX
// register: one left out would silently be kept across the switch.
// Not touched: floating-point control words (see `cfib_fp_control`), the signal mask, and all that
// belongs to the thread (TLS, errno).
// `jmp`, not `ret`: the return predictor of the CPU never meets an unbalanced return.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// A suspended flow of control. Valid from the switch that left it until the one that resumes it.
typedef struct cfib_context {
  void *sp;
  void *pc;
  void *fp;
  void *base;
#if CFIB_SHADOW_STACK
  void *ssp;  // the shadow stack pointer; a restore token lies right below
#endif
} cfib_context;

/// Asks the CPU for what a flow touches first when it goes on: its innermost frames, some 600 bytes.
/// A hint, never a fault: the context may be that of a flow that has not started.
static inline __attribute__((always_inline)) void cfib_prefetch_stack(const cfib_context *context) {
  const char *top = (const char *)context->sp;
  for (int line = 0; line < 10; line++) __builtin_prefetch(top + 64 * line, 1, 3);
}

/// Where a flow of control goes when it ends: what the first frame needs for the last jump.
typedef struct cfib_departure {
  const cfib_context *to;
  uint64_t carry;
  const void *stack_low;  // of `to`, for the sanitizers
  size_t stack_size;
  void *tsan_fiber;
} cfib_departure;

/// The first function on a new stack. Its result says where to go when it has returned.
typedef cfib_departure (*cfib_entry)(void *argument, uint64_t carry);

/// Makes `context` a flow that calls `entry(argument, carry)` on the stack that ends at `top`.
///
/// Writes one word below `top`, which must be a multiple of 16. The frame pointer starts as 0, and
/// unwinding ends at the first frame.
void cfib_context_init(cfib_context *context, void *top, cfib_entry entry, void *argument);

#if defined(__x86_64__)
#if defined(__CET__) && (__CET__ & 1)
#define CFIB_LANDING_PAD "endbr64\n\t"
#else
#define CFIB_LANDING_PAD ""
#endif

// With CFIB_SHADOW_STACK: leaves the shadow stack with a restore token, and enters that of `to` by
// its token (Intel SDM vol. 1, 17.2.3): rstorssp checks the token and switches, saveprevssp leaves
// one on the stack that was left. Only where shadow stacks are enabled: rstorssp is invalid else.
#if CFIB_SHADOW_STACK
#define CFIB_SWITCH_SHADOW            \
  "rdsspq %%r8\n\t"                   \
  "movq %%r8, 32(%%rdi)\n\t"          \
  "movq 32(%%rsi), %%r8\n\t"          \
  "rstorssp -8(%%r8)\n\t"             \
  "saveprevssp\n\t"
#else
#define CFIB_SWITCH_SHADOW ""
#endif

/// Suspends the caller into `*from` and resumes `*to`. Returns when somebody resumes `*from`, with
/// the `carry` that they passed. No call, no memory touched but the two contexts.
static inline __attribute__((always_inline)) uint64_t cfib_switch(cfib_context *from,
                                                                  const cfib_context *to,
                                                                  uint64_t carry) {
  __asm__ volatile(
      "leaq 1f(%%rip), %%rax\n\t"
      "movq %%rsp, 0(%%rdi)\n\t"
      "movq %%rax, 8(%%rdi)\n\t"
      "movq %%rbp, 16(%%rdi)\n\t"
      "movq %%rbx, 24(%%rdi)\n\t" CFIB_SWITCH_SHADOW
      "movq 0(%%rsi), %%rsp\n\t"
      "movq 16(%%rsi), %%rbp\n\t"
      "movq 24(%%rsi), %%rbx\n\t"
      "jmpq *8(%%rsi)\n"
      "1:\n\t" CFIB_LANDING_PAD
      : "+D"(from), "+S"(to), "+d"(carry)
      :
      : "rax", "rcx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc",
        "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
        "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "xmm16", "xmm17", "xmm18", "xmm19", "xmm20",
        "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", "xmm27", "xmm28", "xmm29", "xmm30",
        "xmm31", "k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7", "mm0", "mm1", "mm2", "mm3", "mm4",
        "mm5", "mm6", "mm7", "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", "st(7)");
  return carry;
}

/// The control bits of MXCSR (rounding, masks, FTZ, DAZ: not the sticky flags) and, above bit 32,
/// the x87 control word.
static inline __attribute__((always_inline)) uint64_t cfib_fp_control(void) {
  uint32_t mxcsr;
  uint16_t x87;
  __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
  __asm__ volatile("fnstcw %0" : "=m"(x87));
  return (uint64_t)x87 << 32 | (mxcsr & 0xffc0u);
}

/// Whether the x87 word, the one that is cheap to read, is another than in `control`.
static inline __attribute__((always_inline)) int cfib_fp_differs_cheaply(uint64_t control) {
  uint16_t x87;
  __asm__ volatile("fnstcw %0" : "=m"(x87));
  return x87 != (uint16_t)(control >> 32);
}

/// Loads what `cfib_fp_control` returned. The sticky flags stay as they are.
static inline void cfib_fp_set_control(uint64_t control) {
  uint32_t mxcsr;
  uint16_t x87 = (uint16_t)(control >> 32);
  __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
  mxcsr = (mxcsr & 0x3fu) | ((uint32_t)control & 0xffc0u);
  __asm__ volatile("ldmxcsr %0" : : "m"(mxcsr) : "memory");
  __asm__ volatile("fldcw %0" : : "m"(x87) : "memory");
}

#elif defined(__aarch64__)
#if defined(__ARM_FEATURE_SVE)
#define CFIB_SVE_CLOBBERS                                                                      \
  , "p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9", "p10", "p11", "p12", "p13",    \
      "p14", "p15", "ffr"
#else
#define CFIB_SVE_CLOBBERS
#endif

/// Suspends the caller into `*from` and resumes `*to`. Returns when somebody resumes `*from`, with
/// the `carry` that they passed. `hint #36` is `bti j`: a landing pad, or nothing.
static inline __attribute__((always_inline)) uint64_t cfib_switch(cfib_context *from,
                                                                  const cfib_context *to,
                                                                  uint64_t carry) {
  register cfib_context *f __asm__("x0") = from;
  register const cfib_context *t __asm__("x1") = to;
  register uint64_t c __asm__("x2") = carry;
  __asm__ volatile(
      "mov x9, sp\n\t"
      "adr x10, 1f\n\t"
      "stp x9, x10, [x0]\n\t"
      "stp x29, x19, [x0, #16]\n\t"
      "ldp x9, x10, [x1]\n\t"
      "ldp x29, x19, [x1, #16]\n\t"
      "mov sp, x9\n\t"
      "br x10\n"
      "1:\n\t"
      "hint #36\n\t"
      : "+r"(f), "+r"(t), "+r"(c)
      :
      : "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15",
        "x16", "x17", "x18", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x30",
        "memory", "cc", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11",
        "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24",
        "v25", "v26", "v27", "v28", "v29", "v30", "v31" CFIB_SVE_CLOBBERS);
  return c;
}

/// The control register of floating point (FPCR). The sticky flags are in FPSR, left alone.
static inline __attribute__((always_inline)) uint64_t cfib_fp_control(void) {
  uint64_t control;
  __asm__ volatile("mrs %0, fpcr" : "=r"(control));
  return control;
}

/// Whether the control register is another than `control`: it is cheap to read.
static inline __attribute__((always_inline)) int cfib_fp_differs_cheaply(uint64_t control) {
  return cfib_fp_control() != control;
}

/// Loads what `cfib_fp_control` returned.
static inline void cfib_fp_set_control(uint64_t control) {
  __asm__ volatile("msr fpcr, %0" : : "r"(control) : "memory");
}
#else
#error "Fibers needs a context switch for this architecture: see CFibersSwitch.h"
#endif
