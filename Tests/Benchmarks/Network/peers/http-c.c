// Answers each request with 13 bytes, without a look at it but for its end: the least that can be
// done. usage: http-c PORT
#include "epoll.h"

static const char reply[] =
  "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, world\n";

static bool answer(int connection) {
  static char request[65536], replies[65536];
  ssize_t count = read(connection, request, sizeof request - 1);
  if (count < 0) return errno == EAGAIN;
  size_t size = 0;
  char *at = request, *end = request + count;
  while ((at = memmem(at, end - at, "\r\n\r\n", 4)) && size + sizeof reply <= sizeof replies) {
    memcpy(replies + size, reply, sizeof reply - 1);
    size += sizeof reply - 1;
    at += 4;
  }
  return count > 0 && (size == 0 || write(connection, replies, size) == (ssize_t)size);
}

int main(int count, char **arguments) { return count < 2 ? 2 : serve(atoi(arguments[1]), answer); }
