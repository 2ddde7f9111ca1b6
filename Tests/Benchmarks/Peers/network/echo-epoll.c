// Sends back what it gets. Prints where it listens.
#include "epoll.h"

static bool echo(int connection) {
  static char bytes[16384];
  ssize_t count = recv(connection, bytes, sizeof bytes, 0);
  if (count < 0) return errno == EAGAIN;
  return count > 0 && write_all(connection, bytes, (size_t)count);
}

int main(void) { serve(echo); }
