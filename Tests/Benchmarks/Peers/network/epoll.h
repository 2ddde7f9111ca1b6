// A server by hand: level-triggered epoll, one thread. `answer` reads from a connection that is ready
// and writes to it; false closes it.
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/// Writes all bytes. A client that does not read stops the server: no load generator does that, and
/// to queue what it does not take would cost those that read.
static bool write_all(int connection, const char *bytes, size_t count) {
  while (count > 0) {
    ssize_t written = send(connection, bytes, count, MSG_NOSIGNAL);
    if (written < 0) {
      if (errno != EAGAIN) return false;
      struct pollfd room = {.fd = connection, .events = POLLOUT};
      poll(&room, 1, -1);
      continue;
    }
    bytes += written;
    count -= (size_t)written;
  }
  return true;
}

/// Listens on 127.0.0.1, at a port the system chooses, and prints it.
static int listen_somewhere(void) {
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct sockaddr_in address = {
    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  if (bind(listener, (void *)&address, length) || listen(listener, 1024) ||
      getsockname(listener, (void *)&address, &length)) {
    perror("listen");
    exit(1);
  }
  printf("127.0.0.1:%d\n", ntohs(address.sin_port));
  fflush(stdout);
  return listener;
}

static _Noreturn void serve(bool (*answer)(int)) {
  int listener = listen_somewhere();
  int epoll = epoll_create1(0), on = 1;
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[256];
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    int count = epoll_wait(epoll, events, 256, -1);
    for (int i = 0; i < count; i++) {
      int ready = events[i].data.fd;
      if (ready != listener) {
        if (!answer(ready)) close(ready);
        continue;
      }
      for (int new; (new = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
        setsockopt(new, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        event.data.fd = new;
        epoll_ctl(epoll, EPOLL_CTL_ADD, new, &event);
      }
    }
  }
}
