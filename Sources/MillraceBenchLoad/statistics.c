#include "statistics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

uint64_t monotonic_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

void samples_add(samples *samples, uint64_t nanoseconds) {
    if (samples->count == samples->capacity) {
        samples->capacity = samples->capacity ? samples->capacity * 2 : 16384;
        samples->values = realloc(samples->values, samples->capacity * sizeof *samples->values);
        if (!samples->values) abort();
    }
    uint64_t microseconds = nanoseconds / 1000;
    samples->values[samples->count++] = microseconds > UINT32_MAX ? UINT32_MAX : (uint32_t)microseconds;
}

void statistics_note(statistics *statistics, const char *text) {
    for (int i = 0; i < statistics->note_count; i++)
        if (!strcmp(statistics->notes[i].text, text)) {
            statistics->notes[i].count++;
            return;
        }
    if (statistics->note_count == 8) return;
    snprintf(statistics->notes[statistics->note_count].text, sizeof statistics->notes[0].text, "%s", text);
    statistics->notes[statistics->note_count++].count = 1;
}

static int ascending(const void *left, const void *right) {
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

// The nearest rank of sorted samples, in milliseconds.
static double percentile(const samples *samples, double percent) {
    if (!samples->count) return 0;
    double exact = percent / 100.0 * (double)samples->count;
    size_t rank = (size_t)exact;
    if ((double)rank < exact) rank++;
    if (rank < 1) rank = 1;
    return samples->values[rank - 1] / 1000.0;
}

static void print_samples(const char *name, samples *samples) {
    if (samples->count) qsort(samples->values, samples->count, sizeof *samples->values, ascending);
    printf("\"%s_ms\":{\"count\":%zu", name, samples->count);
    if (samples->count)
        printf(",\"p50\":%.3f,\"p99\":%.3f,\"max\":%.3f", percentile(samples, 50), percentile(samples, 99), percentile(samples, 100));
    printf("},");
}

static void print_string(const char *text) {
    putchar('"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') putchar('\\');
        if ((unsigned char)*text >= 0x20) putchar(*text);
    }
    putchar('"');
}

void statistics_print(statistics *statistics, double seconds, int connections, uint64_t unfinished) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    printf("{\"seconds\":%.6f,\"connections\":%d,\"streams_at_once\":%" PRIu64 ",", seconds, connections, statistics->most_streams_at_once);
    printf("\"events\":%" PRIu64 ",\"content_events\":%" PRIu64 ",\"tokens\":%" PRIu64 ",\"responses\":%" PRIu64 ",\"bytes\":%" PRIu64 ",",
        statistics->events, statistics->content_events, statistics->tokens, statistics->responses, statistics->bytes);
    double divisor = seconds > 0 ? seconds : 1;
    printf("\"events_per_second\":%.1f,\"responses_per_second\":%.1f,", (double)statistics->events / divisor,
        (double)statistics->responses / divisor);
    print_samples("first_event", &statistics->first_event);
    print_samples("response", &statistics->response);
    print_samples("gap", &statistics->gap);
    print_samples("latency", &statistics->latency);
    printf("\"connections_with_event\":%" PRIu64 ",\"errors\":%" PRIu64 ",\"connect_failures\":%" PRIu64 ",\"server_closes\":%" PRIu64
           ",\"stalled_closed\":%" PRIu64 ",\"unfinished\":%" PRIu64 ",\"load_cpu_seconds\":%.3f,\"notes\":[",
        statistics->connections_with_event, statistics->errors, statistics->connect_failures, statistics->server_closes,
        statistics->stalled_closed, unfinished, cpu);
    for (int i = 0; i < statistics->note_count; i++) {
        printf("%s{\"text\":", i ? "," : "");
        print_string(statistics->notes[i].text);
        printf(",\"count\":%" PRIu64 "}", statistics->notes[i].count);
    }
    printf("]}\n");
    fflush(stdout);
}
