// The handler of stack overflows. What it says is decided in Swift (`cfib_describe_fault`).
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "CFibers.h"
#include "hooks.h"

enum { SIGNAL_STACK = 64 * 1024, REPORT = 1024 };

static pthread_mutex_t install_lock = PTHREAD_MUTEX_INITIALIZER;
static cfib_describe_fault describe_fault;
static struct sigaction previous[2];

CFIB_UNINSTRUMENTED static void hand_over(int number, siginfo_t *info, void *machine) {
  struct sigaction *before = &previous[number == SIGBUS];
  if (before->sa_flags & SA_SIGINFO) {
    before->sa_sigaction(number, info, machine);
  } else if (before->sa_handler == SIG_DFL || before->sa_handler == SIG_IGN) {
    // Returning repeats the fault, now with the default action: the process ends by the signal.
    struct sigaction defaults = {.sa_handler = SIG_DFL};
    sigaction(number, &defaults, NULL);
  } else {
    before->sa_handler(number);
  }
}

CFIB_UNINSTRUMENTED static void on_fault(int number, siginfo_t *info, void *machine) {
  void *current = cfib_current();
  if (current && describe_fault) {
    char text[REPORT];
    size_t length = describe_fault(current, (uintptr_t)info->si_addr, text, sizeof text);
    if (length && write(2, text, length) < 0) { /* nothing can be done about it here */ }
  }
  hand_over(number, info, machine);
}

int cfib_overflow_install(cfib_describe_fault describe) {
  struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  sigemptyset(&action.sa_mask);
  int error = 0;
  pthread_mutex_lock(&install_lock);
  if (!describe_fault) {
    describe_fault = describe;
    if (sigaction(SIGSEGV, &action, &previous[0]) || sigaction(SIGBUS, &action, &previous[1]))
      error = -errno;
  }
  pthread_mutex_unlock(&install_lock);
  return error;
}

static pthread_once_t stack_once = PTHREAD_ONCE_INIT;
static pthread_key_t stack_key;
static int stack_key_error;

// At the end of the thread: its runtimes share one signal stack, so none of them may take it away.
static void leave_signal_stack(void *memory) {
  stack_t current;
  if (sigaltstack(NULL, &current) == 0 && current.ss_sp == memory) {
    stack_t none = {.ss_flags = SS_DISABLE};
    sigaltstack(&none, NULL);
  }
  munmap(memory, SIGNAL_STACK);
}
static void make_stack_key(void) {
  stack_key_error = pthread_key_create(&stack_key, leave_signal_stack);
}

int cfib_signal_stack_enter(void) {
  stack_t current;
  if (sigaltstack(NULL, &current) == 0 && !(current.ss_flags & SS_DISABLE)) return 0;
  pthread_once(&stack_once, make_stack_key);
  if (stack_key_error) return -stack_key_error;
  void *memory = pthread_getspecific(stack_key);  // somebody may have disabled the one we gave
  if (!memory) {
    memory = mmap(NULL, SIGNAL_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return -errno;
    int error = pthread_setspecific(stack_key, memory);
    if (error) {
      munmap(memory, SIGNAL_STACK);
      return -error;
    }
  }
  stack_t ours = {.ss_sp = memory, .ss_size = SIGNAL_STACK};
  return sigaltstack(&ours, NULL) ? -errno : 0;
}
