#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "CFibers.h"

#define RESULT(call)        \
  ({                        \
    __auto_type r_ = (call); \
    r_ < 0 ? -errno : r_;   \
  })

int cfib_epoll_create(void) { return RESULT(epoll_create1(EPOLL_CLOEXEC)); }

int cfib_epoll_add(int epoll, int descriptor, uint64_t cookie) {
  struct epoll_event event = {.events = EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDHUP | EPOLLET};
  event.data.u64 = cookie;
  return RESULT(epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event));
}

int cfib_epoll_remove(int epoll, int descriptor) {
  return RESULT(epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, NULL));
}

int cfib_epoll_wait(int epoll, struct epoll_event *events, int count, int64_t nanoseconds) {
  if (nanoseconds == 0) return RESULT(epoll_wait(epoll, events, count, 0));
  struct timespec limit = {nanoseconds / 1000000000, nanoseconds % 1000000000};
  int found = RESULT((int)syscall(
    SYS_epoll_pwait2, epoll, events, count, nanoseconds < 0 ? NULL : &limit, NULL, (size_t)8));
  if (found != -ENOSYS) return found;
  // Linux before 5.11: whole milliseconds, rounded up.
  int64_t milliseconds = nanoseconds < 0 ? -1 : (nanoseconds + 999999) / 1000000;
  if (milliseconds > 1000000000) milliseconds = 1000000000;
  return RESULT(epoll_wait(epoll, events, count, (int)milliseconds));
}

uint64_t cfib_event_cookie(const struct epoll_event *event) { return event->data.u64; }

int cfib_descriptor_kind(int descriptor, int *socket_kind) {
  struct stat status;
  if (fstat(descriptor, &status)) return -errno;
  int protocol = 0;
  socklen_t length = sizeof protocol;
  *socket_kind = S_ISSOCK(status.st_mode);
  if (*socket_kind && !getsockopt(descriptor, SOL_SOCKET, SO_PROTOCOL, &protocol, &length))
    *socket_kind = protocol == IPPROTO_TCP ? 2 : 1;
  if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode) || S_ISBLK(status.st_mode)) return 1;
  return S_ISCHR(status.st_mode) ? 2 : 0;
}

int cfib_set_nonblocking(int descriptor) {
  int flags = fcntl(descriptor, F_GETFL);
  if (flags < 0) return -errno;
  if (!(flags & O_NONBLOCK) && fcntl(descriptor, F_SETFL, flags | O_NONBLOCK)) return -errno;
  return flags;
}

int cfib_set_flags(int descriptor, int flags) { return RESULT(fcntl(descriptor, F_SETFL, flags)); }
int cfib_close(int descriptor) { return RESULT(close(descriptor)); }
int cfib_open(const char *path, int flags, unsigned mode) {
  return RESULT(open(path, flags | O_CLOEXEC, mode));
}
int cfib_pipe(int ends[2]) { return RESULT(pipe2(ends, O_NONBLOCK | O_CLOEXEC)); }
int cfib_socket_pair(int ends[2]) {
  return RESULT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends));
}

intptr_t cfib_read(int descriptor, void *bytes, size_t count) {
  return RESULT(read(descriptor, bytes, count));
}
intptr_t cfib_receive(int socket, void *bytes, size_t count) {
  return RESULT(recv(socket, bytes, count, 0));
}
intptr_t cfib_readv(int descriptor, const struct iovec *parts, int count) {
  return RESULT(readv(descriptor, parts, count));
}

/// Writes with SIGPIPE blocked, and takes the one that this write has caused.
static intptr_t quietly(int descriptor, const struct iovec *parts, int count) {
  sigset_t pipe_signal, before, pending;
  sigemptyset(&pipe_signal);
  sigaddset(&pipe_signal, SIGPIPE);
  // One that is pending already is not ours to take.
  sigpending(&pending);
  int was_pending = sigismember(&pending, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
  intptr_t written = RESULT(writev(descriptor, parts, count));
  if (written == -EPIPE && !was_pending) {
    struct timespec now = {0, 0};
    while (sigtimedwait(&pipe_signal, NULL, &now) < 0 && errno == EINTR) {
    }
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return written;
}

intptr_t cfib_write(int descriptor, const void *bytes, size_t count) {
  struct iovec part = {(void *)bytes, count};
  return quietly(descriptor, &part, 1);
}
intptr_t cfib_writev(int descriptor, const struct iovec *parts, int count) {
  return quietly(descriptor, parts, count);
}
intptr_t cfib_send(int socket, const void *bytes, size_t count) {
  return RESULT(send(socket, bytes, count, MSG_NOSIGNAL));
}
intptr_t cfib_sendv(int socket, const struct iovec *parts, int count) {
  struct msghdr message = {.msg_iov = (struct iovec *)parts, .msg_iovlen = (size_t)count};
  return RESULT(sendmsg(socket, &message, MSG_NOSIGNAL));
}

int cfib_socket(int family, int type) {
  return RESULT(socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}
int cfib_bind(int socket, const void *address, uint32_t length) {
  return RESULT(bind(socket, address, length));
}
int cfib_listen(int socket, int backlog) { return RESULT(listen(socket, backlog)); }
int cfib_accept(int socket) {
  return RESULT(accept4(socket, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
}
int cfib_connect(int socket, const void *address, uint32_t length) {
  return RESULT(connect(socket, address, length));
}
int cfib_socket_error(int socket) {
  int error = 0;
  socklen_t length = sizeof error;
  return getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &length) ? -errno : error;
}
int cfib_shutdown(int socket, int how) { return RESULT(shutdown(socket, how)); }
int cfib_set_option(int socket, int level, int name, int value) {
  return RESULT(setsockopt(socket, level, name, &value, sizeof value));
}
int cfib_get_option(int socket, int level, int name, int *value) {
  socklen_t length = sizeof *value;
  return RESULT(getsockopt(socket, level, name, value, &length));
}
int cfib_address(int socket, int peer, void *address, uint32_t *length) {
  return RESULT(peer ? getpeername(socket, address, length) : getsockname(socket, address, length));
}
intptr_t cfib_send_to(
  int socket, const void *bytes, size_t count, const void *address, uint32_t length) {
  return RESULT(sendto(socket, bytes, count, MSG_NOSIGNAL, address, length));
}
intptr_t cfib_receive_from(
  int socket, void *bytes, size_t count, void *address, uint32_t *length, int *truncated) {
  struct iovec part = {bytes, count};
  struct msghdr message = {
    .msg_name = address, .msg_namelen = *length, .msg_iov = &part, .msg_iovlen = 1};
  intptr_t received = RESULT(recvmsg(socket, &message, 0));
  *length = message.msg_namelen;
  *truncated = (message.msg_flags & MSG_TRUNC) != 0;
  return received;
}

// Written by handlers, so nothing but lock-free atomics: 0 is "not taken", else descriptor + 1.
static _Atomic int signal_bell[NSIG];
static _Atomic unsigned signal_number[NSIG];
// Handlers that are running, on any thread.
static _Atomic int signal_ringing[NSIG];
static struct sigaction former[NSIG];

static void note_signal(int signal) {
  int before = errno;
  atomic_fetch_add(&signal_ringing[signal], 1);
  int bell = atomic_load(&signal_bell[signal]);
  atomic_fetch_add(&signal_number[signal], 1);
  uint64_t one = 1;
  if (bell && write(bell - 1, &one, sizeof one) < 0) {
    // The counter of the eventfd is full: it is rung already.
  }
  atomic_fetch_sub(&signal_ringing[signal], 1);
  errno = before;
}

int cfib_signal_take(int signal, int eventfd) {
  if (signal <= 0 || signal >= NSIG) return -EINVAL;
  int none = 0;
  if (!atomic_compare_exchange_strong(&signal_bell[signal], &none, eventfd + 1)) return -EBUSY;
  atomic_store(&signal_number[signal], 0);
  struct sigaction action = {.sa_handler = note_signal, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  if (sigaction(signal, &action, &former[signal])) {
    int error = errno;
    atomic_store(&signal_bell[signal], 0);
    return -error;
  }
  // A program started by a thread that blocks signals, as worker threads do, has them blocked.
  sigset_t taken;
  sigemptyset(&taken);
  sigaddset(&taken, signal);
  pthread_sigmask(SIG_UNBLOCK, &taken, NULL);
  return 0;
}

int cfib_signal_release(int signal) {
  int result = RESULT(sigaction(signal, &former[signal], NULL));
  atomic_store(&signal_bell[signal], 0);
  // The bell is closed next, and its number may become somebody's file: no handler may still ring it.
  // (One that interrupts this thread ends before this goes on.)
  while (atomic_load(&signal_ringing[signal])) sched_yield();
  return result;
}

unsigned cfib_signal_count(int signal) { return atomic_exchange(&signal_number[signal], 0); }
