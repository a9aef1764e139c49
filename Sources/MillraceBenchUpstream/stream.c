#include <stdio.h>
#include <string.h>
#include <time.h>

#include "upstream.h"

enum { SEND_SIZE = 16 * 1024, CHUNK_LIMIT = 512 };

static uint64_t streams;

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

static char *put_hexadecimal(char *place, uint64_t value, int digits) {
    for (int shift = digits * 4 - 4; shift >= 0; shift -= 4) *place++ = "0123456789abcdef"[value >> shift & 15];
    return place;
}

// One server-sent event as an HTTP chunk. The size of the chunk is patched in when its end is known.
static char *chunk_begin(connection *c) { return put(connection_reserve(c, CHUNK_LIMIT), "000\r\ndata: "); }

static void chunk_end(connection *c, char *place) {
    place = put(place, "\n\n");
    char *start = c->output + c->output_end;
    put_hexadecimal(start, (uint64_t)(place - start - 5), 3);
    c->output_end = (size_t)(put(place, "\r\n") - c->output);
}

// The fields of https://platform.openai.com/docs/api-reference/chat-streaming up to `choices`.
static char *put_start(char *place, const connection *c) {
    place = put(place, "{\"id\":\"chatcmpl-Bq7rT2mWkX0aZ");
    place = put_hexadecimal(place, c->number, 16);
    return put(
        place,
        "\",\"object\":\"chat.completion.chunk\",\"created\":1760000000,\"model\":\"bench-1\",\"service_tier\":\"default\","
        "\"system_fingerprint\":\"fp_5d58a6052a\",\"choices\":[");
}

static void put_choice(connection *c, const char *delta, const char *finish_reason) {
    char *place = put(put_start(chunk_begin(c), c), "{\"index\":0,\"delta\":{");
    place = put(put(put(place, delta), "},\"logprobs\":null,\"finish_reason\":"), finish_reason);
    chunk_end(c, put(place, c->wants_usage ? "}],\"usage\":null}" : "}]}"));
}

static void put_token(connection *c) {
    char delta[64];
    char *place = put_number(put(delta, "\"content\":\"t="), monotonic_ns());
    *put(place, "; \"") = 0;
    put_choice(c, delta, "null");
    c->produced++;
}

static void put_end(connection *c) {
    put_choice(c, "", "\"stop\"");
    if (c->wants_usage) {
        char *place = put(put_start(chunk_begin(c), c), "],\"usage\":{\"prompt_tokens\":16,\"completion_tokens\":");
        place = put(put_number(place, c->total), ",\"total_tokens\":");
        chunk_end(c, put(put_number(place, c->total + 16), "}}"));
    }
    chunk_end(c, put(chunk_begin(c), "[DONE]"));
    c->output_end = (size_t)(put(connection_reserve(c, 8), "0\r\n\r\n") - c->output);
}

static void put_head(connection *c) {
    char date[30];
    struct tm parts;
    time_t now = time(NULL);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &parts));
    char *place = connection_reserve(c, CHUNK_LIMIT);
    c->output_end += (size_t)snprintf(
        place, CHUNK_LIMIT,
        "HTTP/1.1 200 OK\r\nDate: %s\r\nContent-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-cache\r\n%s"
        "Transfer-Encoding: chunked\r\n\r\n",
        date, c->closes ? "Connection: close\r\n" : "");
}

// The part of the interval at which a stream starts: multiples of the golden ratio fill it evenly, however many there are.
static uint64_t phase(const connection *c) {
    double turns = (double)c->number * 0.6180339887498949;
    return (uint64_t)((turns - (double)(uint64_t)turns) * (double)c->interval_ns);
}

void stream_begin(connection *c, const plan *plan) {
    c->number = ++streams;
    c->produced = 0;
    c->total = plan->tokens;
    c->interval_ns = plan->interval_ns;
    c->is_streaming = true;
    put_head(c);
    put_choice(c, "\"role\":\"assistant\",\"content\":\"\",\"refusal\":null", "null");
    c->due_ns = monotonic_ns() + phase(c);
    schedule_add(c);
}

static void finish(connection *c) {
    c->is_streaming = false;
    if (!connection_flush(c)) return;
    if (!c->closes) connection_next_request(c);
    else if (!c->output_end) connection_close(c);  // Otherwise when the socket has taken the rest.
}

void stream_turn(connection *c) {
    // The socket is full: its next report resumes the stream.
    if (c->output_end) return;
    if (c->interval_ns) {
        if (c->produced < c->total) put_token(c);
    } else {
        while (c->produced < c->total && c->output_end < SEND_SIZE) put_token(c);
    }
    if (c->produced == c->total) {
        put_end(c);
        finish(c);
        return;
    }
    if (!connection_flush(c) || c->output_end) return;
    c->due_ns = c->interval_ns ? c->due_ns + c->interval_ns : monotonic_ns();
    schedule_add(c);
}

void stream_resume(connection *c) {
    if (c->is_scheduled) return;
    // A reader that was behind goes on at the pace; what it missed is not sent at once.
    c->due_ns = monotonic_ns() + c->interval_ns;
    schedule_add(c);
}
