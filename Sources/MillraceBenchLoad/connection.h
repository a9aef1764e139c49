// The client's connections: opened, asking, reading, and asking again.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "options.h"
#include "response.h"
#include "statistics.h"

typedef enum {
    CONNECTION_IDLE,        // Not opened yet.
    CONNECTION_CONNECTING,
    CONNECTION_WAITING,     // A response is on its way.
    CONNECTION_STALLED,     // Has stopped reading on purpose.
    CONNECTION_FINISHED,    // Closed, and not to be opened again.
} connection_state;

struct load;

typedef struct {
    struct load *load;
    int fd, index;
    connection_state state;
    bool had_event;         // Any event on this connection, ever.
    uint32_t sent;          // Bytes of the request that the socket took.
    uint64_t asked_ns, last_content_ns, read_ns;
    response response;
} connection;

typedef struct load {
    load_options options;
    statistics statistics;
    connection *connections;
    int epoll, connecting, finished, opened;
    const char *request;
    size_t request_length;
    bool measuring, stopping;
    bool is_waiting_at_gate;  // Ready, and not told to measure yet.
    bool gate_is_open;
} load;

// Opens a socket and starts to connect it.
void connection_open(connection *connection);
// Handles what epoll reported.
void connection_ready(connection *connection, uint32_t events);
// Closes the socket for good.
void connection_finish(connection *connection);
