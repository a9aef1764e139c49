// The benchmark's upstream: POST /v1/chat/completions with `"stream": true`, as an OpenAI-compatible server answers it.
//
// The last message says what to stream: "N every MS" paces N tokens, "N together" sends them as fast as the reader takes them. A token's
// content is "t=<CLOCK_MONOTONIC in ns>; ", the time at which it was made, so that the far end of a relay on the same machine knows how
// long it was on its way. It listens on the loopback and checks nothing that a hostile client could send.
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#include "upstream.h"

static int epoll;

uint64_t monotonic_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void accept_all(int listener) {
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), one = 1;
        if (fd < 0) {
            if (errno == EINTR || errno == ECONNABORTED) continue;
            return;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        connection *c = calloc(1, sizeof *c);
        if (!c) abort();
        c->fd = fd;
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c};
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    }
}

// What is due now; what becomes due meanwhile waits for the next turn, so that sockets are read in between.
static void run_due(void) {
    uint64_t now = monotonic_ns();
    for (connection *c; (c = schedule_first()) && c->due_ns <= now;) {
        schedule_remove(c);
        stream_turn(c);
    }
}

static int wait_for_events(struct epoll_event *ready, int capacity) {
    struct timespec longest = {.tv_sec = 3600};
    const connection *first = schedule_first();
    if (first) {
        uint64_t now = monotonic_ns(), wait = first->due_ns > now ? first->due_ns - now : 0;
        longest = (struct timespec){.tv_sec = (time_t)(wait / 1000000000), .tv_nsec = (long)(wait % 1000000000)};
    }
    return epoll_pwait2(epoll, ready, capacity, &longest, NULL);
}

static void connection_ready(connection *c, uint32_t events) {
    if (events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP)) {
        connection_close(c);
        return;
    }
    if ((events & EPOLLOUT) && !connection_writable(c)) return;
    if (events & EPOLLIN) connection_readable(c);
}

static void loop(int listener) {
    static struct epoll_event ready[512];
    for (;;) {
        run_due();
        int count = wait_for_events(ready, 512);
        for (int i = 0; i < count; i++) {
            if (ready[i].data.ptr == &epoll) accept_all(listener);
            else connection_ready(ready[i].data.ptr, ready[i].events);
        }
    }
}

static int listen_on(int port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 4096) < 0) return -1;
    return fd;
}

int main(int argc, char **argv) {
    int port = argc == 3 && !strcmp(argv[1], "--port") ? atoi(argv[2]) : 0;
    if (port <= 0 || port > 65535) {
        fprintf(stderr, "usage: MillraceBenchUpstream --port PORT\n");
        return 64;
    }
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    // Wake when a token is due, not within 50 µs of it: streams that are due apart must not leave together.
    prctl(PR_SET_TIMERSLACK, 1);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    int listener = listen_on(port);
    if (listener < 0) {
        perror("MillraceBenchUpstream");
        return 1;
    }
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &epoll};
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    loop(listener);
    return 0;
}
