// How a process gives up what it does not need before it reads bytes of unknown origin. Linux on x86_64 and aarch64.
#pragma once
#include <spawn.h>
#include <stdint.h>

typedef struct {
    // The address space, in bytes; 0: as it is.
    uint64_t memory_bytes;
    // Processor time, in seconds.
    uint64_t cpu_seconds;
    // The longest file that it may write, in bytes.
    uint64_t file_bytes;
    // How many descriptors it may have.
    uint64_t descriptors;
} cl_limits;

// Lowers this process's limits (setrlimit(2)), for good; it writes no core. Returns 0 or -errno.
int cl_limit_self(const cl_limits *limits);

// No program that it starts gains rights, nobody of its own user may trace it or read its memory, and it has no capabilities any more.
// Returns 0 or -errno.
int cl_give_up_privileges(void);

// The kernel kills this process when the thread that started it ends; at once when that was not process `parent` (0: whoever it is).
// Returns 0 or -errno.
int cl_end_with_parent(int parent);

enum {
    // No sockets, no other processes, nothing of the system's administration, no file written that is not open already.
    CL_CONFINED = 0,
    // Also no new processes.
    CL_CONFINED_ALONE = 1,
    // Also no files opened, no other program.
    CL_CONFINED_SHUT = 2,
};

// System calls beyond that fail from now on, here and in what is started from here (seccomp(2), a filter). Returns 0 or -errno.
int cl_refuse_calls(int level);

enum {
    CL_PATH_READ = 1,
    CL_PATH_EXECUTE = 2,
    CL_PATH_WRITE = 4,
};

typedef struct {
    const char *path;
    // Instead of a path, or -1.
    int descriptor;
    int access;
} cl_path;

// Only these files, and what is below these directories, can be opened from now on (landlock(7)); a path that does not exist is left out.
// Returns the version of the kernel's Landlock, or -errno: -ENOSYS, -EOPNOTSUPP where it has none.
int cl_confine_paths(const cl_path *paths, int count);

// Starts a program that has only these three descriptors and `kept` (-1: none), cannot start others, and ends with this process. Only for a
// process of one thread. Returns its number or -errno.
int cl_start_alone(const char *program, char *const *arguments, char *const *variables, int input, int output, int errors, int kept);

// What posix_spawn does last in the new process: it closes every descriptor from `first` on and changes to the directory `/`. Returns 0 or errno.
int cl_spawn_bare(posix_spawn_file_actions_t *actions, int first);
// The same without the change of directory.
int cl_spawn_close_from(posix_spawn_file_actions_t *actions, int first);

// Whether this program is built with a sanitizer, which needs far more address space than there is memory.
int cl_is_sanitized(void);
