#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "floor.h"

enum { INPUT_LIMIT = 8192 };

void client_close(client *c) {
    if (c->is_closed) return;
    timers_remove(c);
    close(c->fd);
    relay_close(c);
    free(c->input);
    output_release(&c->output);
    c->input = NULL;
    c->is_closed = true;
    loop_release(c);
}

bool client_flush(client *c) {
    if (c->is_closed) return false;
    output *out = &c->output;
    while (out->start < out->end) {
        ssize_t sent = send(c->fd, out->bytes + out->start, out->end - out->start, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno == EINTR) continue;
            if (errno == EAGAIN) return true;  // The edge-triggered report that the socket is writable comes back here.
            client_close(c);
            return false;
        }
        out->start += (size_t)sent;
    }
    output_release(out);
    return true;
}

static void answer(client *c, const char *status, const char *body) {
    char *place = output_reserve(&c->output, 512);
    int count = snprintf(
        place, 512, "HTTP/1.1 %s\r\nDate: %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", status,
        clock_http_date(), strlen(body), body);
    c->output.end += (size_t)count;
}

// Handles one whole request.
static void request_came(client *c, const char *head, const char *body, size_t body_count) {
    if (!strncmp(head, "GET /healthz ", 13)) {
        answer(c, "200 OK", "{\"status\":\"ok\"}");
        access_log_line("GET", "/healthz", 200, 15);
    } else if (!strncmp(head, "POST /api/v1/generate/stream ", 29)) {
        stream_begin(c, body, body_count);
    } else {
        answer(c, "404 Not Found", "{\"status\":404}");
        access_log_line("-", "-", 404, 14);
    }
}

// The end of the head, or NULL, and the length of the body that follows it.
static const char *find_body(const char *input, size_t count, size_t *body_count) {
    const char *end = memmem(input, count, "\r\n\r\n", 4);
    if (!end) return NULL;
    *body_count = 0;
    const char *field = strcasestr(input, "\r\ncontent-length:");
    if (field && field < end) *body_count = strtoul(field + 17, NULL, 10);
    return end + 4;
}

void client_read(client *c) {
    static char buffer[INPUT_LIMIT + 1];
    for (;;) {
        // What is left of a request that came in parts stands before the new bytes.
        size_t before = c->input_count;
        if (before) memcpy(buffer, c->input, before);
        ssize_t got = recv(c->fd, buffer + before, INPUT_LIMIT - before, 0);
        if (got < 0) {
            if (errno == EINTR) continue;
            if (errno != EAGAIN) client_close(c);
            return;
        }
        if (got == 0) {
            client_close(c);
            return;
        }
        size_t count = before + (size_t)got, start = 0, body_count;
        bool is_short = (size_t)got < INPUT_LIMIT - before;
        buffer[count] = 0;
        while (start < count && !c->is_streaming) {
            const char *body = find_body(buffer + start, count - start, &body_count);
            if (!body || body_count > (size_t)(buffer + count - body)) break;
            request_came(c, buffer + start, body, body_count);
            start = (size_t)(body - buffer) + body_count;
        }
        if (count - start == INPUT_LIMIT) {
            client_close(c);
            return;
        }
        c->input_count = (uint32_t)(count - start);
        if (c->input_count) {
            if (!c->input && !(c->input = malloc(INPUT_LIMIT))) abort();
            memcpy(c->input, buffer + start, c->input_count);
        } else if (c->input) {
            free(c->input);
            c->input = NULL;
        }
        if (c->output.end && !c->is_queued && !client_flush(c)) return;
        if (is_short) return;
    }
}
