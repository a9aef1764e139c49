#define _GNU_SOURCE
#include "clinux.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static __thread void *current_loop;

void *cl_current_loop(void) { return current_loop; }
void cl_set_current_loop(void *loop) { current_loop = loop; }

// A function of Swift's runtime; it is called where tasks run, so the runtime is there.
extern void *swift_task_getCurrent(void);

void *cl_current_task(void) { return swift_task_getCurrent(); }

int64_t cl_monotonic_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int cl_epoll_create(void) {
    int fd = epoll_create1(EPOLL_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int cl_epoll_ctl(int epoll, int operation, int fd, uint32_t events, void *source) {
    static const int operations[] = {[1] = EPOLL_CTL_ADD, [2] = EPOLL_CTL_MOD, [3] = EPOLL_CTL_DEL};
    struct epoll_event event = {.events = events, .data.ptr = source};
    return epoll_ctl(epoll, operations[operation], fd, &event) < 0 ? -errno : 0;
}

int cl_epoll_wait(int epoll, cl_ready *ready, int capacity, int64_t timeout_ns) {
    struct epoll_event events[256];
    if (capacity > 256) capacity = 256;
    int n;
    static int without_pwait2;  // kernels before 5.11 lack epoll_pwait2
    if (timeout_ns > 0 && !__atomic_load_n(&without_pwait2, __ATOMIC_RELAXED)) {
        struct timespec timeout = {timeout_ns / 1000000000, timeout_ns % 1000000000};
        n = epoll_pwait2(epoll, events, capacity, &timeout, NULL);
        if (n < 0 && errno == ENOSYS) {
            __atomic_store_n(&without_pwait2, 1, __ATOMIC_RELAXED);
            n = epoll_wait(epoll, events, capacity, (int)((timeout_ns + 999999) / 1000000));
        }
    } else {
        int64_t ms = timeout_ns < 0 ? -1 : (timeout_ns + 999999) / 1000000;
        n = epoll_wait(epoll, events, capacity, ms > 2000000000 ? 2000000000 : (int)ms);
    }
    if (n < 0) return -errno;
    for (int i = 0; i < n; i++) {
        ready[i].source = events[i].data.ptr;
        ready[i].events = events[i].events;
    }
    return n;
}

int cl_eventfd(void) {
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int cl_pipe(int ends[2]) {
    return pipe2(ends, O_CLOEXEC) < 0 ? -errno : 0;
}

void cl_eventfd_signal(int fd) {
    // A signal that is lost would leave a loop asleep. EAGAIN is none: then the counter is full, and the loop was woken.
    while (eventfd_write(fd, 1) < 0 && errno == EINTR) {}
}

static int signal_pipe[2] = {-1, -1};

static void signal_received(int number) {
    int saved = errno;
    unsigned char byte = (unsigned char)number;
    (void)!write(signal_pipe[1], &byte, 1);
    errno = saved;
}

int cl_signal_pipe(const int *signals, int count) {
    if (signal_pipe[0] < 0 && pipe2(signal_pipe, O_CLOEXEC) < 0) return -errno;
    // A full pipe must not hold up the thread that the signal interrupted.
    fcntl(signal_pipe[1], F_SETFL, O_NONBLOCK);
    struct sigaction action = {.sa_handler = signal_received, .sa_flags = SA_RESTART};
    sigset_t set;
    sigemptyset(&set);
    for (int i = 0; i < count; i++) {
        if (sigaction(signals[i], &action, NULL) < 0) return -errno;
        sigaddset(&set, signals[i]);
    }
    // Whoever started this process may have blocked them.
    int error = pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    return error ? -error : signal_pipe[0];
}

int cl_listen(const char *address, uint16_t port, int backlog, int reuse_port) {
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr *name;
    socklen_t length;
    if (inet_pton(AF_INET, address, &v4.sin_addr) == 1) {
        name = (struct sockaddr *)&v4, length = sizeof v4;
    } else if (inet_pton(AF_INET6, address, &v6.sin6_addr) == 1) {
        name = (struct sockaddr *)&v6, length = sizeof v6;
    } else {
        return -EINVAL;
    }
    int fd = socket(name->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    int one = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (reuse_port) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    if (bind(fd, name, length) < 0 || listen(fd, backlog) < 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

int cl_adopt_listener(int fd, char *address, size_t capacity) {
    int value;
    socklen_t length = sizeof value;
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &value, &length) < 0) return -errno;
    if (value != AF_INET && value != AF_INET6) return -EAFNOSUPPORT;
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &length) < 0) return -errno;
    if (value != SOCK_STREAM) return -EPROTOTYPE;
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &length) < 0) return -errno;
    if (!value) return -EINVAL;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) return -errno;
    struct sockaddr_storage name;
    length = sizeof name;
    if (getsockname(fd, (struct sockaddr *)&name, &length) < 0) return -errno;
    const void *bytes = name.ss_family == AF_INET ? (void *)&((struct sockaddr_in *)&name)->sin_addr
                                                  : (void *)&((struct sockaddr_in6 *)&name)->sin6_addr;
    return inet_ntop(name.ss_family, bytes, address, (socklen_t)capacity) ? 0 : -errno;
}

int cl_notify(const char *path, const char *message, size_t count) {
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    size_t length = strlen(path);
    if ((path[0] != '/' && path[0] != '@') || length < 2) return -EINVAL;
    if (length > sizeof name.sun_path - 1) return -ENAMETOOLONG;
    memcpy(name.sun_path, path, length);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
    if (path[0] == '@') {
        // The kernel's abstract names begin with a zero byte and have no other at their end.
        name.sun_path[0] = 0;
        size--;
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    ssize_t n;
    do n = sendto(fd, message, count, MSG_NOSIGNAL, (struct sockaddr *)&name, size);
    while (n < 0 && errno == EINTR);
    int error = errno;
    close(fd);
    return n < 0 ? -error : 0;
}

int cl_local_port(int fd) {
    struct sockaddr_storage name;
    socklen_t length = sizeof name;
    if (getsockname(fd, (struct sockaddr *)&name, &length) < 0) return -errno;
    if (name.ss_family == AF_INET) return ntohs(((struct sockaddr_in *)&name)->sin_port);
    return ntohs(((struct sockaddr_in6 *)&name)->sin6_port);
}

int cl_accept(int fd, char *peer, size_t peer_capacity) {
    struct sockaddr_storage name;
    socklen_t length = sizeof name;
    int accepted = accept4(fd, (struct sockaddr *)&name, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (accepted < 0) return -errno;
    int one = 1;
    setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    const void *address = name.ss_family == AF_INET ? (void *)&((struct sockaddr_in *)&name)->sin_addr
                                                    : (void *)&((struct sockaddr_in6 *)&name)->sin6_addr;
    if (!inet_ntop(name.ss_family, address, peer, (socklen_t)peer_capacity) && peer_capacity) peer[0] = 0;
    return accepted;
}

long cl_send(int fd, const void *bytes, size_t count) {
    ssize_t n;
    do n = send(fd, bytes, count, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

long cl_receive(int fd, void *bytes, size_t count) {
    ssize_t n;
    do n = recv(fd, bytes, count, 0);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

int cl_shutdown_write(int fd) { return shutdown(fd, SHUT_WR) < 0 ? -errno : 0; }

int cl_processors(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) < 0) return (int)sysconf(_SC_NPROCESSORS_ONLN);
    return CPU_COUNT(&set);
}

void cl_random16(void *bytes) {
    static __thread unsigned char pool[256];
    static __thread size_t used = sizeof pool;
    if (used == sizeof pool) {
        size_t filled = 0;
        while (filled < sizeof pool) {
            ssize_t n = getrandom(pool + filled, sizeof pool - filled, 0);
            if (n < 0 && errno != EINTR) abort();  // without randomness no identifier may be made
            if (n > 0) filled += (size_t)n;
        }
        used = 0;
    }
    memcpy(bytes, pool + used, 16);
    memset(pool + used, 0, 16);
    used += 16;
}

int cl_adopt_orphans(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1) < 0 ? -errno : 0; }

void cl_name_thread(const char *name) {
    char kept[16];
    strncpy(kept, name, 15);
    kept[15] = 0;
    pthread_setname_np(pthread_self(), kept);
}
