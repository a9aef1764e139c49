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

// What epoll reports on: the first member of each kind.
typedef enum { SOURCE_LISTENER, SOURCE_COMMITS, SOURCE_CLIENT, SOURCE_UPSTREAM } source_kind;
typedef struct {
    source_kind kind;
} source;

typedef struct upstream upstream;
typedef struct client client;
struct client {
    source source;
    int fd;
    uint32_t input_count;
    char *input;             // NULL between requests.
    output output;           // Holds memory only while bytes wait.
    bool is_streaming, is_relay, is_queued, wants_start, wants_end, is_logged, is_closed;
    uint8_t pace;
    uint32_t produced, total;
    uint64_t interval_ns, due_ns;
    uint64_t commit;         // The commit that must be done before the stream's start or end may leave.
    uint64_t number;         // The response's number.
    uint64_t sequence;
    size_t heap_index;       // Place among the timers, from 1; 0: none.
    upstream *upstream;      // NULL until the client asks for a relay.
    client *next_queued, *next_waiting, *next_closed;
};

// main.c
uint64_t monotonic_ns(void);
void loop_queue(client *client);            // The client has events to write in the next turn.
void loop_wait_for_commit(client *client);  // The client goes on when its commit is done.
void loop_release(client *client);          // The client is closed; its memory is freed when nothing can hold it any more.
void loop_watch(int fd, source *source);    // Edge-triggered, for reading and writing.

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
size_t stream_chunk_begin(client *client);
void stream_chunk_end(client *client, size_t start);  // An empty chunk leaves no bytes; what a chunk holds is logged.
void stream_content(client *client, const char *text, size_t count);  // `text` is the inside of a JSON string.
void stream_end(client *client);               // Ends the run.

// relay.c
void relay_configure(int port);                // The port of the upstream; relaying is refused without one.
bool relay_is_configured(void);
void relay_prepare(client *client, const char *prompt);
void relay_begin(client *client);              // Sends what was prepared.
void relay_read(client *client);               // Relays what the upstream has sent.
void relay_ready(source *source, uint32_t events);
void relay_close(client *client);

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
