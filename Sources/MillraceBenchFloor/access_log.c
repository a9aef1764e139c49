#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "floor.h"

static int descriptor = -1;
static char buffer[64 * 1024];
static size_t used;
static uint64_t flushed_ns;

bool access_log_open(const char *path) {
    descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    return descriptor >= 0;
}

void access_log_line(const char *method, const char *path, int status, size_t bytes) {
    if (descriptor < 0) return;
    if (sizeof buffer - used < 512) access_log_flush(true);
    char time[27];
    clock_timestamp(time);
    int count = snprintf(
        buffer + used, sizeof buffer - used, "{\"time\":\"%.27s\",\"method\":\"%s\",\"path\":\"%.200s\",\"status\":%d,\"bytes\":%zu}\n", time,
        method, path, status, bytes);
    used += (size_t)count;
}

void access_log_flush(bool now) {
    if (!used) return;
    if (!now) {
        // A batch waits at most 100 ms.
        uint64_t time = monotonic_ns();
        if (time - flushed_ns < 100000000) return;
        flushed_ns = time;
    }
    for (size_t start = 0; start < used;) {
        ssize_t written = write(descriptor, buffer + start, used - start);
        if (written <= 0) break;
        start += (size_t)written;
    }
    used = 0;
}
