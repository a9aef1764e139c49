// A program in place of poppler's, for the tests of the extractor's confinement. As `pdfinfo` it says that there is one page; as `pdftotext` it does
// what the document's first line asks for, `%PDF-probe NAME`; as itself, `probe without-seccomp PROGRAM ARGUMENT…`, it becomes
// another program for which the kernel has no filters of system calls.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void said(const char *what, long result) { printf("%s: %s\n", what, result < 0 ? strerrorname_np(errno) : "done"); }

// What an attacker who has taken over poppler would try.
static void attack(void) {
    // Beyond standard input, output and errors there is the document.
    int others = 0;
    for (int descriptor = 3; descriptor < 1024; descriptor++) others += fcntl(descriptor, F_GETFD) >= 0;
    printf("descriptors: %d\n", others);
    struct rlimit more = {RLIM_INFINITY, RLIM_INFINITY};
    said("socket", socket(AF_INET, SOCK_STREAM, 0));
    said("socket-v6", socket(AF_INET6, SOCK_DGRAM, 0));
    said("socket-unix", socket(AF_UNIX, SOCK_STREAM, 0));
    said("socket-netlink", socket(AF_NETLINK, SOCK_RAW, 0));
    int pair[2];
    said("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    said("io_uring", syscall(425, 8, NULL));
    said("fork", syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL));
    said("clone3", syscall(435, NULL, 0));
    said("namespace", unshare(CLONE_NEWUSER));
    said("exec", execl("/bin/true", "true", NULL));
    said("ptrace", ptrace(PTRACE_TRACEME, 0, NULL, NULL));
    said("ptrace-parent", ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
    said("memory-of-parent", syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0));
    said("kill-parent", kill(getppid(), 0));
    said("kill-all", kill(-1, 0));
    said("session", setsid());
    said("mount", mount("none", "/tmp", "tmpfs", 0, NULL));
    said("chroot", chroot("/"));
    said("bpf", syscall(SYS_bpf, 0, NULL, 0));
    said("perf", syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0));
    said("keyctl", syscall(SYS_keyctl, 0, 0, 0, 0, 0));
    said("userfaultfd", syscall(SYS_userfaultfd, 0));
    said("memfd", memfd_create("x", 0));
    said("setuid", setuid(12345));
    said("raise-limit", setrlimit(RLIMIT_NOFILE, &more));
    said("limit-parent", prlimit(getppid(), RLIMIT_NOFILE, &more, NULL));
    said("write-file", open("/tmp/millrace-probe", O_WRONLY | O_CREAT, 0600));
    said("write-device", open("/dev/null", O_WRONLY));
    said("unlink", unlink("/tmp/millrace-probe-absent"));
    said("chmod", chmod("/tmp", 0700));
    said("read-passwd", open("/etc/passwd", O_RDONLY));
    said("read-parent", open("/proc/1/environ", O_RDONLY));
    said("read-home", open("/root", O_RDONLY | O_DIRECTORY));
    said("read-library", open("/usr/lib/os-release", O_RDONLY));
    extern char **environ;
    int variables = 0;
    for (char **variable = environ; *variable; variable++) variables++;
    printf("variables: %d\n", variables);
    struct rlimit core;
    getrlimit(RLIMIT_CORE, &core);
    printf("core: %lu\n", (unsigned long)core.rlim_cur);
    printf("privileges: %d\n", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
}

static int without_seccomp(char **command) {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PR_SET_SECCOMP, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {.len = sizeof code / sizeof *code, .filter = code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) < 0) return 125;
    execv(command[0], command);
    return 126;
}

int main(int count, char **arguments) {
    if (count > 2 && !strcmp(arguments[1], "without-seccomp")) return without_seccomp(arguments + 2);
    if (strstr(arguments[0], "pdfinfo")) {
        puts("Title: Probe\nPages: 1");
        return 0;
    }
    FILE *document = fopen(arguments[count - 2], "r");
    char line[200] = "";
    if (!document || !fgets(line, sizeof line, document)) return 1;
    if (strstr(line, "attack")) {
        fclose(document);
        attack();
        putchar('\f');
    } else if (strstr(line, "hang")) {
        puts("It begins.\f");
        fflush(stdout);
        for (;;) pause();
    } else if (strstr(line, "burn")) {
        for (volatile unsigned long turn = 0;; turn++) {}
    } else if (strstr(line, "allocate")) {
        for (;;) {
            char *memory = malloc(1 << 20);
            if (!memory) {
                fputs("terminate called after throwing an instance of 'std::bad_alloc'\n", stderr);
                abort();
            }
            // A compiler leaves out what nobody can see.
            for (int byte = 0; byte < 1 << 20; byte += 4096) ((volatile char *)memory)[byte] = 1;
        }
    } else if (strstr(line, "crash")) {
        *(volatile int *)8 = 1;
    } else if (strstr(line, "endless")) {
        for (unsigned long page = 1;; page++) printf("Page %lu of very many.\n\f", page);
    } else if (strstr(line, "garbage")) {
        for (int byte = 0; byte < 4096; byte++) putchar(byte * 37 % 251);
    }
    return 0;
}
