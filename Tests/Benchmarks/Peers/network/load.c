// Round trips over many connections, one request under way on each; one thread, epoll.
//
// usage: load CONNECTIONS SECONDS BYTES|PATH SERVER [ARGUMENT...]
// Starts SERVER on processor 0, which prints where it listens, sends it so many BYTES at a time to be
// echoed, or GET PATH over HTTP/1.1 kept alive, and stops it. Prints:
//   rate        round trips a second
//   cpu         nanoseconds of the server's processor time for each
//   median, p99, longest   of all waits, in microseconds; with those that were not over at the end
//   unevenness  the longest wait, as a multiple of the median
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

#include "server.h"

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

/// Opens and checks connection after connection, so that all are accepted before the clock runs.
static connection *open_all(int count, int port, bool is_http, int epoll) {
  connection *all = calloc((size_t)count, sizeof *all);
  for (int i = 0; i < count; i++) {
    open_connection(&all[i], port);
    expected = learn_reply(&all[i], is_http);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = &all[i]};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, all[i].descriptor, &event)) fail("epoll_ctl");
  }
  return all;
}

/// Answers each reply with the next request until `end`. Returns the last time it looked at.
///
/// Never sleeps: to wake it would be a cost of the server, and how often would depend on chance.
static uint64_t run(int epoll, uint64_t begin, uint64_t end) {
  struct epoll_event events[512];
  uint64_t time, heard = now();
  while ((time = now()) < end) {
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
  return time;
}

/// Makes the request out of what the command line says. True for HTTP.
static bool make_request(const char *word) {
  if (word[0] == '/') {
    size = (size_t)snprintf(
      request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", word);
    return true;
  }
  size = strtoul(word, NULL, 10);
  if (size == 0 || size > sizeof buffer - 1) errno = EINVAL, fail(word);
  for (size_t i = 0; i < size; i++) request[i] = (char)('!' + i % 90);
  return false;
}

int main(int argc, char **argv) {
  if (argc < 5) {
    fprintf(stderr, "usage: load CONNECTIONS SECONDS BYTES|PATH SERVER [ARGUMENT...]\n");
    return 2;
  }
  int count = atoi(argv[1]);
  uint64_t length = (uint64_t)(atof(argv[2]) * 1e9);
  bool is_http = make_request(argv[3]);
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);

  int port = start_server(argv + 4), epoll = epoll_create1(0);
  connection *all = open_all(count, port, is_http, epoll);
  for (int i = 0; i < count; i++) ask(&all[i], now());
  // A fourth of the time to warm up.
  uint64_t begin = now() + length / 4;
  run(epoll, begin, begin);
  uint64_t used = server_time();
  begin = now();
  uint64_t end = run(epoll, begin, begin + length);
  used = server_time() - used;
  stop_server();

  double median = quantile(0.5), late = quantile(0.99);
  for (int i = 0; i < count; i++)
    if (end - all[i].sent_at > longest) longest = end - all[i].sent_at;
  printf("rate %.0f\n", (double)trips * 1e9 / (double)(end - begin));
  printf("cpu %.0f\n", (double)used / (double)trips);
  printf("median %.2f\np99 %.2f\nlongest %.2f\n", median, late, (double)longest / 1000);
  printf("unevenness %.2f\n", (double)longest / 1000 / median);
  return 0;
}
