#define _GNU_SOURCE
#include "confinement.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define OUR_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OUR_ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "the filter of system calls is written for x86_64 and aarch64"
#endif

static int limit(int resource, uint64_t value, uint64_t hard) {
    struct rlimit now;
    if (getrlimit(resource, &now) < 0) return -errno;
    // What is lower already stays.
    if (hard > now.rlim_max) hard = now.rlim_max;
    if (value > hard) value = hard;
    struct rlimit lowered = {.rlim_cur = value, .rlim_max = hard};
    return setrlimit(resource, &lowered) < 0 ? -errno : 0;
}

int cl_limit_self(const cl_limits *limits) {
    int error = limit(RLIMIT_CORE, 0, 0);
    if (!error && limits->memory_bytes) error = limit(RLIMIT_AS, limits->memory_bytes, limits->memory_bytes);
    if (!error && limits->memory_bytes) error = limit(RLIMIT_DATA, limits->memory_bytes, limits->memory_bytes);
    // The first second over is told by SIGXCPU, the next by SIGKILL.
    if (!error) error = limit(RLIMIT_CPU, limits->cpu_seconds, limits->cpu_seconds + 1);
    if (!error) error = limit(RLIMIT_FSIZE, limits->file_bytes, limits->file_bytes);
    if (!error) error = limit(RLIMIT_NOFILE, limits->descriptors, limits->descriptors);
    if (!error) error = limit(RLIMIT_MEMLOCK, 0, 0);
    if (!error) error = limit(RLIMIT_MSGQUEUE, 0, 0);
    return error;
}

int cl_give_up_privileges(void) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return -errno;
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) return -errno;
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}};
    return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

int cl_end_with_parent(int parent) {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0) return -errno;
    // It may have ended before.
    if (parent && getppid() != parent) _exit(1);
    return 0;
}

// What no reader of documents needs, and what would let one out or at others.
static const int refused[] = {
    // The network.
    SYS_socket, SYS_socketpair, SYS_connect, SYS_bind, SYS_listen, SYS_accept, SYS_accept4, SYS_sendto, SYS_sendmsg, SYS_sendmmsg,
    SYS_recvfrom, SYS_recvmsg, SYS_recvmmsg, SYS_getsockopt, SYS_setsockopt, SYS_shutdown, SYS_getsockname, SYS_getpeername,
    // Asynchronous calls, which pass by this filter.
    SYS_io_setup, SYS_io_submit, 425 /* io_uring_setup */, 426 /* io_uring_enter */, 427 /* io_uring_register */,
    // Other processes.
    SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_kcmp, SYS_kill, SYS_tkill, SYS_tgkill, SYS_rt_sigqueueinfo,
    SYS_rt_tgsigqueueinfo, 424 /* pidfd_send_signal */, 434 /* pidfd_open */, 438 /* pidfd_getfd */, 440 /* process_madvise */,
    448 /* process_mrelease */, SYS_setpriority, SYS_sched_setaffinity, SYS_sched_setscheduler, SYS_sched_setparam, SYS_sched_setattr,
    SYS_ioprio_set, SYS_migrate_pages, SYS_move_pages,
    // Groups and sessions: a timeout kills the group.
    SYS_setpgid, SYS_setsid,
    // Namespaces, mounts, roots.
    SYS_unshare, SYS_setns, SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, 428 /* open_tree */, 429 /* move_mount */, 430 /* fsopen */,
    431 /* fsconfig */, 432 /* fsmount */, 433 /* fspick */, 442 /* mount_setattr */, SYS_name_to_handle_at, SYS_open_by_handle_at,
    // The kernel.
    SYS_bpf, SYS_perf_event_open, SYS_userfaultfd, SYS_keyctl, SYS_add_key, SYS_request_key, SYS_init_module, SYS_finit_module,
    SYS_delete_module, SYS_kexec_load, SYS_kexec_file_load, SYS_reboot, SYS_swapon, SYS_swapoff, SYS_acct, SYS_quotactl,
    443 /* quotactl_fd */, SYS_syslog, SYS_vhangup, SYS_personality, SYS_nfsservctl, SYS_lookup_dcookie, SYS_fanotify_init,
    SYS_sethostname, SYS_setdomainname, SYS_settimeofday, SYS_clock_settime, SYS_clock_adjtime, SYS_adjtimex,
    // Who it is and what it may.
    SYS_setuid, SYS_setgid, SYS_setreuid, SYS_setregid, SYS_setresuid, SYS_setresgid, SYS_setgroups, SYS_setfsuid, SYS_setfsgid, SYS_capset,
    SYS_setrlimit,
    // What is shared with others.
    SYS_shmget, SYS_shmat, SYS_shmctl, SYS_msgget, SYS_msgsnd, SYS_msgrcv, SYS_msgctl, SYS_semget, SYS_semop, SYS_semctl, SYS_mq_open,
    SYS_mq_unlink, SYS_memfd_create, 447 /* memfd_secret */,
    // Changes in the file system.
    SYS_truncate, SYS_unlinkat, SYS_renameat, SYS_renameat2, SYS_mkdirat, SYS_linkat, SYS_symlinkat, SYS_mknodat, SYS_fchmod, SYS_fchmodat,
    452 /* fchmodat2 */, SYS_fchown, SYS_fchownat, SYS_utimensat, SYS_setxattr, SYS_lsetxattr, SYS_fsetxattr, SYS_removexattr,
    SYS_lremovexattr, SYS_fremovexattr, SYS_inotify_init1,
#ifdef __x86_64__
    SYS_create_module, SYS_iopl, SYS_ioperm, SYS_modify_ldt, SYS_uselib, SYS_ustat, SYS_sysfs, SYS__sysctl, SYS_creat, SYS_unlink, SYS_rename,
    SYS_mkdir, SYS_rmdir, SYS_link, SYS_symlink, SYS_mknod, SYS_chmod, SYS_chown, SYS_lchown, SYS_utime, SYS_utimes, SYS_futimesat,
    SYS_inotify_init,
#endif
};

enum { MOST_INSTRUCTIONS = 1024 };

struct program {
    struct sock_filter code[MOST_INSTRUCTIONS];
    unsigned short count;
};

static void add(struct program *program, struct sock_filter instruction) { program->code[program->count++] = instruction; }

static void load(struct program *program, size_t offset) {
    add(program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static void answer(struct program *program, uint32_t value) {
    add(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, value));
}

static const uint32_t denied = SECCOMP_RET_ERRNO | EPERM;
// A library that hears of it falls back on an older call, whose arguments can be seen.
static const uint32_t missing = SECCOMP_RET_ERRNO | ENOSYS;

// Every step begins and ends with the number of the call loaded.
static void refuse(struct program *program, int call, uint32_t value) {
    add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 1));
    answer(program, value);
}

// Refuses a call when one of these bits of an argument is set (or, `unless`, when none is).
static void refuse_bits(struct program *program, int call, int argument, uint32_t bits, int unless) {
    add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 4));
    load(program, offsetof(struct seccomp_data, args[argument]));
    add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, unless ? 1 : 0, unless ? 0 : 1));
    answer(program, denied);
    load(program, offsetof(struct seccomp_data, nr));
}

// Refuses a call when an argument is not 0.
static void refuse_nonzero(struct program *program, int call, int argument) {
    add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 6));
    load(program, offsetof(struct seccomp_data, args[argument]));
    add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 2));
    load(program, offsetof(struct seccomp_data, args[argument]) + 4);
    add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0));
    answer(program, denied);
    load(program, offsetof(struct seccomp_data, nr));
}

// Refuses a call when the lower half of an argument is this value.
static void refuse_value(struct program *program, int call, int argument, uint32_t value) {
    add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 4));
    load(program, offsetof(struct seccomp_data, args[argument]));
    add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1));
    answer(program, denied);
    load(program, offsetof(struct seccomp_data, nr));
}

int cl_refuse_calls(int level) {
    static struct program program;
    program.count = 0;
    load(&program, offsetof(struct seccomp_data, arch));
    add(&program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCHITECTURE, 1, 0));
    answer(&program, SECCOMP_RET_KILL_PROCESS);
    load(&program, offsetof(struct seccomp_data, nr));
#ifdef __x86_64__
    // The calls of the x32 interface have other numbers.
    add(&program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1));
    answer(&program, SECCOMP_RET_KILL_PROCESS);
#endif
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) refuse(&program, refused[i], denied);
    refuse(&program, 435 /* clone3 */, missing);
    refuse(&program, 437 /* openat2 */, missing);
    refuse_nonzero(&program, SYS_prlimit64, 2);
    refuse_value(&program, SYS_ioctl, 1, TIOCSTI);
    refuse_value(&program, SYS_ioctl, 1, TIOCLINUX);
    refuse_bits(&program, SYS_clone, 0, CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |
                CLONE_NEWNET, 0);
    const uint32_t writing = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC;
    if (level >= CL_CONFINED_SHUT) {
        refuse(&program, SYS_openat, denied);
        refuse(&program, SYS_execve, denied);
        refuse(&program, SYS_execveat, denied);
    } else {
        refuse_bits(&program, SYS_openat, 2, writing, 0);
    }
#ifdef __x86_64__
    if (level >= CL_CONFINED_SHUT) refuse(&program, SYS_open, denied);
    else refuse_bits(&program, SYS_open, 1, writing, 0);
#endif
    if (level >= CL_CONFINED_ALONE) {
        refuse_bits(&program, SYS_clone, 0, CLONE_THREAD, 1);
#ifdef __x86_64__
        refuse(&program, SYS_fork, denied);
        refuse(&program, SYS_vfork, denied);
#endif
    }
    answer(&program, SECCOMP_RET_ALLOW);
    struct sock_fprog filter = {.len = program.count, .filter = program.code};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) < 0 ? -errno : 0;
}

// As linux/landlock.h has them; the header of an older kernel lacks the later ones.
enum {
    LANDLOCK_EXECUTE = 1 << 0,
    LANDLOCK_WRITE_FILE = 1 << 1,
    LANDLOCK_READ_FILE = 1 << 2,
    LANDLOCK_READ_DIR = 1 << 3,
};

struct ruleset {
    uint64_t files, network, scoped;
};

struct __attribute__((packed)) beneath {
    uint64_t allowed;
    int32_t descriptor;
};

int cl_confine_paths(const cl_path *paths, int count) {
    long version = syscall(444 /* landlock_create_ruleset */, NULL, 0, 1 /* LANDLOCK_CREATE_RULESET_VERSION */);
    if (version < 0) return -errno;
    // The rights that each version knows: 13 at first, then to link elsewhere, to truncate, and device calls.
    struct ruleset ruleset = {.files = (1 << 13) - 1};
    if (version >= 2) ruleset.files |= 1 << 13;
    if (version >= 3) ruleset.files |= 1 << 14;
    if (version >= 5) ruleset.files |= 1 << 15;
    // To bind and to connect TCP sockets; abstract sockets of others, and signals to others.
    if (version >= 4) ruleset.network = 3;
    if (version >= 6) ruleset.scoped = 3;
    size_t size = version >= 6 ? 24 : version >= 4 ? 16 : 8;
    int rules = (int)syscall(444, &ruleset, size, 0);
    if (rules < 0) return -errno;
    int error = 0;
    for (int i = 0; i < count && !error; i++) {
        int descriptor = paths[i].path ? open(paths[i].path, O_PATH | O_CLOEXEC) : paths[i].descriptor;
        if (descriptor < 0) continue;
        struct stat status;
        struct beneath rule = {.descriptor = descriptor};
        if (paths[i].access & CL_PATH_READ) rule.allowed |= LANDLOCK_READ_FILE | LANDLOCK_READ_DIR;
        if (paths[i].access & CL_PATH_EXECUTE) rule.allowed |= LANDLOCK_EXECUTE;
        if (paths[i].access & CL_PATH_WRITE) rule.allowed |= LANDLOCK_WRITE_FILE;
        // A right of directories is none of a file's.
        if (fstat(descriptor, &status) == 0 && !S_ISDIR(status.st_mode)) rule.allowed &= ~(uint64_t)LANDLOCK_READ_DIR;
        if (syscall(445 /* landlock_add_rule */, rules, 1 /* LANDLOCK_RULE_PATH_BENEATH */, &rule, 0) < 0) error = -errno;
        if (paths[i].path) close(descriptor);
    }
    if (!error && syscall(446 /* landlock_restrict_self */, rules, 0) < 0) error = -errno;
    close(rules);
    return error ? error : (int)version;
}

// Closes all descriptors from `first` to `last`.
static void close_all(unsigned first, unsigned last) {
    if (first > last || syscall(436 /* close_range */, first, last, 0) == 0) return;
    // Kernels before 5.9; more are not in use.
    for (unsigned descriptor = first; descriptor <= last && descriptor < 65536; descriptor++) close((int)descriptor);
}

int cl_start_alone(const char *program, char *const *arguments, char *const *variables, int input, int output, int errors, int kept) {
    pid_t parent = getpid();
    pid_t child = fork();
    if (child != 0) return child < 0 ? -errno : child;
    int wanted[] = {input, output, errors};
    // Above those that are overwritten.
    for (int i = 0; i < 3; i++)
        if ((wanted[i] = fcntl(wanted[i], F_DUPFD_CLOEXEC, 10)) < 0) _exit(126);
    for (int i = 0; i < 3; i++)
        if (dup2(wanted[i], i) < 0) _exit(126);
    if (kept > 2) {
        if (fcntl(kept, F_SETFD, 0) < 0) _exit(126);
        close_all(3, (unsigned)kept - 1);
        close_all((unsigned)kept + 1, ~0u);
    } else {
        close_all(3, ~0u);
    }
    signal(SIGPIPE, SIG_DFL);
    signal(SIGXFSZ, SIG_DFL);
    // Where the kernel has no filters, whoever asks has been told.
    if (cl_end_with_parent(parent) < 0) _exit(126);
    (void)cl_refuse_calls(CL_CONFINED_ALONE);
    execve(program, arguments, variables);
    _exit(127);
}

int cl_spawn_close_from(posix_spawn_file_actions_t *actions, int first) {
    return posix_spawn_file_actions_addclosefrom_np(actions, first);
}

int cl_spawn_bare(posix_spawn_file_actions_t *actions, int first) {
    int error = cl_spawn_close_from(actions, first);
    return error ? error : posix_spawn_file_actions_addchdir_np(actions, "/");
}

int cl_is_sanitized(void) {
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    return 1;
#endif
#endif
    return 0;
}
