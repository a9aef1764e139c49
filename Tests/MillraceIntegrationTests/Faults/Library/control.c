#define _GNU_SOURCE
#include "faults.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct fault_control *fault_control;
// Faults begin with the program's own code: what libraries do when they are loaded is not Millrace's.
static int is_in_main;

static const char *const call_names[] = {
#define X(name) #name,
    FAULT_CALLS(X)
#undef X
};
static const char *const target_names[] = {
#define X(name) #name,
    FAULT_TARGETS(X)
#undef X
};

// Read by the test, which opens the library itself for the names' numbers.
int fault_call_named(const char *name) {
    for (int i = 0; i < CALL_count; i++)
        if (!strcmp(name, call_names[i])) return i;
    return -1;
}
const char *fault_call_name(int call) { return call >= 0 && call < CALL_count ? call_names[call] : NULL; }
int fault_target_named(const char *name) {
    for (int i = 0; i < TARGET_count; i++)
        if (!strcmp(name, target_names[i])) return i;
    return -1;
}
const char *fault_target_name(int target) { return target >= 0 && target < TARGET_count ? target_names[target] : NULL; }
size_t fault_control_size(void) { return sizeof(struct fault_control); }

__attribute__((constructor(101))) static void attach(void) {
    const char *path = getenv("MILLRACE_FAULT_CONTROL");
    if (!path) return;
    // Raw calls, with whole words: syscall() takes them all from the register or the stack as they are.
    long fd = syscall(SYS_openat, (long)AT_FDCWD, path, (long)(O_RDWR | O_CLOEXEC), 0L);
    if (fd < 0) abort();
    void *block = (void *)syscall(SYS_mmap, 0L, sizeof *fault_control, (long)(PROT_READ | PROT_WRITE), (long)MAP_SHARED, fd, 0L);
    if (block == MAP_FAILED) abort();
    syscall(SYS_close, fd);
    struct fault_control *found = block;
    if (found->version != FAULT_version) abort();
    fault_set_target(1, TARGET_log);
    fault_set_target(2, TARGET_log);
    fault_control = found;
}

static int (*real_main)(int, char **, char **);
static int counted_main(int count, char **arguments, char **environment) {
    __atomic_store_n(&is_in_main, 1, __ATOMIC_RELEASE);
    return real_main(count, arguments, environment);
}

int __libc_start_main(
    int (*main)(int, char **, char **), int count, char **arguments, void (*init)(void), void (*fini)(void), void (*rtld_fini)(void),
    void *stack_end) {
    int (*real)(int (*)(int, char **, char **), int, char **, void (*)(void), void (*)(void), void (*)(void), void *) =
        fault_real("__libc_start_main");
    real_main = main;
    return real(counted_main, count, arguments, init, fini, rtld_fini, stack_end);
}

void *fault_real(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) abort();
    return found;
}

void fault_kill(void) {
    syscall(SYS_kill, syscall(SYS_getpid), (long)SIGKILL);
    for (;;) syscall(SYS_pause);
}

struct fault_verdict fault_next(enum fault_call call, enum fault_target target) {
    struct fault_verdict verdict = {0, 0};
    struct fault_control *control = fault_control;
    if (!control || !__atomic_load_n(&is_in_main, __ATOMIC_ACQUIRE)) return verdict;
    uint64_t step = __atomic_load_n(&control->step, __ATOMIC_ACQUIRE);
    if (step >= FAULT_steps) return verdict;
    uint64_t number = __atomic_add_fetch(&control->counts[step][call][target], 1, __ATOMIC_RELAXED);
    uint64_t rules = __atomic_load_n(&control->rule_count, __ATOMIC_ACQUIRE);
    for (uint64_t i = 0; i < rules && i < FAULT_rules; i++) {
        const struct fault_rule *rule = &control->rules[i];
        if (rule->step != FAULT_any && rule->step != step) continue;
        if (rule->call != FAULT_any && rule->call != (uint64_t)call) continue;
        if (rule->target != FAULT_any && rule->target != (uint64_t)target) continue;
        if (number < rule->from || number - rule->from >= rule->count) continue;
        __atomic_add_fetch(&control->hits, 1, __ATOMIC_RELAXED);
        if (rule->kind == FAULT_kill) fault_kill();
        if (rule->kind == FAULT_delay) {
            struct timespec pause = {(time_t)rule->value / 1000, (long)(rule->value % 1000) * 1000000};
            syscall(SYS_nanosleep, &pause, 0L);
            return verdict;
        }
        verdict.kind = (enum fault_kind)rule->kind;
        verdict.value = (int)rule->value;
        return verdict;
    }
    return verdict;
}

enum { known_descriptors = 65536 };
static unsigned char targets[known_descriptors];

void fault_set_target(int fd, enum fault_target target) {
    if (fd >= 0 && fd < known_descriptors) targets[fd] = (unsigned char)target;
}
enum fault_target fault_target_of(int fd) {
    return fd >= 0 && fd < known_descriptors && targets[fd] ? (enum fault_target)targets[fd] : TARGET_other;
}

static int ends(const char *path, const char *suffix) {
    size_t length = strlen(path), tail = strlen(suffix);
    return length >= tail && !strcmp(path + length - tail, suffix);
}

enum fault_target fault_target_of_path(const char *path, int directory) {
    if (!path) return TARGET_other;
    if (ends(path, "-wal")) return TARGET_wal;
    if (ends(path, "-shm")) return TARGET_shm;
    if (ends(path, ".lock") || ends(path, "/lock") || !strcmp(path, "lock")) return TARGET_lockfile;
    if (ends(path, ".db") || ends(path, ".sqlite")) return TARGET_database;
    if (strstr(path, "/objects")) return TARGET_object;
    if (path[0] != '/' && directory >= 0 && fault_target_of(directory) == TARGET_object) return TARGET_object;
    const char *data = getenv("MILLRACE_FAULT_DIRECTORY");
    if (data && !strncmp(path, data, strlen(data))) return TARGET_directory;
    return TARGET_other;
}
