// The command line of the load generator.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    MODE_REQUESTS,  // Plain requests over keep-alive connections, one in flight on each.
    MODE_STREAMS,   // SSE responses; a connection whose response ended asks for the next one.
    MODE_HOLD,      // One long SSE response on each connection; what counts is the gap between its events.
} load_mode;

typedef struct {
    load_mode mode;
    bool is_relay;         // The content carries time stamps of a token's sending; tokens are counted instead of content events.
    bool is_gated;         // Says when it is ready to measure, and starts when it is told to.
    const char *host;
    int port;
    const char *path;
    const char *body;      // NULL: a GET without a body.
    char *headers;         // Extra header lines, each with its CRLF.
    int connections;
    int ramp;              // The most connections that are being opened at one time.
    int sources;           // Source addresses 127.0.0.2 and up; 0: the system's choice.
    int stall;             // So many connections stop reading after their first event.
    long content_events;   // The content events that a whole stream must have; negative: not checked.
    long responses;        // Stop after so many measured responses; 0: by time.
    double seconds;        // The measured time.
    double warm_seconds;   // Time before it that is not measured.
    double spread_seconds; // Connections are opened evenly over this time.
    double open_seconds;   // The longest wait in hold mode until every stream had its first event.
} load_options;

// Fills in the options; on a mistake it prints what is wrong and returns false.
bool options_parse(load_options *options, int argc, char **argv);
// The bytes of one request, which the caller frees.
char *options_request(const load_options *options, size_t *length);
