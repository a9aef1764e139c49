#include "connection.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

// One read buffer for all: the loop has one thread.
static char buffer[256 * 1024];

static void close_socket(connection *c) {
    if (c->fd < 0) return;
    if (c->state == CONNECTION_CONNECTING) c->load->connecting--;
    if (c->state == CONNECTION_WAITING || c->state == CONNECTION_STALLED) c->load->statistics.streams_at_once--;
    close(c->fd);
    c->fd = -1;
}

void connection_finish(connection *c) {
    close_socket(c);
    response_free(&c->response);
    if (c->state != CONNECTION_FINISHED) c->load->finished++;
    c->state = CONNECTION_FINISHED;
}

// After a failure: the next try, or the end where a lost stream can't be made good.
static void reopen(connection *c) {
    close_socket(c);
    c->state = CONNECTION_IDLE;
    if (c->load->stopping || c->load->options.mode == MODE_HOLD) connection_finish(c);
    else connection_open(c);
}

static void fail(connection *c, const char *reason) {
    c->load->statistics.errors++;
    statistics_note(&c->load->statistics, reason);
    reopen(c);
}

static void fail_connect(connection *c, const char *reason) {
    c->load->statistics.connect_failures++;
    statistics_note(&c->load->statistics, reason);
    // Trying again at once would turn a server that is down into a busy loop.
    connection_finish(c);
}

static void watch(connection *c, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = c};
    epoll_ctl(c->load->epoll, EPOLL_CTL_MOD, c->fd, &event);
}

void connection_open(connection *c) {
    const load_options *options = &c->load->options;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) {
        fail_connect(c, strerror(errno));
        return;
    }
    c->state = CONNECTION_CONNECTING;
    c->load->connecting++;
    int one = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (c->index < options->stall) {
        int small = 4096;  // So that the server feels the stall soon.
        setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    }
    if (options->sources > 0) {
        // Without this option the kernel picks a port at bind, before it knows that the destination would allow a shared one.
        setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
        struct sockaddr_in source = {.sin_family = AF_INET};
        source.sin_addr.s_addr = htonl(0x7f000002u + (uint32_t)(c->index % options->sources));
        if (bind(c->fd, (struct sockaddr *)&source, sizeof source) < 0) {
            fail_connect(c, strerror(errno));
            return;
        }
    }
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options->port)};
    inet_pton(AF_INET, options->host, &address.sin_addr);
    if (connect(c->fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS) {
        fail_connect(c, strerror(errno));
        return;
    }
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c};
    epoll_ctl(c->load->epoll, EPOLL_CTL_ADD, c->fd, &event);
}

static void continue_request(connection *c) {
    const load *load = c->load;
    ssize_t written = write(c->fd, load->request + c->sent, load->request_length - c->sent);
    if (written < 0) {
        if (errno != EAGAIN && errno != EINTR) {
            fail(c, strerror(errno));
            return;
        }
        written = 0;
    }
    c->sent += (uint32_t)written;
    if (c->sent < load->request_length) watch(c, EPOLLIN | EPOLLOUT);
}

static void ask(connection *c) {
    statistics *statistics = &c->load->statistics;
    response_reset(&c->response);
    c->sent = 0;
    c->last_content_ns = 0;
    c->asked_ns = monotonic_ns();
    c->state = CONNECTION_WAITING;
    if (++statistics->streams_at_once > statistics->most_streams_at_once) statistics->most_streams_at_once = statistics->streams_at_once;
    continue_request(c);
}

// Hold mode starts to measure when every connection had this.
static void first_came(connection *c) {
    if (c->had_event) return;
    c->had_event = true;
    c->load->statistics.connections_with_event++;
}

static void token_came(void *context, uint64_t sent_ns) {
    connection *c = context;
    load *load = c->load;
    first_came(c);
    if (!load->measuring) return;
    load->statistics.tokens++;
    // Both ends read one clock; a stamp from the future is none.
    if (sent_ns <= c->read_ns) samples_add(&load->statistics.latency, c->read_ns - sent_ns);
    else statistics_note(&load->statistics, "a token was stamped later than it was read");
}

static void event_came(void *context, bool is_content) {
    connection *c = context;
    load *load = c->load;
    if (c->response.events == 1 && load->measuring) samples_add(&load->statistics.first_event, c->read_ns - c->asked_ns);
    // In hold mode the first events come before the measured time, which starts when all have had theirs.
    if (c->response.events == 1 && !load->measuring && load->options.mode == MODE_HOLD)
        samples_add(&load->statistics.first_event, c->read_ns - c->asked_ns);
    // A relay's stream begins with events of its own.
    if (!load->options.is_relay) first_came(c);
    if (is_content) {
        if (load->options.mode == MODE_HOLD && load->measuring && c->last_content_ns) samples_add(&load->statistics.gap, c->read_ns - c->last_content_ns);
        c->last_content_ns = c->read_ns;
    }
    if (load->measuring) {
        load->statistics.events++;
        load->statistics.content_events += is_content;
    }
}

// Whether the response is what was asked for; notes why not.
static bool is_right(connection *c) {
    const load_options *options = &c->load->options;
    char text[96];
    if (c->response.status != 200) {
        snprintf(text, sizeof text, "status %d", c->response.status);
    } else if (options->mode == MODE_REQUESTS) {
        return true;
    } else if (!c->response.ended) {
        snprintf(text, sizeof text, "a stream ended without response_end or [DONE]");
    } else if (options->is_relay && options->content_events >= 0 && c->response.tokens != (uint64_t)options->content_events) {
        snprintf(text, sizeof text, "a stream had %llu tokens", (unsigned long long)c->response.tokens);
    } else if (!options->is_relay && options->content_events >= 0 && c->response.content_events != (uint64_t)options->content_events) {
        snprintf(text, sizeof text, "a stream had %llu content events", (unsigned long long)c->response.content_events);
    } else {
        return true;
    }
    c->load->statistics.errors++;
    statistics_note(&c->load->statistics, text);
    return false;
}

// The response is whole. Returns whether the connection goes on to be read.
static bool response_ended(connection *c) {
    load *load = c->load;
    load->statistics.streams_at_once--;
    c->state = CONNECTION_IDLE;
    bool right = is_right(c);
    if (right && load->measuring) {
        load->statistics.responses++;
        samples_add(&load->statistics.response, c->read_ns - c->asked_ns);
        if (load->options.responses && load->statistics.responses >= (uint64_t)load->options.responses) load->stopping = true;
    }
    if (load->stopping || load->options.mode == MODE_HOLD) {
        connection_finish(c);
        return false;
    }
    if (c->response.closes) {
        load->statistics.server_closes++;
        reopen(c);
        return false;
    }
    ask(c);
    return c->state == CONNECTION_WAITING;
}

static void receive(connection *c) {
    response_listener listener = {.context = c, .event = event_came, .token = c->load->options.is_relay ? token_came : NULL};
    for (;;) {
        ssize_t count = read(c->fd, buffer, sizeof buffer);
        if (count < 0) {
            if (errno != EAGAIN && errno != EINTR) fail(c, strerror(errno));
            return;
        }
        c->read_ns = monotonic_ns();
        if (count == 0) {
            if (response_is_whole_at_close(&c->response)) response_ended(c);
            else fail(c, "the server closed within a response");
            return;
        }
        if (c->load->measuring) c->load->statistics.bytes += (uint64_t)count;
        for (ssize_t start = 0; start < count;) {
            size_t used;
            const char *reason;
            response_result result = response_feed(&c->response, buffer + start, (size_t)(count - start), &used, &listener, &reason);
            start += (ssize_t)used;
            if (result == RESPONSE_MALFORMED) {
                fail(c, reason);
                return;
            }
            if (result == RESPONSE_DONE) {
                // Nothing was asked yet that more bytes could answer.
                if (start < count) {
                    c->load->statistics.streams_at_once--;
                    c->state = CONNECTION_IDLE;
                    fail(c, "bytes after the end of a response");
                    return;
                }
                if (!response_ended(c)) return;
            }
        }
        if (c->index < c->load->options.stall && c->had_event) {
            c->state = CONNECTION_STALLED;
            watch(c, 0);
            return;
        }
        if (count < (ssize_t)sizeof buffer) return;
    }
}

void connection_ready(connection *c, uint32_t events) {
    if (c->fd < 0) return;
    if (c->state == CONNECTION_CONNECTING) {
        int error = 0;
        socklen_t length = sizeof error;
        getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &length);
        if (error || (events & (EPOLLERR | EPOLLHUP))) {
            fail_connect(c, error ? strerror(error) : "the connection was refused");
            return;
        }
        if (!(events & EPOLLOUT)) return;
        c->load->connecting--;
        c->state = CONNECTION_IDLE;
        watch(c, EPOLLIN);
        ask(c);
        return;
    }
    if (c->state == CONNECTION_STALLED) {
        if (!(events & (EPOLLERR | EPOLLHUP))) return;
        // What the server is meant to do with a reader that makes no progress.
        c->load->statistics.stalled_closed++;
        connection_finish(c);
        return;
    }
    if ((events & EPOLLOUT) && c->sent < c->load->request_length) {
        continue_request(c);
        if (c->fd < 0) return;
        if (c->sent == c->load->request_length) watch(c, EPOLLIN);
    }
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) receive(c);
}
