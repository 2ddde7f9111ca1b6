// Round trips over many connections, one request under way on each; one thread, epoll.
//
// usage: load PORT CONNECTIONS SECONDS REQUEST
// REQUEST is a number (so many bytes, echoed) or a path (GET, over HTTP/1.1 kept alive).
// Prints: round trips a second, and in microseconds the median, the 99th percentile and the longest
// of all waits, those included that were not over at the end.
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
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
  uint64_t sent_at;
} connection;

static char request[65536], buffer[65536];
/// Bytes of the request and, once the first has come, of each reply.
static size_t size, expected;

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static _Noreturn void fail(const char *what) {
  fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
  exit(1);
}

// ---- Waits, counted by length: exact to 1/64.

enum { PARTS = 64, BUCKETS = 64 * PARTS };
static uint64_t histogram[BUCKETS], trips, longest;

static void note(uint64_t nanoseconds) {
  int exponent = nanoseconds < PARTS ? 0 : 63 - __builtin_clzll(nanoseconds) - 5;
  histogram[exponent * PARTS + (int)(nanoseconds >> exponent) % PARTS]++;
  trips++;
  if (nanoseconds > longest) longest = nanoseconds;
}

/// The wait, in microseconds, that a `share` of all do not exceed.
static double quantile(double share) {
  uint64_t seen = 0;
  for (int i = 0; i < BUCKETS; i++) {
    seen += histogram[i];
    if (histogram[i] && (double)seen >= share * (double)trips)
      return (double)((uint64_t)(i % PARTS) << (i / PARTS)) / 1000;
  }
  return 0;
}

// ---- Connections.

static void ask(connection *one, uint64_t time) {
  one->received = 0;
  one->sent_at = time;
  if (send(one->descriptor, request, size, MSG_NOSIGNAL) != (ssize_t)size) fail("send");
}

/// Takes in what is there. True when a reply is complete.
static bool take(connection *one) {
  while (one->received < expected) {
    ssize_t got = recv(one->descriptor, buffer, sizeof buffer, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) return false;
    if (got == 0) errno = ECONNRESET;
    if (got <= 0) fail("recv");
    one->received += (size_t)got;
  }
  if (one->received != expected) errno = EPROTO, fail("a reply of another length");
  return true;
}

static void open_connection(connection *one, int port) {
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int on = 1;
  one->descriptor = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(one->descriptor, (void *)&address, sizeof address)) fail("connect");
  setsockopt(one->descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/// Asks once, and waits for the whole reply: it is as long as its head says, or as the request was.
static size_t learn_reply(connection *one, bool is_http) {
  ask(one, now());
  size_t got = 0, wanted = is_http ? sizeof buffer - 1 : size;
  while (got < wanted) {
    ssize_t part = recv(one->descriptor, buffer + got, sizeof buffer - 1 - got, 0);
    if (part == 0) errno = ECONNRESET;
    if (part <= 0) fail("the first reply");
    got += (size_t)part;
    buffer[got] = 0;
    char *end = is_http ? strstr(buffer, "\r\n\r\n") : NULL;
    if (!end) continue;
    char *length = strcasestr(buffer, "content-length:");
    if (strncmp(buffer, "HTTP/1.1 200 ", 13) || !length) errno = EPROTO, fail("not a good reply");
    wanted = (size_t)(end + 4 - buffer) + strtoul(length + 15, NULL, 10);
  }
  if (!is_http && memcmp(buffer, request, size)) errno = EPROTO, fail("not an echo");
  return got;
}

int main(int argc, char **argv) {
  if (argc != 5) {
    fprintf(stderr, "usage: load PORT CONNECTIONS SECONDS BYTES|PATH\n");
    return 2;
  }
  int port = atoi(argv[1]), count = atoi(argv[2]);
  double seconds = atof(argv[3]);
  bool is_http = argv[4][0] == '/';
  if (is_http) {
    size = (size_t)snprintf(
      request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", argv[4]);
  } else {
    size = strtoul(argv[4], NULL, 10);
    if (size == 0 || size > sizeof request) return 2;
    for (size_t i = 0; i < size; i++) request[i] = (char)('!' + i % 90);
  }
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);

  int epoll = epoll_create1(0);
  connection *all = calloc((size_t)count, sizeof *all);
  for (int i = 0; i < count; i++) {
    open_connection(&all[i], port);
    // Each once by itself: all are accepted before the clock runs.
    expected = learn_reply(&all[i], is_http);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = &all[i]};
    epoll_ctl(epoll, EPOLL_CTL_ADD, all[i].descriptor, &event);
  }
  for (int i = 0; i < count; i++) ask(&all[i], now());
  // A fourth of the time to warm up.
  uint64_t begin = now() + (uint64_t)(seconds * 0.25e9), end = begin + (uint64_t)(seconds * 1e9), time = 0;
  struct epoll_event events[512];
  // Never sleeps: waking it would be a cost of the server's, and whose depends on chance.
  for (uint64_t heard = begin; (time = now()) < end;) {
    int ready = epoll_wait(epoll, events, 512, 0);
    if (ready > 0) heard = time;
    if (time > heard + 2000000000) errno = ETIMEDOUT, fail("no reply for two seconds");
    for (int i = 0; i < ready; i++) {
      connection *one = events[i].data.ptr;
      if (!take(one)) continue;
      time = now();
      if (time >= begin) note(time - one->sent_at);
      ask(one, time);
    }
  }
  double rate = (double)trips / seconds, median = quantile(0.5), late = quantile(0.99);
  for (int i = 0; i < count; i++)
    if (time - all[i].sent_at > longest) longest = time - all[i].sent_at;
  printf("%.0f %.1f %.1f %.1f\n", rate, median, late, (double)longest / 1000);
  return 0;
}
