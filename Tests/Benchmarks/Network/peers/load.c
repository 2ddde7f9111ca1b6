// Round trips over many connections, one request under way on each; one thread, epoll.
//
// usage: load PORT CONNECTIONS SECONDS REQUEST REPLY_BYTES
// REQUEST is a number (so many bytes, echoed) or a path (GET, answered with REPLY_BYTES in all).
// Prints: round trips a second, median, 99th percentile and longest wait in microseconds, and the
// longest wait of the connection that fared worst, divided by the median of those waits.
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

typedef struct {
  int descriptor;
  size_t received;
  uint64_t sent_at, longest;
} connection;

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

enum { TENTHS = 20000000 };  // of a microsecond: 2 s
static uint32_t histogram[TENTHS + 1];

static int by_longest(const void *a, const void *b) {
  uint64_t x = ((const connection *)a)->longest, y = ((const connection *)b)->longest;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  if (argc < 5) return 2;
  int port = atoi(argv[1]), count = atoi(argv[2]);
  double seconds = atof(argv[3]);
  static char request[65536], buffer[65536];
  size_t size, expected;
  if (argv[4][0] == '/') {
    size = (size_t)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", argv[4]);
    expected = strtoul(argv[5], NULL, 10);
  } else {
    expected = size = strtoul(argv[4], NULL, 10);
    memset(request, 'x', size);
  }
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);

  struct sockaddr_in address = {
    .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int epoll = epoll_create1(0), on = 1;
  connection *all = calloc(count, sizeof *all);
  for (int i = 0; i < count; i++) {
    all[i].descriptor = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(all[i].descriptor, (void *)&address, sizeof address)) return perror("connect"), 1;
    setsockopt(all[i].descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &all[i]};
    epoll_ctl(epoll, EPOLL_CTL_ADD, all[i].descriptor, &event);
  }
  for (int i = 0; i < count; i++) {
    all[i].sent_at = now();
    if (write(all[i].descriptor, request, size) != (ssize_t)size) return perror("write"), 1;
  }
  // Half a second to warm up.
  uint64_t begin = now() + 500000000, end = begin + (uint64_t)(seconds * 1e9), trips = 0;
  struct epoll_event events[256];
  for (uint64_t time; (time = now()) < end;) {
    int ready = epoll_wait(epoll, events, 256, 1000);
    if (ready == 0) fprintf(stderr, "no reply for a second\n");
    for (int i = 0; i < ready; i++) {
      connection *one = events[i].data.ptr;
      ssize_t got = recv(one->descriptor, buffer, sizeof buffer, MSG_DONTWAIT);
      if (got < 0 && errno == EAGAIN) continue;
      if (got <= 0) return fprintf(stderr, "a connection was lost\n"), 1;
      one->received += got;
      if (one->received < expected) continue;
      one->received = 0;
      uint64_t wait = now() - one->sent_at;
      if (time >= begin) {
        trips++;
        histogram[wait / 100 > TENTHS ? TENTHS : wait / 100]++;
        if (wait > one->longest) one->longest = wait;
      }
      one->sent_at = now();
      if (write(one->descriptor, request, size) != (ssize_t)size) return perror("write"), 1;
    }
  }
  uint64_t seen = 0;
  double median = 0, late = 0, longest = 0;
  for (int i = 0; i <= TENTHS; i++) {
    if (!histogram[i]) continue;
    seen += histogram[i];
    if (!median && seen * 2 >= trips) median = i / 10.0;
    if (!late && seen * 100 >= trips * 99) late = i / 10.0;
    longest = i / 10.0;
  }
  qsort(all, count, sizeof *all, by_longest);
  double typical = all[count / 2].longest / 1000.0;
  printf("%.0f %.1f %.1f %.1f %.2f\n", trips / seconds, median, late, longest,
         typical > 0 ? all[count - 1].longest / 1000.0 / typical : 0);
  return 0;
}
