import Glibc
package import MillraceCore

/// A piece of work for a ``SQLiteWriter``.
package protocol SQLiteWriteJob: Sendable {
    /// About how many bytes it stores, for the bound on a transaction.
    var byteCount: Int { get }
}

/// What became of a group's execution.
package enum SQLiteGroupVerdict: Equatable, Sendable {
    /// The group can be committed.
    case commit
    /// A job was refused after it had written: roll back and execute again; the handler now leaves that job out.
    case restart
}

/// Does the jobs of a ``SQLiteWriter``, on its thread only.
package protocol SQLiteWriteHandler: AnyObject, SendableMetatype {
    associatedtype Job: SQLiteWriteJob
    /// The write connection.
    var session: SQLiteSession { get }
    /// Executes jobs inside the open transaction. The same jobs come again after a rollback, so it keeps no results of an earlier attempt.
    /// - Throws: only failures of the store itself; a job that is refused is noted and answered in `finish`.
    func execute(_ jobs: [Job]) throws(MillraceError) -> SQLiteGroupVerdict
    /// Answers the jobs: they are committed, or failed all together.
    func finish(_ jobs: [Job], _ error: MillraceError?)
    /// Does what is owed besides the jobs, outside transactions: called behind each group, and again by itself.
    /// - Returns: in how many nanoseconds to call again at the latest; `nil`: nothing is owed (the default).
    func attend() -> Int64?
    /// The last call, when everything is finished, before the connection closes.
    func stop()
}

extension SQLiteWriteHandler {
    package func attend() -> Int64? { nil }
}

/// The one thread that writes to a database. Whatever waits when a commit begins goes into one transaction; it never waits to fill a group.
///
/// A job is answered after the commit that holds it. While the store fails in a way that may pass (busy, full, I/O) the group is rolled back
/// and tried again until `patience` is over; then its jobs fail and the writer goes on with the next.
package final class SQLiteWriter<Handler: SQLiteWriteHandler>: Sendable {
    package typealias Job = Handler.Job

    private struct State {
        var jobs: [Job] = []
        var bytes = 0
        var isAsleep = false
        var isClosing = false
        var isClosed = false
        var closeWaiters: [@Sendable () -> Void] = []
    }

    /// Carries the handler to its thread.
    private final class Passage: @unchecked Sendable {  // Sendable: filled before the thread starts, emptied by the thread.
        var handler: Handler?
        init(_ handler: Handler) { self.handler = handler }
    }

    /// The bounds of one transaction and of the queue.
    package struct Limits: Equatable, Sendable {
        /// The most jobs in a transaction.
        package var jobsPerCommit = 4096
        /// About the most bytes in a transaction (a larger job goes alone).
        package var bytesPerCommit = 8 << 20
        /// The most jobs that may wait.
        package var waitingJobs = 100_000
        package init() {}
    }

    private let state = Monitor(State())
    private let thread = Locked<NamedThread?>(nil)
    private let limits: Limits

    /// Starts the thread.
    /// - Parameter patience: for how long a failing group is tried again, in nanoseconds.
    package init(name: String, handler: sending Handler, patience: Int64, limits: Limits = Limits()) throws(MillraceError) {
        self.limits = limits
        let passage = Passage(handler)
        let (state, thread) = (state, thread)
        let started = try NamedThread(name: name) {
            if let handler = passage.handler.take() { Self.work(state, handler, patience, limits) }
            var waiters: [@Sendable () -> Void] = []
            state.updateAndWakeAll { state in
                state.isClosed = true
                swap(&waiters, &state.closeWaiters)
            }
            for waiter in waiters { waiter() }
            // Who has called `close` waits for that and not for the thread, and may keep the writer for long.
            thread.withLock { $0.take() }?.detach()
        }
        thread.withLock { $0 = started }
    }

    deinit {
        state.updateAndWakeAll { $0.isClosing = true }
        // The last reference may go on the writer's own thread, which cannot wait for itself: the thread then just ends.
        guard let running = thread.withLock({ $0.take() }) else { return }
        if running.isCurrent { running.detach() } else { running.join() }
    }

    /// Queues a job; any thread may call it. The thread is woken only when it sleeps.
    /// - Returns: why the job was refused, `nil` when it is queued.
    package func post(_ job: Job) -> MillraceError? {
        let bytes = job.byteCount
        var refusal: MillraceError?
        state.update { state in
            if state.isClosing {
                refusal = MillraceError(.serverShutdown, "the store is closed")
                return false
            }
            if state.jobs.count >= limits.waitingJobs {
                refusal = MillraceError(.storageUnavailable, "too much waits to be written: try again later", isRetryable: true)
                return false
            }
            state.jobs.append(job)
            state.bytes += bytes
            defer { state.isAsleep = false }
            return state.isAsleep
        }
        return refusal
    }

    /// Does what is queued, stops the handler and closes the connection; `closed` is called at once if that has been done before.
    package func close(_ closed: @escaping @Sendable () -> Void) {
        var isClosed = false
        state.updateAndWakeAll { state in
            isClosed = state.isClosed
            state.isClosing = true
            if !isClosed { state.closeWaiters.append(closed) }
        }
        if isClosed { closed() }
    }

    // MARK: On the thread

    private static func work(_ state: Monitor<State>, _ handler: Handler, _ patience: Int64, _ limits: Limits) {
        var group: [Job] = []
        var retry = SQLiteRetry(patience: patience)
        var pause: Int64?
        while true {
            group.removeAll(keepingCapacity: true)
            var hasSlept = false
            func next(_ state: inout State) -> Bool? {
                if state.jobs.isEmpty {
                    if state.isClosing { return false }
                    state.isAsleep = true
                    hasSlept = true
                    return nil
                }
                state.isAsleep = false
                take(&group, from: &state, limits)
                return true
            }
            let goesOn = if let pause { state.wait(nanoseconds: pause, next) } else { state.wait(next) as Bool? }
            guard goesOn != false else { break }
            // An outage that nobody waits for any more does not count against whoever comes later.
            if hasSlept { retry.reset() }
            if goesOn == true { commit(group, state, handler, &retry) }
            pause = handler.attend()
        }
        handler.stop()
    }

    private static func take(_ group: inout [Job], from state: inout State, _ limits: Limits) {
        if state.jobs.count <= limits.jobsPerCommit, state.bytes <= limits.bytesPerCommit {
            swap(&group, &state.jobs)
            state.bytes = 0
            return
        }
        var bytes = 0
        var count = 0
        while count < min(state.jobs.count, limits.jobsPerCommit) {
            let more = state.jobs[count].byteCount
            if count > 0, bytes + more > limits.bytesPerCommit { break }
            bytes += more
            count += 1
        }
        group.append(contentsOf: state.jobs[..<count])
        state.jobs.removeFirst(count)
        state.bytes -= bytes
    }

    private static func commit(_ group: [Job], _ state: Monitor<State>, _ handler: Handler, _ retry: inout SQLiteRetry) {
        while true {
            // A writer that is closing tries once more and then gives up, so that a stop is never held up by a full disk.
            let isLastAttempt = state.wait { $0.isClosing as Bool? }
            do throws(MillraceError) {
                try attempt(group, handler)
                retry.reset()
                handler.finish(group, nil)
                return
            } catch {
                handler.session.rollback()
                guard error.isRetryable, !isLastAttempt, let pause = retry.failed(at: monotonicNanoseconds()) else {
                    handler.finish(group, error)
                    return
                }
                _ = state.wait(nanoseconds: pause) { $0.isClosing ? true : nil }
            }
        }
    }

    private static func attempt(_ group: [Job], _ handler: Handler) throws(MillraceError) {
        try handler.session.begin()
        while try handler.execute(group) == .restart {
            handler.session.rollback()
            try handler.session.begin()
        }
        try handler.session.commit()
    }

    private static func monotonicNanoseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
