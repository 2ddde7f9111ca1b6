// Sends back what it gets. usage: echo-c PORT
#include "epoll.h"

static bool echo(int connection) {
  static char bytes[16384];
  ssize_t count = read(connection, bytes, sizeof bytes);
  if (count < 0) return errno == EAGAIN;
  return count > 0 && write(connection, bytes, count) == count;
}

int main(int count, char **arguments) { return count < 2 ? 2 : serve(atoi(arguments[1]), echo); }
