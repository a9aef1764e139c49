// A library that a test puts before a server's own libraries (LD_PRELOAD): it lets system calls, SQLite calls and SQLite's allocations fail,
// or kills the process at them, as a block of shared memory says. The server's program is the same as in production.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// The calls that are counted and can fail, by the name that rules and reports give them.
#define FAULT_CALLS(X)                                                                                                                       \
    X(accept4) X(access) X(bind) X(close) X(epoll_create1) X(epoll_ctl) X(epoll_wait) X(eventfd) X(eventfd_write) X(fchmod) X(fcntl)         \
    X(fdatasync) X(fdopendir) X(flock) X(fstat) X(fsync) X(ftruncate) X(getrandom) X(getsockname) X(link) X(listen) X(lstat) X(mkdir)        \
    X(mmap) X(open) X(opendir) X(pipe2) X(pread) X(pthread_create) X(pwrite) X(read) X(readdir) X(recv) X(rename) X(rmdir) X(send)           \
    X(setsockopt) X(shutdown) X(socket) X(stat) X(unlink) X(write) X(malloc) X(sqlite3_open) X(sqlite3_prepare) X(sqlite3_step)              \
    X(sqlite3_exec) X(sqlite3_bind)

enum fault_call {
#define X(name) CALL_##name,
    FAULT_CALLS(X)
#undef X
        CALL_count
};

// What a call is about.
#define FAULT_TARGETS(X)                                                                                                                     \
    X(none) X(log) X(database) X(wal) X(shm) X(lockfile) X(object) X(directory) X(listener) X(connection) X(epoll) X(eventfd) X(pipe)        \
    X(other) X(BEGIN) X(COMMIT) X(SELECT) X(change) X(PRAGMA)

enum fault_target {
#define X(name) TARGET_##name,
    FAULT_TARGETS(X)
#undef X
        TARGET_count
};

enum fault_kind {
    FAULT_error = 1,   // fails with `value` as errno, or as SQLite's result code, and does nothing
    FAULT_short,       // reads one byte or writes half
    FAULT_error_after, // does its work, then fails with `value`
    FAULT_kill,        // ends the process before the call
    FAULT_kill_torn,   // ends the process when half is written
    FAULT_kill_after,  // ends the process after the call
    FAULT_delay,       // waits `value` milliseconds first
};

enum { FAULT_steps = 16, FAULT_rules = 16, FAULT_any = 0xFFFF, FAULT_version = 1 };

struct fault_rule {
    uint64_t step, call, target;  // FAULT_any: every one
    uint64_t from, count;         // the first of these calls that is hit, counted from 1 in each step, and how many are
    uint64_t kind, value;
};

// The block of shared memory. The test writes the step and the rules, the library everything else. All words have 64 bits.
struct fault_control {
    uint64_t version;
    uint64_t step;
    uint64_t port;        // where the process listens
    uint64_t hits;        // calls that were made to fail
    uint64_t rule_count;
    uint64_t reserved[3];
    struct fault_rule rules[FAULT_rules];
    uint64_t counts[FAULT_steps][CALL_count][TARGET_count];
};

// What is to become of one call.
struct fault_verdict {
    enum fault_kind kind;  // 0: nothing happens to it
    int value;
};

extern struct fault_control *fault_control;

// Counts a call and says what is to become of it. A call that is to be killed first does not return.
struct fault_verdict fault_next(enum fault_call call, enum fault_target target);
// Ends the process as a crash does.
void fault_kill(void) __attribute__((noreturn));
// The next definition of a function behind this library's own.
void *fault_real(const char *name);
// Remembers what a descriptor is.
void fault_set_target(int fd, enum fault_target target);
enum fault_target fault_target_of(int fd);
enum fault_target fault_target_of_path(const char *path, int directory);
