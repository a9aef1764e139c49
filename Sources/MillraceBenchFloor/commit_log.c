#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "floor.h"

// The committing thread takes whatever waits, writes and syncs it, and says so: while it syncs, the next group gathers.
static int descriptor = -1, wake = -1;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t arrived = PTHREAD_COND_INITIALIZER;
static output turn;      // The loop's own: the bytes of this turn.
static output waiting;   // Guarded by `mutex`.
static uint64_t handed;  // Guarded by `mutex`: the number of the last turn in `waiting`. Only the loop writes it.
static _Atomic uint64_t committed;

static void write_all(const output *group) {
    for (size_t start = 0; start < group->end;) {
        ssize_t written = write(descriptor, group->bytes + start, group->end - start);
        if (written <= 0) abort();  // A floor that loses data would measure nothing.
        start += (size_t)written;
    }
    if (fdatasync(descriptor) < 0) abort();
}

static void *commit_for_ever(void *unused) {
    (void)unused;
    output group = {0};
    for (;;) {
        pthread_mutex_lock(&mutex);
        while (!waiting.end) pthread_cond_wait(&arrived, &mutex);
        output swapped = waiting;
        waiting = group;
        group = swapped;
        uint64_t number = handed;
        pthread_mutex_unlock(&mutex);
        write_all(&group);
        group.end = 0;
        atomic_store(&committed, number);
        eventfd_write(wake, 1);
    }
    return NULL;
}

bool commit_log_open(const char *path) {
    descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    pthread_t thread;
    return descriptor >= 0 && wake >= 0 && pthread_create(&thread, NULL, commit_for_ever, NULL) == 0;
}

bool commit_log_is_open(void) { return descriptor >= 0; }
int commit_log_descriptor(void) { return wake; }
uint64_t commit_log_committed(void) { return atomic_load(&committed); }

uint64_t commit_log_append(const char *bytes, size_t count) {
    output_append(&turn, bytes, count);
    return handed + 1;
}

void commit_log_hand_over(void) {
    if (!turn.end) return;
    pthread_mutex_lock(&mutex);
    bool was_empty = !waiting.end;
    output_append(&waiting, turn.bytes, turn.end);
    handed++;
    pthread_mutex_unlock(&mutex);
    if (was_empty) pthread_cond_signal(&arrived);
    turn.end = 0;
}
