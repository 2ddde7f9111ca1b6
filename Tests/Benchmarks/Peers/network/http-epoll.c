// Answers each request with a page as long as that of our http-server, without a look at it but for
// its end: the least that can be done. Prints where it listens.
#include "epoll.h"

static const char reply[] =
  "HTTP/1.1 200 OK\r\n"
  "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
  "Content-Type: text/plain; charset=utf-8\r\n"
  "Content-Length: 13\r\n"
  "\r\n"
  "Hello, world\n";

/// How much of "\r\n\r\n" each descriptor has sent last: a request may come in pieces.
static unsigned char matched[1 << 20];

/// How much of the end of a request is at the end of `bytes`, when `before` of it came earlier.
static unsigned char match(unsigned char before, const char *bytes, size_t count) {
  for (size_t i = 0; i < count; i++) {
    bool fits = bytes[i] == "\r\n\r\n"[before];
    before = fits ? before + 1 : bytes[i] == '\r';
  }
  return before;
}

static bool answer(int connection) {
  static char request[65536], replies[65536];
  ssize_t count = recv(connection, request, sizeof request, 0);
  if (count < 0) return errno == EAGAIN;
  if (count == 0) {
    matched[connection] = 0;
    return false;
  }
  size_t size = 0;
  char *at = request, *end = request + count;
  while (at < end) {
    char *found = NULL;
    if (matched[connection]) {
      matched[connection] = match(matched[connection], at, 1);
      at++;
      if (matched[connection] == 4) found = at;
    } else if ((found = memmem(at, (size_t)(end - at), "\r\n\r\n", 4))) {
      at = found + 4;
    } else {
      // The last three bytes may be a beginning of it.
      char *tail = end - at > 3 ? end - 3 : at;
      matched[connection] = match(0, tail, (size_t)(end - tail));
      at = end;
    }
    if (!found) continue;
    matched[connection] = 0;
    if (size + sizeof reply > sizeof replies) {
      if (!write_all(connection, replies, size)) return false;
      size = 0;
    }
    memcpy(replies + size, reply, sizeof reply - 1);
    size += sizeof reply - 1;
  }
  return write_all(connection, replies, size);
}

int main(void) { serve(answer); }
