#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "upstream.h"

void connection_close(connection *c) {
    schedule_remove(c);
    close(c->fd);
    free(c->input);
    free(c->output);
    free(c);
}

char *connection_reserve(connection *c, size_t count) {
    if (c->output_capacity - c->output_end < count) {
        size_t capacity = c->output_capacity ? c->output_capacity : 512;
        while (capacity - c->output_end < count) capacity *= 2;
        if (!(c->output = realloc(c->output, capacity))) abort();
        c->output_capacity = capacity;
    }
    return c->output + c->output_end;
}

bool connection_flush(connection *c) {
    while (c->output_start < c->output_end) {
        ssize_t sent = send(c->fd, c->output + c->output_start, c->output_end - c->output_start, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno == EINTR) continue;
            if (errno == EAGAIN) return true;  // The edge-triggered report that the socket is writable comes back here.
            connection_close(c);
            return false;
        }
        c->output_start += (size_t)sent;
    }
    // The buffer of an open stream is kept: it sends again soon.
    c->output_start = c->output_end = 0;
    return true;
}

static void refuse(connection *c, const char *status, const char *message) {
    char body[256];
    int length = snprintf(
        body, sizeof body, "{\"error\":{\"message\":\"%s\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":null}}", message);
    char *place = connection_reserve(c, 512);
    c->output_end += (size_t)snprintf(
        place, 512, "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", status, length, body);
}

// The end of a request's head.
static const char *body_of(const char *request, size_t count) { return (const char *)memmem(request, count, "\r\n\r\n", 4) + 4; }

static bool head_says(const char *request, const char *body, const char *text) {
    const char *found = strcasestr(request, text);
    return found && found < body;
}

// Handles one whole request, which a NUL follows.
static void request_came(connection *c, const char *request, size_t count) {
    const char *body = body_of(request, count);
    size_t body_count = count - (size_t)(body - request);
    c->closes = head_says(request, body, "\r\nconnection: close\r\n") || head_says(request, body, " HTTP/1.0\r\n");
    c->wants_usage = memmem(body, body_count, "\"include_usage\":true", 20) || memmem(body, body_count, "\"include_usage\": true", 21);
    plan plan;
    if (strncmp(request, "POST /v1/chat/completions ", 26)) refuse(c, "404 Not Found", "there is only POST /v1/chat/completions");
    else if (!request_plan(body, body_count, &plan))
        refuse(c, "400 Bad Request", "the last message must be 'N together' or 'N every MS'");
    else stream_begin(c, &plan);
}

void connection_next_request(connection *c) {
    while (c->input_count && !c->is_streaming) {
        bool is_bad;
        size_t size = request_size(c->input, c->input_count, &is_bad);
        if (is_bad) {
            connection_close(c);
            return;
        }
        if (!size) return;
        // The byte after the request may belong to the next one.
        char after = c->input[size];
        c->input[size] = 0;
        request_came(c, c->input, size);
        c->input[size] = after;
        c->input_count -= size;
        memmove(c->input, c->input + size, c->input_count);
        if (!connection_flush(c)) return;
        if (c->closes && !c->is_streaming && !c->output_end) {
            connection_close(c);
            return;
        }
    }
    if (!c->input_count) {
        free(c->input);
        c->input = NULL;
        c->input_capacity = 0;
    }
}

void connection_readable(connection *c) {
    for (;;) {
        // One more byte than is read, for the NUL.
        if (c->input_capacity - c->input_count < 2048) {
            c->input_capacity = c->input_capacity ? c->input_capacity * 2 : 4096;
            if (!(c->input = realloc(c->input, c->input_capacity))) abort();
        }
        size_t room = c->input_capacity - c->input_count - 1;
        ssize_t got = recv(c->fd, c->input + c->input_count, room, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == EAGAIN) break;
        if (got <= 0) {
            connection_close(c);
            return;
        }
        c->input_count += (size_t)got;
        if ((size_t)got < room) break;
    }
    connection_next_request(c);
}

bool connection_writable(connection *c) {
    if (!c->output_end) return true;
    if (!connection_flush(c)) return false;
    if (c->output_end) return true;
    if (c->is_streaming) {
        stream_resume(c);
    } else if (c->closes) {
        connection_close(c);
        return false;
    }
    return true;
}
