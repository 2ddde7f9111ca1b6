// The first frame of a stack: calls the entry function and, when that has returned, leaves for
// ever. Backtraces end here: the frame pointer is 0, and the unwind tables say that the return
// address is undefined.
#include "CFibers.h"
#include "hooks.h"

typedef struct landing {
  const cfib_context *to;
  uint64_t carry;
} landing;

void cfib_trampoline(void);

// Uninstrumented: between the two hooks the sanitizers have to believe us.
CFIB_UNINSTRUMENTED __attribute__((used, visibility("hidden"))) landing cfib_first_frame(void *argument, uint64_t carry,
                                                                   cfib_entry entry) {
  cfib_after_switch(NULL);
  cfib_departure departure = entry(argument, carry);
  // No fake stack is kept: nothing lives on this stack any more.
  cfib_before_switch(NULL, departure.stack_low, departure.stack_size, departure.tsan_fiber);
  landing where = {departure.to, departure.carry};
  return where;
}

#if defined(__x86_64__)
// The token that saveprevssp leaves lies where the first one lay: the shadow stack is ready for the
// next fiber of this stack.
#if CFIB_SHADOW_STACK
#define LEAVE_SHADOW             \
  "  movq 32(%rax), %r8\n"       \
  "  rstorssp -8(%r8)\n"         \
  "  saveprevssp\n"
#else
#define LEAVE_SHADOW ""
#endif
// Reached by a jump with rsp = top - 16, rbx = argument, rdx = carry, [rsp] = entry. rsp is a
// multiple of 16, so the call below enters with rsp % 16 == 8 as the ABI wants.
__asm__(
    ".text\n"
    ".p2align 4\n"
    ".globl cfib_trampoline\n"
    ".hidden cfib_trampoline\n"
    ".type cfib_trampoline,@function\n"
    "cfib_trampoline:\n"
    "  .cfi_startproc\n"
    "  .cfi_undefined rip\n"
    "  endbr64\n"
    "  movq %rbx, %rdi\n"
    "  movq %rdx, %rsi\n"
    "  movq (%rsp), %rdx\n"
    "  xorl %ebp, %ebp\n"
    "  call cfib_first_frame\n" LEAVE_SHADOW
    "  movq 0(%rax), %rsp\n"
    "  movq 16(%rax), %rbp\n"
    "  movq 24(%rax), %rbx\n"
    "  jmpq *8(%rax)\n"
    "  .cfi_endproc\n"
    ".size cfib_trampoline, .-cfib_trampoline\n");
#elif defined(__aarch64__)
// Reached by a jump with sp = top - 16, x19 = argument, x2 = carry, [sp] = entry.
__asm__(
    ".text\n"
    ".p2align 4\n"
    ".globl cfib_trampoline\n"
    ".hidden cfib_trampoline\n"
    ".type cfib_trampoline,%function\n"
    "cfib_trampoline:\n"
    "  .cfi_startproc\n"
    "  .cfi_undefined x30\n"
    "  hint #36\n"
    "  mov x0, x19\n"
    "  mov x1, x2\n"
    "  ldr x2, [sp]\n"
    "  mov x29, xzr\n"
    "  mov x30, xzr\n"
    "  bl cfib_first_frame\n"
    "  mov x2, x1\n"
    "  ldp x9, x10, [x0]\n"
    "  ldp x29, x19, [x0, #16]\n"
    "  mov sp, x9\n"
    "  br x10\n"
    "  .cfi_endproc\n"
    ".size cfib_trampoline, .-cfib_trampoline\n");
#endif

void cfib_context_init(cfib_context *context, void *top, cfib_entry entry, void *argument) {
  void **sp = (void **)top - 2;
  sp[0] = (void *)entry;
  context->sp = sp;
  context->pc = (void *)cfib_trampoline;
  context->fp = NULL;
  context->base = argument;
}
