// The benchmark's floor: what the kernel alone costs for the work that a Millrace server does.
//
// It serves GET /healthz and POST /api/v1/generate/stream (tasks `bench`, and `relay` with --upstream) with the events, the framing, the
// access log and (with --log) the commits of the real server, on one epoll loop. Nothing is checked that a hostile client could send: it
// listens on the loopback and only there.
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "floor.h"

static int epoll;
static source listening = {SOURCE_LISTENER}, commits = {SOURCE_COMMITS};
static client *closed_first;
static client *queue_first, **queue_end = &queue_first;
static client *waiting_first, **waiting_end = &waiting_first;

void loop_queue(client *c) {
    if (c->is_queued || c->is_closed) return;
    c->is_queued = true;
    c->next_queued = NULL;
    *queue_end = c;
    queue_end = &c->next_queued;
}

void loop_wait_for_commit(client *c) {
    c->is_logged = true;
    c->next_waiting = NULL;
    *waiting_end = c;
    waiting_end = &c->next_waiting;
}

void loop_release(client *c) {
    c->next_closed = closed_first;
    closed_first = c;
}

// After a turn, when no report of epoll's can be about them any more.
static void free_closed(void) {
    for (client **place = &closed_first, *c; (c = *place);) {
        if (c->is_queued || c->is_logged) {
            place = &c->next_closed;
            continue;
        }
        *place = c->next_closed;
        free(c->upstream);
        free(c);
    }
}

// Commits are done in the order of the list.
static void queue_committed(void) {
    uint64_t committed = commit_log_committed();
    while (waiting_first && waiting_first->commit <= committed) {
        client *c = waiting_first;
        waiting_first = c->next_waiting;
        if (!waiting_first) waiting_end = &waiting_first;
        c->is_logged = false;
        loop_queue(c);
    }
}

static void run_queue(void) {
    client *next = queue_first;
    queue_first = NULL;
    queue_end = &queue_first;
    while (next) {
        client *c = next;
        next = c->next_queued;
        c->is_queued = false;
        if (!c->is_closed) stream_turn(c);
    }
}

static void queue_due(void) {
    client *c = timers_first();
    if (!c) return;
    uint64_t now = monotonic_ns();
    for (; c && c->due_ns <= now; c = timers_first()) {
        timers_remove(c);
        loop_queue(c);
    }
}

static void watch(int fd, uint32_t events, source *source) {
    struct epoll_event event = {.events = events, .data.ptr = source};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

void loop_watch(int fd, source *source) { watch(fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, source); }

static void accept_all(int listener) {
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EINTR || errno == ECONNABORTED) continue;
            return;
        }
        int one = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        client *c = calloc(1, sizeof *c);
        if (!c) abort();
        c->source.kind = SOURCE_CLIENT;
        c->fd = fd;
        loop_watch(fd, &c->source);
    }
}

static void client_ready(client *c, uint32_t events) {
    if (c->is_closed) return;
    if (events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP)) {
        client_close(c);
    } else {
        if ((events & EPOLLOUT) && c->output.end > 0 && client_flush(c) && !c->output.end && c->is_streaming && !c->heap_index
            && !c->is_logged)
            loop_queue(c);
        if (!c->is_closed && (events & EPOLLIN)) client_read(c);
    }
}

static int wait_for_events(struct epoll_event *ready, int capacity) {
    struct timespec longest = {.tv_sec = 0, .tv_nsec = 0};
    if (!queue_first) {
        uint64_t wait = 100000000;
        client *first = timers_first();
        if (first) {
            uint64_t now = monotonic_ns();
            uint64_t until = first->due_ns > now ? first->due_ns - now : 0;
            if (until < wait) wait = until;
        }
        longest.tv_nsec = (long)wait;
    }
    return epoll_pwait2(epoll, ready, capacity, &longest, NULL);
}

static void loop(int listener) {
    static struct epoll_event ready[512];
    for (;;) {
        queue_due();
        run_queue();
        commit_log_hand_over();
        access_log_flush(false);
        int count = wait_for_events(ready, 512);
        for (int i = 0; i < count; i++) {
            source *source = ready[i].data.ptr;
            switch (source->kind) {
            case SOURCE_LISTENER: accept_all(listener); break;
            case SOURCE_COMMITS: {
                eventfd_t ignored;
                eventfd_read(commit_log_descriptor(), &ignored);
                queue_committed();
                break;
            }
            case SOURCE_CLIENT: client_ready((client *)source, ready[i].events); break;
            case SOURCE_UPSTREAM: relay_ready(source, ready[i].events); break;
            }
        }
        free_closed();
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
    int port = 0, upstream = 0;
    const char *access = "/dev/null", *log = NULL;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--port")) port = atoi(argv[i + 1]);
        else if (!strcmp(argv[i], "--access-log")) access = argv[i + 1];
        else if (!strcmp(argv[i], "--log")) log = argv[i + 1];
        else if (!strcmp(argv[i], "--upstream")) upstream = atoi(argv[i + 1]);
        else port = 0, argc = 0;
    }
    if (port <= 0 || argc % 2 == 0) {
        fprintf(stderr, "usage: MillraceBenchFloor --port PORT [--access-log FILE] [--log FILE] [--upstream PORT]\n");
        return 64;
    }
    relay_configure(upstream);
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    int listener = listen_on(port);
    if (listener < 0 || !access_log_open(access) || (log && !commit_log_open(log))) {
        perror("MillraceBenchFloor");
        return 1;
    }
    watch(listener, EPOLLIN, &listening);
    if (log) watch(commit_log_descriptor(), EPOLLIN, &commits);
    loop(listener);
    return 0;
}
