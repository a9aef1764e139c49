// The system calls, each counted by what it is about. What the library does not name passes it by.
#define _GNU_SOURCE
#include "faults.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name)                                                                                                                           \
    static __typeof__(&name) real;                                                                                                           \
    if (!real) real = (__typeof__(&name))fault_real(#name)

// The common way: fail without doing anything, or do it and fail or die afterwards.
#define CALL(call, target, expression)                                                                                                       \
    ({                                                                                                                                       \
        struct fault_verdict verdict_ = fault_next(CALL_##call, (target));                                                                   \
        __typeof__(expression) result_ = (__typeof__(expression)) - 1;                                                                       \
        if (verdict_.kind != FAULT_error) result_ = (expression);                                                                            \
        if (verdict_.kind == FAULT_kill_torn || verdict_.kind == FAULT_kill_after) fault_kill();                                             \
        if (verdict_.kind == FAULT_error || verdict_.kind == FAULT_error_after) {                                                            \
            result_ = (__typeof__(expression)) - 1;                                                                                          \
            errno = verdict_.value;                                                                                                          \
        }                                                                                                                                    \
        result_;                                                                                                                             \
    })

// MARK: Bytes

// How many of `count` bytes a call may move.
static size_t allowed(struct fault_verdict verdict, size_t count, int reads) {
    if (verdict.kind != FAULT_short && verdict.kind != FAULT_kill_torn) return count;
    if (reads) return count ? 1 : 0;
    return count > 1 ? count / 2 : count;
}

#define MOVE(call, target, reads, expression)                                                                                                \
    ({                                                                                                                                       \
        struct fault_verdict verdict_ = fault_next(CALL_##call, (target));                                                                   \
        ssize_t result_ = -1;                                                                                                                \
        if (verdict_.kind == FAULT_error) {                                                                                                  \
            errno = verdict_.value;                                                                                                          \
        } else {                                                                                                                             \
            count = allowed(verdict_, count, (reads));                                                                                       \
            result_ = (expression);                                                                                                          \
            if (verdict_.kind == FAULT_kill_torn || verdict_.kind == FAULT_kill_after) fault_kill();                                         \
        }                                                                                                                                    \
        result_;                                                                                                                             \
    })

ssize_t read(int fd, void *bytes, size_t count) {
    REAL(read);
    return MOVE(read, fault_target_of(fd), 1, real(fd, bytes, count));
}
ssize_t write(int fd, const void *bytes, size_t count) {
    REAL(write);
    return MOVE(write, fault_target_of(fd), 0, real(fd, bytes, count));
}
ssize_t pread(int fd, void *bytes, size_t count, off_t offset) {
    REAL(pread);
    return MOVE(pread, fault_target_of(fd), 1, real(fd, bytes, count, offset));
}
ssize_t pread64(int fd, void *bytes, size_t count, off64_t offset) { return pread(fd, bytes, count, offset); }
ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
    REAL(pwrite);
    return MOVE(pwrite, fault_target_of(fd), 0, real(fd, bytes, count, offset));
}
ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) { return pwrite(fd, bytes, count, offset); }
ssize_t getrandom(void *bytes, size_t count, unsigned flags) {
    REAL(getrandom);
    return MOVE(getrandom, TARGET_none, 1, real(bytes, count, flags));
}

// Vectors are cut to their first part.
static int part(struct fault_verdict verdict, struct iovec *first, const struct iovec *vector, int reads) {
    if (verdict.kind != FAULT_short && verdict.kind != FAULT_kill_torn) return 0;
    *first = vector[0];
    first->iov_len = allowed(verdict, first->iov_len, reads);
    return 1;
}

#define MOVE_VECTOR(call, fd, reads, whole, cut)                                                                                             \
    ({                                                                                                                                       \
        struct fault_verdict verdict_ = fault_next(CALL_##call, fault_target_of(fd));                                                        \
        struct iovec first;                                                                                                                  \
        ssize_t result_ = -1;                                                                                                                \
        if (verdict_.kind == FAULT_error) {                                                                                                  \
            errno = verdict_.value;                                                                                                          \
        } else {                                                                                                                             \
            result_ = part(verdict_, &first, vector, reads) ? (cut) : (whole);                                                               \
            if (verdict_.kind == FAULT_kill_torn || verdict_.kind == FAULT_kill_after) fault_kill();                                         \
        }                                                                                                                                    \
        result_;                                                                                                                             \
    })

ssize_t readv(int fd, const struct iovec *vector, int count) {
    REAL(readv);
    return MOVE_VECTOR(read, fd, 1, real(fd, vector, count), real(fd, &first, 1));
}
ssize_t writev(int fd, const struct iovec *vector, int count) {
    REAL(writev);
    return MOVE_VECTOR(write, fd, 0, real(fd, vector, count), real(fd, &first, 1));
}
ssize_t pwritev(int fd, const struct iovec *vector, int count, off_t offset) {
    REAL(pwritev);
    return MOVE_VECTOR(pwrite, fd, 0, real(fd, vector, count, offset), real(fd, &first, 1, offset));
}

// MARK: Sockets

// What epoll watches a socket for. A socket that "would block" although it is ready must be reported again, as the kernel would: changing the
// registration to what it is makes the kernel look anew.
static struct {
    int epoll;
    struct epoll_event event;
} watched[65536];

static void report_again(int fd) {
    static __typeof__(&epoll_ctl) real;
    if (!real) real = (__typeof__(&epoll_ctl))fault_real("epoll_ctl");
    int saved = errno;
    if (fd >= 0 && fd < 65536 && watched[fd].epoll > 0) real(watched[fd].epoll, EPOLL_CTL_MOD, fd, &watched[fd].event);
    errno = saved;
}

// Out of a call on a socket; a short one leaves more to be reported, too.
static ssize_t settled(int fd, struct fault_verdict verdict, ssize_t result) {
    if ((verdict.kind == FAULT_error && verdict.value == EAGAIN) || verdict.kind == FAULT_short) report_again(fd);
    return result;
}

ssize_t recv(int fd, void *bytes, size_t count, int flags) {
    REAL(recv);
    struct fault_verdict verdict = fault_next(CALL_recv, fault_target_of(fd));
    ssize_t result = -1;
    if (verdict.kind == FAULT_error) {
        errno = verdict.value;
    } else {
        result = real(fd, bytes, allowed(verdict, count, 1), flags);
        if (verdict.kind == FAULT_kill_after || verdict.kind == FAULT_kill_torn) fault_kill();
    }
    return settled(fd, verdict, result);
}
ssize_t recvmsg(int fd, struct msghdr *message, int flags) {
    REAL(recvmsg);
    return settled(fd, (struct fault_verdict){0, 0}, CALL(recv, fault_target_of(fd), real(fd, message, flags)));
}
ssize_t send(int fd, const void *bytes, size_t count, int flags) {
    REAL(send);
    struct fault_verdict verdict = fault_next(CALL_send, fault_target_of(fd));
    ssize_t result = -1;
    if (verdict.kind == FAULT_error) {
        errno = verdict.value;
    } else {
        result = real(fd, bytes, allowed(verdict, count, 0), flags);
        if (verdict.kind == FAULT_kill_after || verdict.kind == FAULT_kill_torn) fault_kill();
    }
    return settled(fd, verdict, result);
}
ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    REAL(sendmsg);
    struct fault_verdict verdict = fault_next(CALL_send, fault_target_of(fd));
    ssize_t result = -1;
    struct iovec first;
    if (verdict.kind == FAULT_error) {
        errno = verdict.value;
    } else {
        struct msghdr cut = *message;
        if (message->msg_iovlen && part(verdict, &first, message->msg_iov, 0)) cut.msg_iov = &first, cut.msg_iovlen = 1;
        result = real(fd, &cut, flags);
        if (verdict.kind == FAULT_kill_after || verdict.kind == FAULT_kill_torn) fault_kill();
    }
    return settled(fd, verdict, result);
}

static int opened(int fd, enum fault_target target) {
    if (fd >= 0) fault_set_target(fd, target);
    return fd;
}

int socket(int domain, int type, int protocol) {
    REAL(socket);
    return opened(CALL(socket, TARGET_none, real(domain, type, protocol)), TARGET_connection);
}
int bind(int fd, const struct sockaddr *name, socklen_t length) {
    REAL(bind);
    return CALL(bind, TARGET_listener, real(fd, name, length));
}
int listen(int fd, int backlog) {
    REAL(listen);
    int result = CALL(listen, TARGET_listener, real(fd, backlog));
    if (result == 0) {
        fault_set_target(fd, TARGET_listener);
        struct sockaddr_in address;
        socklen_t length = sizeof address;
        __typeof__(&getsockname) name = (__typeof__(&getsockname))fault_real("getsockname");
        if (backlog > 1 && fault_control && !name(fd, (struct sockaddr *)&address, &length))
            __atomic_store_n(&fault_control->port, (uint64_t)ntohs(address.sin_port), __ATOMIC_RELEASE);
    }
    return result;
}
int getsockname(int fd, struct sockaddr *name, socklen_t *length) {
    REAL(getsockname);
    return CALL(getsockname, fault_target_of(fd), real(fd, name, length));
}
int setsockopt(int fd, int level, int option, const void *value, socklen_t length) {
    REAL(setsockopt);
    return CALL(setsockopt, fault_target_of(fd), real(fd, level, option, value, length));
}
int accept4(int fd, struct sockaddr *name, socklen_t *length, int flags) {
    REAL(accept4);
    return opened(CALL(accept4, TARGET_listener, real(fd, name, length, flags)), TARGET_connection);
}
int shutdown(int fd, int how) {
    REAL(shutdown);
    return CALL(shutdown, fault_target_of(fd), real(fd, how));
}

// MARK: Readiness

int epoll_create1(int flags) {
    REAL(epoll_create1);
    return opened(CALL(epoll_create1, TARGET_none, real(flags)), TARGET_epoll);
}
int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event) {
    REAL(epoll_ctl);
    int result = CALL(epoll_ctl, fault_target_of(fd), real(epoll, operation, fd, event));
    if (result == 0 && fd >= 0 && fd < 65536) {
        watched[fd].epoll = operation == EPOLL_CTL_DEL ? 0 : epoll;
        if (event && operation != EPOLL_CTL_DEL) watched[fd].event = *event;
    }
    return result;
}
int epoll_wait(int epoll, struct epoll_event *events, int capacity, int timeout) {
    REAL(epoll_wait);
    return CALL(epoll_wait, TARGET_epoll, real(epoll, events, capacity, timeout));
}
int epoll_pwait2(int epoll, struct epoll_event *events, int capacity, const struct timespec *timeout, const sigset_t *mask) {
    REAL(epoll_pwait2);
    return CALL(epoll_wait, TARGET_epoll, real(epoll, events, capacity, timeout, mask));
}
int eventfd(unsigned value, int flags) {
    REAL(eventfd);
    return opened(CALL(eventfd, TARGET_none, real(value, flags)), TARGET_eventfd);
}
int eventfd_write(int fd, eventfd_t value) {
    REAL(eventfd_write);
    return CALL(eventfd_write, TARGET_eventfd, real(fd, value));
}
int pipe2(int ends[2], int flags) {
    REAL(pipe2);
    int result = CALL(pipe2, TARGET_none, real(ends, flags));
    if (result == 0) opened(ends[0], TARGET_pipe), opened(ends[1], TARGET_pipe);
    return result;
}

// MARK: Files

static mode_t mode_of(int flags, va_list arguments) { return flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0; }

int open(const char *path, int flags, ...) {
    REAL(open);
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    enum fault_target target = fault_target_of_path(path, -1);
    return opened(CALL(open, target, real(path, flags, mode)), target);
}
int open64(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return open(path, flags, mode);
}
int openat(int directory, const char *path, int flags, ...) {
    REAL(openat);
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    enum fault_target target = fault_target_of_path(path, directory);
    return opened(CALL(open, target, real(directory, path, flags, mode)), target);
}
int openat64(int directory, const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return openat(directory, path, flags, mode);
}
int close(int fd) {
    REAL(close);
    enum fault_target target = fault_target_of(fd);
    if (fd > 2) fault_set_target(fd, TARGET_none);
    if (fd >= 0 && fd < 65536) watched[fd].epoll = 0;
    return CALL(close, target, real(fd));
}
int fsync(int fd) {
    REAL(fsync);
    return CALL(fsync, fault_target_of(fd), real(fd));
}
int fdatasync(int fd) {
    REAL(fdatasync);
    return CALL(fdatasync, fault_target_of(fd), real(fd));
}
int ftruncate(int fd, off_t length) {
    REAL(ftruncate);
    return CALL(ftruncate, fault_target_of(fd), real(fd, length));
}
int ftruncate64(int fd, off64_t length) { return ftruncate(fd, length); }
int fchmod(int fd, mode_t mode) {
    REAL(fchmod);
    return CALL(fchmod, fault_target_of(fd), real(fd, mode));
}
int flock(int fd, int operation) {
    REAL(flock);
    return CALL(flock, fault_target_of(fd), real(fd, operation));
}
int fcntl(int fd, int command, ...) {
    REAL(fcntl);
    va_list arguments;
    va_start(arguments, command);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    // Giving a lock back does not fail on a local disk, and SQLite does not expect it to.
    if (command == F_SETLK && argument && ((struct flock *)argument)->l_type == F_UNLCK) return real(fd, command, argument);
    return CALL(fcntl, fault_target_of(fd), real(fd, command, argument));
}
int fcntl64(int fd, int command, ...) {
    va_list arguments;
    va_start(arguments, command);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    return fcntl(fd, command, argument);
}
int access(const char *path, int mode) {
    REAL(access);
    return CALL(access, fault_target_of_path(path, -1), real(path, mode));
}
int stat(const char *path, struct stat *status) {
    REAL(stat);
    return CALL(stat, fault_target_of_path(path, -1), real(path, status));
}
int stat64(const char *path, struct stat64 *status) { return stat(path, (struct stat *)status); }
int lstat(const char *path, struct stat *status) {
    REAL(lstat);
    return CALL(lstat, fault_target_of_path(path, -1), real(path, status));
}
int lstat64(const char *path, struct stat64 *status) { return lstat(path, (struct stat *)status); }
int fstat(int fd, struct stat *status) {
    REAL(fstat);
    return CALL(fstat, fault_target_of(fd), real(fd, status));
}
int fstat64(int fd, struct stat64 *status) { return fstat(fd, (struct stat *)status); }
int mkdir(const char *path, mode_t mode) {
    REAL(mkdir);
    return CALL(mkdir, fault_target_of_path(path, -1), real(path, mode));
}
int mkdirat(int directory, const char *path, mode_t mode) {
    REAL(mkdirat);
    return CALL(mkdir, fault_target_of_path(path, directory), real(directory, path, mode));
}
int rmdir(const char *path) {
    REAL(rmdir);
    return CALL(rmdir, fault_target_of_path(path, -1), real(path));
}
int unlink(const char *path) {
    REAL(unlink);
    return CALL(unlink, fault_target_of_path(path, -1), real(path));
}
int unlinkat(int directory, const char *path, int flags) {
    REAL(unlinkat);
    return CALL(unlink, fault_target_of_path(path, directory), real(directory, path, flags));
}
int rename(const char *from, const char *to) {
    REAL(rename);
    return CALL(rename, fault_target_of_path(to, -1), real(from, to));
}
int renameat(int from_directory, const char *from, int to_directory, const char *to) {
    REAL(renameat);
    return CALL(rename, fault_target_of_path(to, to_directory), real(from_directory, from, to_directory, to));
}
int link(const char *from, const char *to) {
    REAL(link);
    return CALL(link, fault_target_of_path(to, -1), real(from, to));
}
DIR *opendir(const char *path) {
    REAL(opendir);
    struct fault_verdict verdict = fault_next(CALL_opendir, fault_target_of_path(path, -1));
    if (verdict.kind != FAULT_error) return real(path);
    errno = verdict.value;
    return NULL;
}
DIR *fdopendir(int fd) {
    REAL(fdopendir);
    struct fault_verdict verdict = fault_next(CALL_fdopendir, fault_target_of(fd));
    if (verdict.kind != FAULT_error) return real(fd);
    errno = verdict.value;
    return NULL;
}
struct dirent *readdir(DIR *directory) {
    REAL(readdir);
    struct fault_verdict verdict = fault_next(CALL_readdir, fault_target_of(dirfd(directory)));
    if (verdict.kind != FAULT_error) return real(directory);
    errno = verdict.value;
    return NULL;
}
void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
    REAL(mmap);
    // Memory without a file is the allocator's; Swift ends the process without it.
    if (fd < 0) return real(address, length, protection, flags, fd, offset);
    return CALL(mmap, fault_target_of(fd), real(address, length, protection, flags, fd, offset));
}
void *mmap64(void *address, size_t length, int protection, int flags, int fd, off64_t offset) {
    return mmap(address, length, protection, flags, fd, offset);
}

// MARK: Threads

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *argument) {
    REAL(pthread_create);
    struct fault_verdict verdict = fault_next(CALL_pthread_create, TARGET_none);
    return verdict.kind == FAULT_error ? verdict.value : real(thread, attributes, body, argument);
}
