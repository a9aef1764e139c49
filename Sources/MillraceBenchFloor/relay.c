#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "floor.h"

// What one read takes. What becomes of it still fits the four digits of a chunk's size.
enum { READ_SIZE = 16 * 1024, LINE_LIMIT = 2048 };

// A client's connection to the server whose tokens it is sent. It is kept from stream to stream.
struct upstream {
    source source;
    client *client;
    int fd;
    uint32_t request_sent, request_count, line_count;
    char request[512];
    char line[LINE_LIMIT];  // The start of a line whose end was not read yet.
};

static int upstream_port;

void relay_configure(int port) { upstream_port = port; }
bool relay_is_configured(void) { return upstream_port > 0; }

void relay_prepare(client *c, const char *prompt) {
    upstream *u = c->upstream;
    if (!u) {
        if (!(u = c->upstream = calloc(1, sizeof *u))) abort();
        u->source.kind = SOURCE_UPSTREAM;
        u->client = c;
        u->fd = -1;
    }
    char body[256];
    int length = snprintf(
        body, sizeof body, "{\"model\":\"bench-1\",\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}],\"stream\":true}", prompt);
    u->request_sent = 0;
    u->request_count = (uint32_t)snprintf(
        u->request, sizeof u->request,
        "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", length,
        body);
}

static bool connect_upstream(upstream *u) {
    u->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (u->fd < 0) return false;
    int one = 1;
    setsockopt(u->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)upstream_port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(u->fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS) return false;
    loop_watch(u->fd, &u->source);
    return true;
}

static void send_request(upstream *u) {
    while (u->request_sent < u->request_count) {
        ssize_t sent = send(u->fd, u->request + u->request_sent, u->request_count - u->request_sent, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno == EINTR) continue;
            if (errno != EAGAIN) client_close(u->client);
            return;
        }
        u->request_sent += (uint32_t)sent;
    }
}

void relay_begin(client *c) {
    if (c->upstream->fd < 0 && !connect_upstream(c->upstream)) {
        client_close(c);
        return;
    }
    send_request(c->upstream);
}

void relay_close(client *c) {
    if (!c->upstream || c->upstream->fd < 0) return;
    close(c->upstream->fd);
    c->upstream->fd = -1;
}

// Reads one line without its end. What is no event (the head, the sizes of chunks, blank lines) is passed over. Returns whether it ends
// the stream.
static bool line_came(client *c, const char *line, size_t count) {
    static const char key[] = "\"content\":\"";
    if (count < 12 || memcmp(line, "data: ", 6)) return false;
    if (!memcmp(line + 6, "[DONE]", 6)) return true;
    const char *text = memmem(line, count, key, sizeof key - 1);
    if (!text) return false;
    text += sizeof key - 1;
    const char *end = text;
    while (end < line + count && *end != '"') end += *end == '\\' ? 2 : 1;
    // A string that is taken over as it stands is still JSON.
    if (end > text && end < line + count) stream_content(c, text, (size_t)(end - text));
    return false;
}

void relay_read(client *c) {
    static char buffer[LINE_LIMIT + READ_SIZE];
    upstream *u = c->upstream;
    bool has_ended = false;
    // While the client does not take what it was sent, the upstream waits.
    while (!c->output.end) {
        memcpy(buffer, u->line, u->line_count);
        ssize_t got = recv(u->fd, buffer + u->line_count, READ_SIZE, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == EAGAIN) break;
        if (got <= 0) {
            client_close(c);
            return;
        }
        char *line = buffer, *end = buffer + u->line_count + got, *newline;
        size_t start = stream_chunk_begin(c);
        for (; (newline = memchr(line, '\n', (size_t)(end - line))); line = newline + 1)
            has_ended |= line_came(c, line, (size_t)(newline - line));
        u->line_count = (uint32_t)(end - line);
        if (u->line_count > LINE_LIMIT) abort();  // The benchmark's upstream has no such lines.
        memcpy(u->line, line, u->line_count);
        stream_chunk_end(c, start);
        if (!client_flush(c)) return;
        if (got < READ_SIZE) break;
    }
    if (has_ended) stream_end(c);
}

void relay_ready(source *source, uint32_t events) {
    upstream *u = (upstream *)source;
    client *c = u->client;
    if (c->is_closed || u->fd < 0) return;
    if (events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP)) {
        if (c->is_streaming) client_close(c);
        else relay_close(c);
        return;
    }
    if (events & EPOLLOUT) send_request(u);
    if (!c->is_closed && (events & EPOLLIN)) relay_read(c);
}
