// Linux system interfaces that Swift cannot call directly: packed structs, thread-locals, macros.
#pragma once
#include <stddef.h>
#include <stdint.h>

// Here, so that builds from before it was there see that the module has changed.
#include "confinement.h"

// The event loop that runs on the calling thread, or NULL.
void *cl_current_loop(void);
void cl_set_current_loop(void *loop);

// The Swift task that runs on the calling thread, only to be compared with, or NULL. Swift's own `withUnsafeCurrentTask` copies values whose
// size it asks for at run time, which costs as much as encoding an event.
void *cl_current_task(void);

// Monotonic time in nanoseconds (CLOCK_MONOTONIC).
int64_t cl_monotonic_ns(void);

// One readiness report of epoll: `struct epoll_event` is packed, which Swift cannot import safely.
typedef struct {
    void *source;
    uint32_t events;
} cl_ready;

int cl_epoll_create(void);
// operation: 1 add, 2 modify, 3 delete. Edge-triggered flags are the caller's choice. Returns 0 or -errno.
int cl_epoll_ctl(int epoll, int operation, int fd, uint32_t events, void *source);
// Waits up to `timeout_ns` (negative: for ever). Returns the number of reports or -errno.
int cl_epoll_wait(int epoll, cl_ready *ready, int capacity, int64_t timeout_ns);

int cl_eventfd(void);
// Both ends are closed in programs that are started. Returns 0 or -errno.
int cl_pipe(int ends[2]);
void cl_eventfd_signal(int fd);

// Makes the given signals write their number, one byte, into a pipe, whichever thread they interrupt. Returns the end to read from, which
// blocks, or -errno. Later calls add signals to the same pipe.
int cl_signal_pipe(const int *signals, int count);

// Binds and listens. `address` is a numeric IPv4 or IPv6 address. Returns the socket or -errno.
int cl_listen(const char *address, uint16_t port, int backlog, int reuse_port);
// Takes over a socket that another program has bound and set listening: checks it, makes it non-blocking and close-on-exec, and writes its
// numeric address. Returns 0, or -EBADF, -ENOTSOCK, -EAFNOSUPPORT (neither IPv4 nor IPv6), -EPROTOTYPE (no stream), -EINVAL (not listening).
int cl_adopt_listener(int fd, char *address, size_t capacity);
// Sends one datagram to the Unix socket `path`, abstract if it begins with '@'. Returns 0 or -errno.
int cl_notify(const char *path, const char *message, size_t count);
// The local port of a socket, or -errno.
int cl_local_port(int fd);
// Accepts one connection, non-blocking and close-on-exec, with TCP_NODELAY. Writes the peer's numeric address. Returns the socket or -errno.
int cl_accept(int fd, char *peer, size_t peer_capacity);

// write(2)-like send without SIGPIPE. Returns the bytes sent or -errno.
long cl_send(int fd, const void *bytes, size_t count);
// Returns the bytes read, 0 at the end of the stream, or -errno.
long cl_receive(int fd, void *bytes, size_t count);
int cl_shutdown_write(int fd);

// The processors that this process may run on.
int cl_processors(void);
// Fills 16 bytes with random bits of the kernel's generator, read ahead for the calling thread so that most calls make no system call.
void cl_random16(void *bytes);
// Makes this process the one that inherits, and has to wait for, processes below it whose parent has ended. Returns 0 or -errno.
int cl_adopt_orphans(void);
// Names the calling thread (at most 15 bytes are kept).
void cl_name_thread(const char *name);
