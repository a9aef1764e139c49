// What the load generator counts and reports.
#pragma once
#include <stddef.h>
#include <stdint.h>

// Durations in microseconds, in the order in which they came.
typedef struct {
    uint32_t *values;
    size_t count, capacity;
} samples;

typedef struct {
    samples first_event, response, gap, latency;
    // Only in the measured time:
    uint64_t events, content_events, tokens, responses, bytes;
    // Over the whole run:
    uint64_t errors, connect_failures, server_closes, stalled_closed, streams_at_once, most_streams_at_once, connections_with_event;
    struct {
        char text[96];
        uint64_t count;
    } notes[8];
    int note_count;
} statistics;

// Nanoseconds of CLOCK_MONOTONIC.
uint64_t monotonic_ns(void);
void samples_add(samples *samples, uint64_t nanoseconds);
// Counts a remark by its text; the first eight different ones are kept.
void statistics_note(statistics *statistics, const char *text);
// Sorts the samples and prints the whole result as one line of JSON.
void statistics_print(statistics *statistics, double seconds, int connections, uint64_t unfinished);
