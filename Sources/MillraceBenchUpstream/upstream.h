// A stand-in for an OpenAI-compatible server: it streams chat completion chunks whose content says when each was sent.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct connection connection;
struct connection {
    int fd;
    bool is_streaming, is_scheduled, closes, wants_usage;
    char *input;                             // A request that is not whole yet; NULL between requests.
    size_t input_count, input_capacity;
    char *output;                            // Bytes that the socket has not taken.
    size_t output_start, output_end, output_capacity;
    uint64_t produced, total;                // Tokens.
    uint64_t interval_ns;                    // 0: as fast as the reader takes them.
    uint64_t due_ns, number;
    connection *earlier, *later;             // Neighbours in the schedule.
};

// What a request asks for.
typedef struct {
    uint64_t tokens, interval_ns;
} plan;

// main.c
uint64_t monotonic_ns(void);

// connection.c
// Returns false if the connection is gone, and with it the memory.
bool connection_writable(connection *connection);
// The connection may be gone after it.
void connection_readable(connection *connection);
char *connection_reserve(connection *connection, size_t count);
// Sends what waits. Returns false if the connection is gone.
bool connection_flush(connection *connection);
// Goes on to the requests that came meanwhile; the connection may be gone after it.
void connection_next_request(connection *connection);
void connection_close(connection *connection);

// request.c
// The size of the first request of `count` bytes; 0: it is not whole, or too large, which `is_bad` tells apart.
size_t request_size(const char *bytes, size_t count, bool *is_bad);
// Finds "N together" or "N every MS" as a whole JSON string anywhere in a body: the envelope is the relay's own affair.
bool request_plan(const char *body, size_t count, plan *plan);

// stream.c
void stream_begin(connection *connection, const plan *plan);
void stream_turn(connection *connection);    // The connection is due.
void stream_resume(connection *connection);  // All that waited was sent.

// schedule.c
void schedule_add(connection *connection);
void schedule_remove(connection *connection);
connection *schedule_first(void);
