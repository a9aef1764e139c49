#include <string.h>
#include <time.h>

#include "floor.h"

uint64_t monotonic_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

const char *clock_http_date(void) {
    static char text[30];
    static time_t second;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (now.tv_sec != second) {
        struct tm parts;
        second = now.tv_sec;
        strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&second, &parts));
    }
    return text;
}

void clock_timestamp(char text[static 27]) {
    static char prefix[21];
    static time_t second;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (now.tv_sec != second) {
        struct tm parts;
        second = now.tv_sec;
        strftime(prefix, sizeof prefix, "%Y-%m-%dT%H:%M:%S.", gmtime_r(&second, &parts));
    }
    memcpy(text, prefix, 20);
    long micros = now.tv_nsec / 1000;
    for (int i = 25; i >= 20; i--, micros /= 10) text[i] = (char)('0' + micros % 10);
    text[26] = 'Z';
}
