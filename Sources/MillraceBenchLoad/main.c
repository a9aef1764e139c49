// The benchmark's load generator: HTTP/1.1 requests and SSE streams from one epoll thread.
//
// Standard output is one JSON object a line: {"mark":"start"} and {"mark":"stop"} around the measured time, at the moment it starts
// and stops, so that who reads them can sample the server's CPU time and memory; then the result.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "connection.h"

static bool allow_descriptors(int connections) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return false;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if ((rlim_t)connections + 32 <= limit.rlim_cur) return true;
    fprintf(stderr, "%d connections need more descriptors than the limit of %llu\n", connections, (unsigned long long)limit.rlim_cur);
    return false;
}

static void mark(const char *name) {
    printf("{\"mark\":\"%s\"}\n", name);
    fflush(stdout);
}

static void open_more(load *load, uint64_t start, uint64_t now) {
    const load_options *options = &load->options;
    double allowed = options->connections;
    if (options->spread_seconds > 0) allowed = allowed * ((double)(now - start) / 1e9) / options->spread_seconds + 1;
    while (load->opened < options->connections && load->opened < allowed && load->connecting < options->ramp)
        connection_open(&load->connections[load->opened++]);
}

// Whether the measured time may start.
static bool is_ready(const load *load, uint64_t start, uint64_t now) {
    if (load->options.mode == MODE_HOLD && load->statistics.connections_with_event < (uint64_t)load->options.connections) return false;
    return now - start >= (uint64_t)(load->options.warm_seconds * 1e9);
}

// Whether the measured time may start as far as the one who started us is concerned.
static bool gate_is_open(load *load) {
    if (!load->options.is_gated || load->gate_is_open) return true;
    if (!load->is_waiting_at_gate) {
        load->is_waiting_at_gate = true;
        mark("ready");
        // The gate's report has no connection.
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
        // What cannot be waited for, such as a file, has its bytes or its end already.
        if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, STDIN_FILENO, &event) < 0) load->gate_is_open = true;
    }
    return false;
}

static void open_gate(load *load) {
    char byte;
    // Its end, too, opens the gate: nobody is left to wait for.
    if (read(STDIN_FILENO, &byte, 1) < 0) return;
    load->gate_is_open = true;
    epoll_ctl(load->epoll, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
}

static uint64_t unfinished(const load *load) {
    uint64_t count = 0;
    for (int i = 0; i < load->options.connections; i++) {
        connection_state state = load->connections[i].state;
        count += state == CONNECTION_WAITING || state == CONNECTION_STALLED;
    }
    return count;
}

// Runs until the measured time is over. Returns its length in seconds, or a negative number if it never started.
static double run(load *load) {
    static struct epoll_event ready[1024];
    uint64_t start = monotonic_ns(), measure_start = 0;
    for (;;) {
        uint64_t now = monotonic_ns();
        open_more(load, start, now);
        bool is_late = !load->measuring && !load->is_waiting_at_gate && load->options.mode == MODE_HOLD
            && now - start >= (uint64_t)(load->options.open_seconds * 1e9);
        if (is_late) {
            char text[96];
            snprintf(text, sizeof text, "only %llu of %d streams had a first event within %.0f s",
                (unsigned long long)load->statistics.connections_with_event, load->options.connections, load->options.open_seconds);
            statistics_note(&load->statistics, text);
        }
        // What a relay that cannot follow its upstream costs is still worth knowing.
        bool is_due = load->is_waiting_at_gate || is_ready(load, start, now) || (is_late && load->options.is_relay);
        if (!load->measuring && is_due && gate_is_open(load)) {
            mark("start");
            measure_start = now = monotonic_ns();
            load->measuring = true;
        }
        bool is_over = load->measuring && now - measure_start >= (uint64_t)(load->options.seconds * 1e9);
        if (is_over || (is_late && !load->measuring && !load->is_waiting_at_gate) || load->stopping || load->finished == load->options.connections) {
            if (load->measuring) mark("stop");
            return load->measuring ? (double)(now - measure_start) / 1e9 : -1;
        }
        // While connections are still to be spread out, look again soon.
        int count = epoll_wait(load->epoll, ready, 1024, load->opened < load->options.connections ? 1 : 10);
        if (count < 0 && errno != EINTR) abort();
        for (int i = 0; i < count; i++) {
            if (ready[i].data.ptr) connection_ready(ready[i].data.ptr, ready[i].events);
            else open_gate(load);
        }
    }
}

int main(int argc, char **argv) {
    static load load;
    if (!options_parse(&load.options, argc, argv)) return 64;
    if (!allow_descriptors(load.options.connections)) return 69;
    signal(SIGPIPE, SIG_IGN);
    load.request = options_request(&load.options, &load.request_length);
    load.connections = calloc((size_t)load.options.connections, sizeof *load.connections);
    load.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!load.connections || load.epoll < 0) abort();
    for (int i = 0; i < load.options.connections; i++) {
        load.connections[i].load = &load;
        load.connections[i].fd = -1;
        load.connections[i].index = i;
    }
    double seconds = run(&load);
    statistics_print(&load.statistics, seconds < 0 ? 0 : seconds, load.options.connections, unfinished(&load));
    return seconds < 0 || load.statistics.errors || load.statistics.connect_failures ? 1 : 0;
}
