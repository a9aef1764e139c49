/*
 * Tells ThreadSanitizer of the one hand-over that Swift's runtime keeps from it; `.ci/sanitize thread` preloads this.
 *
 * A task that awaits a continuation either suspends, and whoever resumes it puts it on an executor; or it finds that it was resumed
 * already, and goes on at once. Resuming marks what came before it (`_swift_tsan_release`), running a task from an executor takes that up
 * (`_swift_tsan_acquire`), but going on at once does not: `swift_continuation_await` of Swift 6.3 orders the two by an atomic inside a
 * library that is not instrumented. So each resumption that overtakes its await looked like a race, of the continuation's own fields and of
 * all that was handed over with it (swiftlang/swift issue 57803). Here the missing half is supplied, and nothing is suppressed.
 *
 * continuation.swift shows the report without this library, its absence with it, and that a race of one's own is still found.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

typedef __attribute__((swiftasynccall)) void (*resume_function)(__attribute__((swift_async_context)) void *);
typedef __attribute__((swiftasynccall)) void (*await_function)(void *);

/* The head of ContinuationAsyncContext (swift/ABI/Task.h), whose layout compiled code relies on. */
struct continuation {
    void *parent;
    resume_function resume;
    size_t flags;
    _Atomic size_t status;
};
enum { executor_switch_forced = 2, status_resumed = 2 };

/* Absent from programs that are not instrumented, which inherit the preloading. */
extern void __tsan_acquire(void *) __attribute__((weak));
extern __attribute__((swiftcall)) void *swift_task_getCurrent(void) __attribute__((weak));

static await_function runtime_await;
/* How the task goes on that this thread is about to await for; read only if it goes on at once, on this thread. */
static _Thread_local resume_function resumption;

static __attribute__((swiftasynccall)) void resumed_at_once(__attribute__((swift_async_context)) void *context) {
    resume_function resume = resumption;
    __tsan_acquire(swift_task_getCurrent());
    __attribute__((musttail)) return resume(context);
}

__attribute__((constructor)) static void find_runtime(void) {
    runtime_await = (await_function)dlsym(RTLD_NEXT, "swift_continuation_await");
    if (__tsan_acquire && !runtime_await) {
        fputs("the Swift runtime has no swift_continuation_await: .ci/sanitizers/continuation_await.c does not fit it\n", stderr);
        abort();
    }
}

__attribute__((visibility("default"), swiftasynccall)) void swift_continuation_await(void *context) {
    struct continuation *awaited = context;
    if (__tsan_acquire && (awaited->flags & executor_switch_forced) == 0) {
        /* A task that suspends goes on by its own copy of this pointer, which was made when the continuation was. */
        resumption = awaited->resume;
        awaited->resume = resumed_at_once;
    } else if (__tsan_acquire && atomic_load_explicit(&awaited->status, memory_order_acquire) == status_resumed) {
        __tsan_acquire(swift_task_getCurrent());
    }
    __attribute__((musttail)) return runtime_await(context);
}
