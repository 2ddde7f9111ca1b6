// Boost.Context: the bare switch, one way.
#include "peer.h"

#include <boost/context/detail/fcontext.hpp>

namespace context = boost::context::detail;

static void echo(context::transfer_t from) {
  for (;;) from = context::jump_fcontext(from.fctx, from.data);
}

int main() {
  const size_t stack_size = 65536;
  char *stack = static_cast<char *>(malloc(stack_size));
  context::fcontext_t flow = context::make_fcontext(stack + stack_size, stack_size, echo);
  // It saves the whole MXCSR: where the sticky exception flags of the two flows differ, a switch
  // costs fourteen times as much. They start cleared here, to measure the switch at its best.
  __builtin_ia32_ldmxcsr(0x1f80);
  context::transfer_t other = context::jump_fcontext(flow, nullptr);
  const int pairs = 2000000;
  for (int i = 0; i < pairs / 10; i++) other = context::jump_fcontext(other.fctx, nullptr);
  uint64_t start = peer_now();
  for (int i = 0; i < pairs; i++) other = context::jump_fcontext(other.fctx, nullptr);
  peer_print_since(start, 2.0 * pairs);
}
