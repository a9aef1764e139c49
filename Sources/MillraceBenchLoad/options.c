#include "options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: MillraceBenchLoad --port PORT [--requests | --streams | --hold] [--relay] [--gate]\n"
    "  --gate              when all is ready, print {\"mark\":\"ready\"} and measure when a byte comes on standard input\n"
    "  --relay             the content of an event carries 't=NS;', the CLOCK_MONOTONIC time at which an upstream sent it: count these\n"
    "                      tokens, and the time that each was on its way\n"
    "  --host ADDRESS      numeric IPv4 address of this machine's loopback, 127.0.0.0/8 (127.0.0.1)\n"
    "  --path PATH         request target (/healthz with --requests, else /api/v1/generate/stream)\n"
    "  --body JSON         POST this body (none: a GET, which needs a --path unless with --requests)\n"
    "  --header 'K: V'     one more header field; may be repeated\n"
    "  --connections N     (64)\n"
    "  --seconds S         measured time (5)\n"
    "  --warm S            time before it that is not measured (0)\n"
    "  --responses N       stop after N measured responses\n"
    "  --events N          content events (with --relay, tokens) that every whole stream must have (not checked)\n"
    "  --ramp N            connections being opened at one time (256)\n"
    "  --spread S          open the connections evenly over S seconds (0)\n"
    "  --sources N         bind to N source addresses, 127.0.0.2 and up (8 above 1,000 connections, else none)\n"
    "  --stall K           K connections stop reading after their first event (0)\n"
    "  --open-timeout S    hold: the longest wait until every stream had its first event (60)\n";

static bool mistake(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\n%s", usage);
    return false;
}

static bool parse_long(const char *text, long low, long high, long *value) {
    char *end = NULL;
    errno = 0;
    long parsed = strtol(text, &end, 10);
    if (errno || end == text || *end || parsed < low || parsed > high) return false;
    *value = parsed;
    return true;
}

static bool parse_int(const char *text, int low, int high, int *value) {
    long parsed;
    if (!parse_long(text, low, high, &parsed)) return false;
    *value = (int)parsed;
    return true;
}

static bool parse_seconds(const char *text, double *value) {
    char *end = NULL;
    double parsed = strtod(text, &end);
    if (end == text || *end || !(parsed >= 0 && parsed <= 86400)) return false;
    *value = parsed;
    return true;
}

static bool add_header(load_options *options, const char *line) {
    // A bare CR or LF would smuggle a second request into the measurement.
    if (!strchr(line, ':') || strpbrk(line, "\r\n")) return false;
    char *joined = NULL;
    if (asprintf(&joined, "%s%s\r\n", options->headers ? options->headers : "", line) < 0) abort();
    free(options->headers);
    options->headers = joined;
    return true;
}

bool options_parse(load_options *options, int argc, char **argv) {
    *options = (load_options){
        .mode = MODE_STREAMS, .host = "127.0.0.1", .connections = 64, .ramp = 256, .sources = -1, .content_events = -1,
        .seconds = 5, .open_seconds = 60,
    };
    for (int i = 1; i < argc; i++) {
        const char *flag = argv[i];
        if (!strcmp(flag, "--requests")) { options->mode = MODE_REQUESTS; continue; }
        if (!strcmp(flag, "--streams")) { options->mode = MODE_STREAMS; continue; }
        if (!strcmp(flag, "--hold")) { options->mode = MODE_HOLD; continue; }
        if (!strcmp(flag, "--relay")) { options->is_relay = true; continue; }
        if (!strcmp(flag, "--gate")) { options->is_gated = true; continue; }
        if (i + 1 >= argc) return mistake("%s: unknown, or its value is missing", flag);
        const char *value = argv[++i];
        bool valid;
        if (!strcmp(flag, "--host")) { options->host = value; valid = !strncmp(value, "127.", 4); }
        else if (!strcmp(flag, "--port")) valid = parse_int(value, 1, 65535, &options->port);
        else if (!strcmp(flag, "--path")) { options->path = value; valid = value[0] == '/' && !strpbrk(value, " \r\n"); }
        else if (!strcmp(flag, "--body")) { options->body = value; valid = true; }
        else if (!strcmp(flag, "--header")) valid = add_header(options, value);
        else if (!strcmp(flag, "--connections")) valid = parse_int(value, 1, 1000000, &options->connections);
        else if (!strcmp(flag, "--seconds")) valid = parse_seconds(value, &options->seconds);
        else if (!strcmp(flag, "--warm")) valid = parse_seconds(value, &options->warm_seconds);
        else if (!strcmp(flag, "--responses")) valid = parse_long(value, 1, 1000000000, &options->responses);
        else if (!strcmp(flag, "--events")) valid = parse_long(value, 0, 1000000000, &options->content_events);
        else if (!strcmp(flag, "--ramp")) valid = parse_int(value, 1, 65536, &options->ramp);
        else if (!strcmp(flag, "--spread")) valid = parse_seconds(value, &options->spread_seconds);
        else if (!strcmp(flag, "--sources")) valid = parse_int(value, 0, 250, &options->sources);
        else if (!strcmp(flag, "--stall")) valid = parse_int(value, 0, 1000000, &options->stall);
        else if (!strcmp(flag, "--open-timeout")) valid = parse_seconds(value, &options->open_seconds);
        else return mistake("%s: unknown", flag);
        if (!valid) return mistake("%s: '%s' is not allowed", flag, value);
    }
    if (!options->port) return mistake("--port is missing");
    bool has_path = options->path;
    if (!has_path) options->path = options->mode == MODE_REQUESTS ? "/healthz" : "/api/v1/generate/stream";
    if (options->mode != MODE_REQUESTS && !options->body && !has_path) return mistake("--body is missing, or a --path to GET");
    // One source address has some 28,000 ports, and what a former run left in TIME_WAIT takes from them.
    if (options->sources < 0) options->sources = options->connections > 1000 ? 8 : 0;
    return true;
}

char *options_request(const load_options *options, size_t *length) {
    const char *extra = options->headers ? options->headers : "";
    const char *accept = options->mode == MODE_REQUESTS ? "*/*" : "text/event-stream";
    char *request = NULL;
    int written;
    if (options->body)
        written = asprintf(
            &request,
            "POST %s HTTP/1.1\r\nHost: %s:%d\r\nAccept: %s\r\nContent-Type: application/json\r\n%sContent-Length: %zu\r\n\r\n%s",
            options->path, options->host, options->port, accept, extra, strlen(options->body), options->body);
    else
        written = asprintf(
            &request, "GET %s HTTP/1.1\r\nHost: %s:%d\r\nAccept: %s\r\n%s\r\n", options->path, options->host, options->port,
            accept, extra);
    if (written < 0) abort();
    *length = (size_t)written;
    return request;
}
