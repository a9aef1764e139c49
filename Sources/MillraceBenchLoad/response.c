#include "response.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void response_reset(response *response) {
    char *head = response->head;
    memset(response, 0, sizeof *response);
    response->head = head;
}

void response_free(response *response) {
    free(response->head);
    response->head = NULL;
}

bool response_is_whole_at_close(const response *response) { return response->part == PART_UNTIL_CLOSE; }

static bool line_is(const response *response, const char *text) {
    size_t length = strlen(text);
    return response->line_length == length && !memcmp(response->line, text, length);
}

static bool line_starts(const response *response, const char *text) {
    size_t length = strlen(text);
    return response->line_length >= length && !memcmp(response->line, text, length);
}

static void end_line(response *response, const response_listener *listener) {
    if (response->line_length && response->line[response->line_length - 1] == '\r') response->line_length--;
    if (response->line_length == 0) {
        if (response->has_start) {
            response->events++;
            if (response->is_content) response->content_events++;
            listener->event(listener->context, response->is_content);
        }
        response->has_start = response->is_content = false;
    } else if (line_starts(response, "event:")) {
        response->has_start = true;
        if (line_is(response, "event: content")) response->is_content = true;
        else if (line_is(response, "event: response_end")) response->ended = true;
    } else if (line_starts(response, "data:")) {
        response->has_start = true;
        if (line_is(response, "data: [DONE]")) response->ended = true;
    }
    response->line_length = 0;
}

enum { STAMP_NONE, STAMP_LETTER, STAMP_DIGITS };

// Finds `t=<nanoseconds>;`. An `=` is rare in JSON, so most bytes are only passed over.
static void feed_stamps(response *response, const char *bytes, size_t count, const response_listener *listener) {
    const char *end = bytes + count, *next = bytes;
    while (next < end) {
        if (response->stamp_part == STAMP_DIGITS) {
            char byte = *next++;
            if (byte >= '0' && byte <= '9') {
                response->stamp = response->stamp * 10 + (uint64_t)(byte - '0');
                continue;
            }
            response->stamp_part = STAMP_NONE;
            if (byte == ';' && response->stamp) {
                response->tokens++;
                listener->token(listener->context, response->stamp);
            }
            continue;
        }
        const char *equals = memchr(next, '=', (size_t)(end - next));
        if (!equals) break;
        bool has_letter = equals > bytes ? equals[-1] == 't' : response->stamp_part == STAMP_LETTER;
        response->stamp_part = has_letter ? STAMP_DIGITS : STAMP_NONE;
        response->stamp = 0;
        next = equals + 1;
    }
    if (response->stamp_part != STAMP_DIGITS) response->stamp_part = end[-1] == 't' ? STAMP_LETTER : STAMP_NONE;
}

static void feed_body(response *response, const char *bytes, size_t count, const response_listener *listener) {
    if (listener->token && count) feed_stamps(response, bytes, count, listener);
    while (count) {
        const char *newline = memchr(bytes, '\n', count);
        size_t length = newline ? (size_t)(newline - bytes) : count;
        size_t room = sizeof response->line - response->line_length;
        size_t copied = length < room ? length : room;
        memcpy(response->line + response->line_length, bytes, copied);
        response->line_length += (uint8_t)copied;
        if (!newline) return;
        end_line(response, listener);
        bytes = newline + 1;
        count -= length + 1;
    }
}

// The head is whole and NUL-terminated. Returns what is wrong with it, or NULL.
static const char *parse_head(response *response) {
    const char *line = response->head;
    if (strncmp(line, "HTTP/1.1 ", 9) && strncmp(line, "HTTP/1.0 ", 9)) return "the status line is malformed";
    response->status = atoi(line + 9);
    response->closes = line[7] == '0';
    bool chunked = false, sized = false;
    for (line = strstr(line, "\r\n") + 2; *line != '\r'; line = strstr(line, "\r\n") + 2) {
        size_t length = (size_t)(strstr(line, "\r\n") - line);
        if (length > 18 && !strncasecmp(line, "transfer-encoding:", 18)) {
            chunked = memmem(line, length, "chunked", 7) != NULL;
        } else if (length > 15 && !strncasecmp(line, "content-length:", 15)) {
            sized = true;
            response->left = strtoull(line + 15, NULL, 10);
        } else if (length > 11 && !strncasecmp(line, "connection:", 11)) {
            response->closes |= memmem(line, length, "close", 5) != NULL;
        }
    }
    if (chunked) {
        response->part = PART_CHUNK_SIZE;
        response->left = 0;
    } else if (sized) {
        response->part = response->left ? PART_LENGTH : PART_DONE;
    } else {
        response->part = PART_UNTIL_CLOSE;
        response->closes = true;
    }
    response->count = 0;
    return NULL;
}

static const char *feed_head(response *response, char byte) {
    if (!response->head && !(response->head = malloc(RESPONSE_HEAD_LIMIT + 1))) abort();
    if (response->count == RESPONSE_HEAD_LIMIT) return "the head is too long";
    response->head[response->count++] = byte;
    if (byte != '\n' || response->count < 4 || memcmp(response->head + response->count - 4, "\r\n\r\n", 4)) return NULL;
    response->head[response->count] = 0;
    return parse_head(response);
}

static const char *feed_chunk_size(response *response, char byte) {
    if (byte == '\n') {
        response->part = response->left ? PART_CHUNK_DATA : PART_TRAILER;
        response->count = 0;
        response->extension = false;
    } else if (byte == ';') {
        response->extension = true;
    } else if (byte != '\r' && !response->extension) {
        int lower = byte | 32;
        int digit = byte >= '0' && byte <= '9' ? byte - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
        if (digit < 0 || response->left >> 56) return "a chunk's size is malformed";
        response->left = response->left * 16 + (uint64_t)digit;
    }
    return NULL;
}

response_result response_feed(
    response *response, const char *bytes, size_t count, size_t *used, const response_listener *listener, const char **reason) {
    const char *start = bytes, *end = bytes + count;
    *reason = NULL;
    while (bytes < end && response->part != PART_DONE && !*reason) {
        switch (response->part) {
        case PART_HEAD: *reason = feed_head(response, *bytes++); break;
        case PART_CHUNK_SIZE: *reason = feed_chunk_size(response, *bytes++); break;
        case PART_CHUNK_DATA:
        case PART_LENGTH:
        case PART_UNTIL_CLOSE: {
            size_t length = (size_t)(end - bytes);
            if (response->part != PART_UNTIL_CLOSE) {
                if (length > response->left) length = (size_t)response->left;
                response->left -= length;
            }
            feed_body(response, bytes, length, listener);
            bytes += length;
            if (response->part == PART_CHUNK_DATA && !response->left) response->part = PART_CHUNK_END;
            if (response->part == PART_LENGTH && !response->left) response->part = PART_DONE;
            break;
        }
        case PART_CHUNK_END:
            if (*bytes == '\n') response->part = PART_CHUNK_SIZE;
            else if (*bytes != '\r') *reason = "a chunk is longer than its size says";
            bytes++;
            break;
        case PART_TRAILER:
            if (*bytes == '\n') {
                if (response->count == 0) response->part = PART_DONE;
                response->count = 0;
            } else if (*bytes != '\r') {
                response->count++;
            }
            bytes++;
            break;
        case PART_DONE: break;
        }
    }
    *used = (size_t)(bytes - start);
    if (*reason) return RESPONSE_MALFORMED;
    return response->part == PART_DONE ? RESPONSE_DONE : RESPONSE_MORE;
}
