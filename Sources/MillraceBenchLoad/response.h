// An incremental reader of one HTTP/1.1 response and of the SSE events in its body. It touches no socket.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RESPONSE_HEAD_LIMIT = 4096, RESPONSE_LINE_LIMIT = 32 };

typedef enum { PART_HEAD, PART_CHUNK_SIZE, PART_CHUNK_DATA, PART_CHUNK_END, PART_TRAILER, PART_LENGTH, PART_UNTIL_CLOSE, PART_DONE } response_part;

typedef struct {
    response_part part;
    bool closes;            // The server closes the connection after this response.
    bool has_start;         // The line before held a field of an event.
    bool is_content;        // The event at hand is a `content`.
    bool ended;             // A `response_end` came, or OpenAI's `[DONE]`.
    uint8_t stamp_part;     // How much of a time stamp `t=<nanoseconds>;` was read: nothing, the `t`, or digits.
    bool extension;         // The rest of the chunk-size line is an extension.
    uint8_t line_length;
    char line[RESPONSE_LINE_LIMIT];  // The start of the SSE line at hand: enough to know its field and kind.
    int status;
    uint32_t count;         // Bytes of the head, or of the trailer line at hand.
    uint64_t left;          // Bytes of the chunk or of the body that are still to come.
    uint64_t events, content_events, tokens;
    uint64_t stamp;         // The digits so far.
    char *head;             // Kept from response to response.
} response;

typedef enum { RESPONSE_MORE, RESPONSE_DONE, RESPONSE_MALFORMED } response_result;

typedef struct {
    void *context;
    // Called for each event, as soon as its blank line was read.
    void (*event)(void *context, bool is_content);
    // Called for each time stamp in the body, wherever it stands; NULL: nobody looks for them.
    void (*token)(void *context, uint64_t sent_ns);
} response_listener;

// Makes ready for the next response on the connection.
void response_reset(response *response);
// Reads up to `count` bytes and says through `used` how many belonged to this response.
response_result response_feed(
    response *response, const char *bytes, size_t count, size_t *used, const response_listener *listener, const char **reason);
// The connection was closed by the server: whether the response is whole.
bool response_is_whole_at_close(const response *response);
void response_free(response *response);
