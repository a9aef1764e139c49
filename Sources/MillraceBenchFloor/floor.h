// The floor: the system calls of a perfect server, and as little else as C can do.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    char *bytes;
    size_t start, end, capacity;
} output;

typedef enum {
    PACE_TOGETHER,  // All events are ready at once: one send for 16 KiB.
    PACE_ALONE,     // One event and one send in a turn of the loop.
    PACE_EVERY,     // One event when its timer fires.
} pace;

typedef struct client client;
struct client {
    int fd;
    uint32_t input_count;
    char *input;             // NULL between requests.
    output output;           // Holds memory only while bytes wait.
    bool is_streaming, is_queued, wants_start, wants_end, is_logged, is_closed;
    uint8_t pace;
    uint32_t produced, total;
    uint64_t interval_ns, due_ns;
    uint64_t commit;         // The commit that must be done before the stream's start or end may leave.
    uint64_t number;         // The response's number.
    uint64_t sequence;
    size_t heap_index;       // Place among the timers, from 1; 0: none.
    client *next_queued, *next_waiting;
};

// main.c
uint64_t monotonic_ns(void);
void loop_queue(client *client);            // The client has events to write in the next turn.
void loop_wait_for_commit(client *client);  // The client goes on when its commit is done.

// output.c
char *output_reserve(output *output, size_t count);
void output_append(output *output, const void *bytes, size_t count);
void output_release(output *output);

// clock.c
const char *clock_http_date(void);             // 29 bytes, renewed once a second.
void clock_timestamp(char text[static 27]);    // RFC 3339 with microseconds.

// client.c
void client_read(client *client);
bool client_flush(client *client);             // Returns false if the client is closed.
void client_close(client *client);

// stream.c
void stream_begin(client *client, const char *body, size_t count);
void stream_turn(client *client);              // Writes what is due in this turn.

// timers.c
void timers_add(client *client);
void timers_remove(client *client);
client *timers_first(void);

// access_log.c
bool access_log_open(const char *path);
void access_log_line(const char *method, const char *path, int status, size_t bytes);
void access_log_flush(bool now);               // Otherwise only what has waited for 100 ms.

// commit_log.c
bool commit_log_open(const char *path);        // Starts the committing thread.
bool commit_log_is_open(void);
int commit_log_descriptor(void);               // An eventfd that becomes readable after a commit.
uint64_t commit_log_append(const char *bytes, size_t count);  // Returns the number of the commit that will hold the bytes.
void commit_log_hand_over(void);               // Once a turn: gives the turn's bytes to the committing thread.
uint64_t commit_log_committed(void);
