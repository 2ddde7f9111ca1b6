// System calls for I/O: each returns its result or `-errno`, so that errno is read on the thread that
// made the call. None restarts after a signal: `-EINTR` is for the caller.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

// ---- Readiness.

int cfib_epoll_create(void);
/// Registers `descriptor`, edge-triggered, for both directions; or takes it out.
int cfib_epoll_add(int epoll, int descriptor, uint64_t cookie);
int cfib_epoll_remove(int epoll, int descriptor);
/// At most `count` events. Waits for `nanoseconds`, 0 not at all, -1 for ever. `-EINTR` possible.
int cfib_epoll_wait(int epoll, struct epoll_event *events, int count, int64_t nanoseconds);
/// The fields of a packed struct.
uint64_t cfib_event_cookie(const struct epoll_event *event);

// ---- Descriptors.

/// What a descriptor is, as to waiting: 0 can be polled, 1 has to be served by a thread that blocks
/// (regular files, directories, block devices), 2 a character device: ask epoll. `socket_kind` becomes 0: no
/// socket, 1: a socket, 2: one of TCP.
int cfib_descriptor_kind(int descriptor, int *socket_kind);
/// Makes it non-blocking. Returns the flags it had.
int cfib_set_nonblocking(int descriptor);
int cfib_set_flags(int descriptor, int flags);
int cfib_close(int descriptor);
int cfib_open(const char *path, int flags, unsigned mode);
int cfib_pipe(int ends[2]);
int cfib_socket_pair(int ends[2]);

// ---- Bytes. A pipe or socket whose reader is gone gives `-EPIPE`, never a signal.

intptr_t cfib_read(int descriptor, void *bytes, size_t count);
/// The same for connections, and at least one byte: the kernel gets there with less ado.
intptr_t cfib_receive(int socket, void *bytes, size_t count);
/// Asks the CPU for the two cache lines at `address`: a hint, whatever the address.
static inline __attribute__((always_inline)) void cfib_prefetch(const void *address) {
  __builtin_prefetch(address, 1, 3);
  __builtin_prefetch((const char *)address + 64, 1, 3);
}
intptr_t cfib_readv(int descriptor, const struct iovec *parts, int count);
intptr_t cfib_write(int descriptor, const void *bytes, size_t count);
intptr_t cfib_writev(int descriptor, const struct iovec *parts, int count);
/// The same for sockets: without a signal at no cost.
intptr_t cfib_send(int socket, const void *bytes, size_t count);
intptr_t cfib_sendv(int socket, const struct iovec *parts, int count);

// ---- Sockets, non-blocking and closed on exec.

int cfib_socket(int family, int type);
int cfib_bind(int socket, const void *address, uint32_t length);
int cfib_listen(int socket, int backlog);
int cfib_accept(int socket);
int cfib_connect(int socket, const void *address, uint32_t length);
/// The error that a connection attempt ended with: 0 or a positive errno; or `-errno`.
int cfib_socket_error(int socket);
int cfib_shutdown(int socket, int how);
int cfib_set_option(int socket, int level, int name, int value);
int cfib_get_option(int socket, int level, int name, int *value);
/// The local (`peer` 0) or the peer's address. `length` in and out.
int cfib_address(int socket, int peer, void *address, uint32_t *length);
intptr_t cfib_send_to(
  int socket, const void *bytes, size_t count, const void *address, uint32_t length);
intptr_t cfib_receive_from(
  int socket, void *bytes, size_t count, void *address, uint32_t *length, int *truncated);

// ---- Signals as something to wait for.

/// From now on each `signal` is counted and rings an eventfd, which is returned; the handler that was
/// there is kept. `-EBUSY` when it is taken already. Unblocks the signal for the calling thread.
int cfib_signal_take(int signal, int eventfd);
/// Brings the former handler back.
int cfib_signal_release(int signal);
/// How often `signal` came since this was last asked.
unsigned cfib_signal_count(int signal);
