#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "floor.h"

enum { SEND_SIZE = 16 * 1024 };

static uint64_t responses;

static char *put(char *place, const char *text) {
    size_t count = strlen(text);
    memcpy(place, text, count);
    return place + count;
}

static char *put_number(char *place, uint64_t value) {
    char digits[20];
    int count = 0;
    do digits[count++] = (char)('0' + value % 10);
    while (value /= 10);
    while (count) *place++ = digits[--count];
    return place;
}

// A response's id: as long as a real one, which holds 122 random bits.
static char *put_id(char *place, const client *c) {
    static const char hexadecimal[] = "0123456789abcdef";
    place = put(place, "resp_0123456789abcdef");
    for (int shift = 60; shift >= 0; shift -= 4) *place++ = hexadecimal[c->number >> shift & 15];
    return place;
}

static char *event_start(char *place, client *c, const char *kind) {
    c->sequence++;
    place = put(put(put(place, "event: "), kind), "\nid: ");
    place = put_number(put(put_id(place, c), ":"), c->sequence);
    place = put(put_id(put(place, "\ndata: {\"response_id\":\""), c), "\",\"sequence\":");
    place = put(put_number(place, c->sequence), ",\"timestamp\":\"");
    clock_timestamp(place);
    return put(place + 27, "\"");
}

void stream_content(client *c, const char *text, size_t count) {
    char *start = output_reserve(&c->output, 512 + count), *place = event_start(start, c, "content");
    place = put(place, ",\"content_block_index\":0,\"block_sequence\":");
    place = put(put_number(place, ++c->produced), ",\"content\":\"");
    memcpy(place, text, count);
    place = put(place + count, "\"}\n\n");
    c->output.end += (size_t)(place - start);
}

static char *put_end(char *place, client *c) {
    place = event_start(place, c, "response_end");
    return put(
        place,
        ",\"status\":\"completed\",\"usage\":{\"prompt_tokens\":null,\"completion_tokens\":null,\"total_tokens\":null,"
        "\"estimated_cost\":null},\"chat_id\":\"chat_0123456789abcdef0123456789abcdef\"}\n\n");
}

static char *put_response_start(char *place, client *c) {
    place = event_start(place, c, "response_start");
    return put(
        place,
        ",\"request_id\":\"req_0123456789abcdef0123456789abcdef\",\"chat_id\":\"chat_0123456789abcdef0123456789abcdef\","
        "\"task\":\"bench\",\"model_id\":null,\"parent_id\":\"msg_0123456789abcdef0123456789abcdef\",\"continues\":null}\n\n");
}

// A chunk's size is patched in when its end is known.
size_t stream_chunk_begin(client *c) {
    output_append(&c->output, "0000\r\n", 6);
    return c->output.end;
}

static void chunk_end(client *c, size_t start) {
    static const char hexadecimal[] = "0123456789abcdef";
    size_t count = c->output.end - start;
    for (int i = 0; i < 4; i++) c->output.bytes[start - 6 + (size_t)i] = hexadecimal[count >> (12 - 4 * i) & 15];
    output_append(&c->output, "\r\n", 2);
}

void stream_chunk_end(client *c, size_t start) {
    if (c->output.end == start) {
        c->output.end -= 6;
        return;
    }
    if (commit_log_is_open()) commit_log_append(c->output.bytes + start, c->output.end - start);
    chunk_end(c, start);
}

static void put_head(client *c) {
    char *place = output_reserve(&c->output, 512);
    int count = snprintf(
        place, 512,
        "HTTP/1.1 200 OK\r\nDate: %s\r\nContent-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-cache, no-transform\r\n"
        "X-Accel-Buffering: no\r\nX-Request-Id: req_0123456789abcdef0123456789abcdef\r\nTransfer-Encoding: chunked\r\n\r\n",
        clock_http_date());
    c->output.end += (size_t)count;
    size_t start = stream_chunk_begin(c);
    place = output_reserve(&c->output, 1024);
    char *end = put_response_start(put(place, "retry: 2000\n\n"), c);
    c->output.end += (size_t)(end - place);
    chunk_end(c, start);
}

static void finish(client *c) {
    size_t start = stream_chunk_begin(c);
    char *place = output_reserve(&c->output, 1024), *end = put_end(place, c);
    c->output.end += (size_t)(end - place);
    chunk_end(c, start);
    output_append(&c->output, "0\r\n\r\n", 5);
    access_log_line("POST", "/api/v1/generate/stream", 200, c->sequence);
    c->is_streaming = false;
    if (!client_flush(c)) return;
    // A request that came while the stream ran.
    if (c->input_count) client_read(c);
}

// "N together", "N alone" or "N every MS", as the message's text; a relay leaves it to the upstream.
static void parse_plan(client *c, const char *body, size_t count) {
    char text[64] = {0};
    const char *content = memmem(body, count, "\"content\"", 9);
    const char *quote = content ? memchr(content + 9, '"', count - (size_t)(content + 9 - body)) : NULL;
    if (quote) {
        size_t left = count - (size_t)(quote + 1 - body);
        memcpy(text, quote + 1, left < sizeof text - 1 ? left : sizeof text - 1);
    }
    c->is_relay = relay_is_configured() && memmem(body, count, "\"task\":\"relay\"", 14);
    if (c->is_relay) {
        text[strcspn(text, "\"")] = 0;
        relay_prepare(c, text);
        return;
    }
    char *rest;
    c->total = (uint32_t)strtoul(text, &rest, 10);
    c->pace = PACE_TOGETHER;
    c->interval_ns = 0;
    if (!strncmp(rest, " alone", 6)) c->pace = PACE_ALONE;
    if (!strncmp(rest, " every ", 7)) {
        c->pace = PACE_EVERY;
        c->interval_ns = strtoull(rest + 7, NULL, 10) * 1000000;
    }
}

static void start_now(client *c) {
    put_head(c);
    if (c->is_relay) {
        if (client_flush(c)) relay_begin(c);
        return;
    }
    if (c->pace == PACE_EVERY && c->total) {
        c->due_ns = monotonic_ns() + c->interval_ns;
        timers_add(c);
        client_flush(c);
    } else {
        if (c->pace == PACE_ALONE && !client_flush(c)) return;
        loop_queue(c);
    }
}

void stream_begin(client *c, const char *body, size_t count) {
    parse_plan(c, body, count);
    c->number = ++responses;
    c->sequence = 0;
    c->produced = 0;
    c->is_streaming = true;
    if (!commit_log_is_open()) {
        start_now(c);
        return;
    }
    // The run, its owner and its message are stored before the 200.
    c->commit = commit_log_append(body, count);
    c->wants_start = true;
    loop_wait_for_commit(c);
}

// Logs the end of the run and waits for the commit, or ends at once.
void stream_end(client *c) {
    if (!commit_log_is_open()) {
        finish(c);
        return;
    }
    char event[1024];
    uint64_t sequence = c->sequence;
    char *end = put_end(event, c);
    c->sequence = sequence;  // Written again when it leaves.
    c->commit = commit_log_append(event, (size_t)(end - event));
    c->wants_end = true;
    if (client_flush(c)) loop_wait_for_commit(c);
}

void stream_turn(client *c) {
    if (c->wants_start) {
        c->wants_start = false;
        start_now(c);
        return;
    }
    if (c->wants_end) {
        c->wants_end = false;
        finish(c);
        return;
    }
    if (c->is_relay) {
        relay_read(c);
        return;
    }
    // The socket is full: its next report queues the client again.
    if (c->output.start > 0) return;
    if (c->produced < c->total) {
        size_t start = stream_chunk_begin(c);
        do stream_content(c, "token ", 6);
        while (c->pace == PACE_TOGETHER && c->produced < c->total && c->output.end < SEND_SIZE);
        stream_chunk_end(c, start);
    }
    if (c->produced == c->total) {
        stream_end(c);
        return;
    }
    if (!client_flush(c)) return;
    if (c->pace == PACE_EVERY) {
        c->due_ns += c->interval_ns;
        timers_add(c);
    } else if (!c->output.end) {
        loop_queue(c);
    }
}
