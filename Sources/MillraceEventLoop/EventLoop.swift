import CLinux
import Glibc
package import MillraceCore
import Synchronization

/// What a loop does in one turn, after its jobs have run: events are sealed, handed to the store and to other loops, then sockets are filled.
package enum TurnPhase: Int, CaseIterable {
    /// Run logs seal what was emitted in this turn.
    case events
    /// What concerns the store and other loops leaves in one batch each.
    case exchange
    /// Connections with output write it.
    case output
}

/// Work that a loop does once at the end of a turn.
package protocol TurnEndWork: AnyObject {
    /// Called in the phase that the work was enqueued for.
    func turnEnds()
}

/// One thread, one epoll instance, its timers, and the tasks of the handlers that live on it.
///
/// A turn: run jobs; seal, exchange, write; wait for the kernel; fire timers. Everything registered here is touched on this thread only;
/// ``post(_:)`` is the way in from others.
///
/// `@unchecked Sendable`: all state is confined to the loop's thread, but for `remote`, which a lock guards, and the atomics.
package final class EventLoop: @unchecked Sendable {
    /// The loop's place in its group, from 0.
    package let index: Int
    private let epoll: Int32
    private let wake: EventSource
    private let remote = Locked<RemoteWork>(RemoteWork())
    private let isStopping = Atomic<Bool>(false)
    /// When the job that runs now began, in monotonic nanoseconds; 0 between jobs. Read by the group's watchdog.
    let jobStartedAt = Atomic<Int64>(0)
    /// The activity of the job that runs now.
    let jobActivity = Atomic<Int>(0)

    @exclusivity(unchecked) private var jobs: [LoopJob] = []
    @exclusivity(unchecked) private var runningJobs: [LoopJob] = []
    @exclusivity(unchecked) private var posted: [@Sendable () -> Void] = []
    @exclusivity(unchecked) private var timers = TimerHeap()
    @exclusivity(unchecked) private var turnWaiters: [UnsafeContinuation<Void, any Error>] = []
    @exclusivity(unchecked) private var turnEnds: [[any TurnEndWork]] = Array(repeating: [], count: TurnPhase.allCases.count)
    @exclusivity(unchecked) private var retired: [EventSource] = []
    /// The monotonic clock as of this turn, in nanoseconds.
    package var now: Int64 { turnTime }
    /// Behind ``now``, since other modules do not see that it is unchecked.
    @exclusivity(unchecked) private var turnTime: Int64
    /// How long one job may hold the loop before ``onBlocked`` is called, in nanoseconds; 0 switches the measuring off.
    @exclusivity(unchecked) package var blockWarningNanoseconds: Int64 = 0
    /// Called on the loop when one job held it for longer than ``blockWarningNanoseconds``: the activity and the time in nanoseconds.
    @exclusivity(unchecked) package var onBlocked: ((ActivityName, Int64) -> Void)?
    @exclusivity(unchecked) private var attachments: [ObjectIdentifier: AnyObject] = [:]
    /// Turns taken so far.
    @exclusivity(unchecked) package private(set) var turns = 0
    /// Memory that one read or one encoding may use until it returns.
    package let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 65536, alignment: 64)
    /// The executor for the loop's own work. It holds the loop, so ``retire()`` lets it go. Written under `remote`'s lock.
    @exclusivity(unchecked) private var ownExecutor: LoopExecutor?
    /// Whether the loop's thread has ended: an executor that is asked for now is not kept. Written under `remote`'s lock.
    @exclusivity(unchecked) private var isRetired = false
    private static let ownActivity = ActivityName("http")

    /// Jobs in one turn before the loop looks at its sockets and timers again.
    private static let jobsPerTurn = 4096
    private static let eventsPerWait = 256

    private struct RemoteWork {
        var jobs: [LoopJob] = []
        var posted: [@Sendable () -> Void] = []
        var isEmpty: Bool { jobs.isEmpty && posted.isEmpty }
    }

    /// A loop that has not started.
    /// - Throws: ``MillraceError`` when the kernel gives no descriptors.
    package init(index: Int = 0) throws(MillraceError) {
        self.index = index
        epoll = cl_epoll_create()
        let wakeDescriptor = cl_eventfd()
        guard epoll >= 0, wakeDescriptor >= 0 else {
            throw MillraceError(.system, "cannot make an event loop: \(String(cString: strerror(-min(epoll, wakeDescriptor))))")
        }
        wake = EventSource(descriptor: wakeDescriptor)
        turnTime = cl_monotonic_ns()
        guard register(wake, for: [.readable, .edgeTriggered]) else {
            throw MillraceError(.system, "cannot make an event loop: the kernel has no memory, or no watches left for epoll")
        }
        _ = executor
    }

    deinit {
        attachments = [:]
        close(wake.descriptor)
        close(epoll)
        scratch.deallocate()
    }

    // MARK: Reaching the loop

    /// The executor for the loop's own work, such as request handlers.
    package var executor: LoopExecutor {
        if isCurrent, let ownExecutor { return ownExecutor }
        return remote.withLock { _ in
            if let ownExecutor { return ownExecutor }
            let made = LoopExecutor(loop: self, name: Self.ownActivity)
            if !isRetired { ownExecutor = made }
            return made
        }
    }

    /// Lets go of what the loop holds and what holds the loop, once its thread has ended. Tasks, connections and transfers that are left hold
    /// it still; with the last of them it closes its descriptors and gives its attachments back.
    func retire() {
        onBlocked = nil
        let own = remote.withLock { _ in
            isRetired = true
            return ownExecutor.take()
        }
        withExtendedLifetime(own) {}
    }

    /// The loop whose thread this is.
    package static var current: EventLoop? {
        cl_current_loop().map { Unmanaged<EventLoop>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Whether the caller is on the loop's thread.
    package var isCurrent: Bool { cl_current_loop() == Unmanaged.passUnretained(self).toOpaque() }

    func enqueue(_ job: LoopJob) {
        if isCurrent {
            jobs.append(job)
        } else {
            wakeIfFirst { $0.jobs.append(job) }
        }
    }

    /// Runs `body` on the loop, in this turn or the next. Any thread may call it.
    package func post(_ body: @escaping @Sendable () -> Void) {
        if isCurrent {
            posted.append(body)
        } else {
            wakeIfFirst { $0.posted.append(body) }
        }
    }

    /// Runs `body` at once when called on the loop, otherwise posts it.
    package func perform(_ body: @escaping @Sendable () -> Void) {
        if isCurrent { body() } else { post(body) }
    }

    private func wakeIfFirst(_ append: (inout RemoteWork) -> Void) {
        let isFirst = remote.withLock { work in
            defer { append(&work) }
            return work.isEmpty
        }
        // The eventfd is edge-triggered and never read: one write a batch, no system call to clear it.
        if isFirst { cl_eventfd_signal(wake.descriptor) }
    }

    // MARK: Sources

    /// Starts watching a source. It must live until ``unregister(_:)``.
    /// - Returns: false when the kernel refuses, for want of memory or of watches (`/proc/sys/fs/epoll/max_user_watches`).
    @discardableResult
    package func register(_ source: EventSource, for readiness: Readiness) -> Bool {
        cl_epoll_ctl(epoll, 1, source.descriptor, readiness.rawValue, Unmanaged.passUnretained(source).toOpaque()) == 0
    }

    /// Changes what a watched source is watched for.
    package func modify(_ source: EventSource, for readiness: Readiness) {
        _ = cl_epoll_ctl(epoll, 2, source.descriptor, readiness.rawValue, Unmanaged.passUnretained(source).toOpaque())
    }

    /// Stops watching a source and keeps it alive until the end of the turn: the kernel may have reported it already.
    package func unregister(_ source: EventSource) {
        _ = cl_epoll_ctl(epoll, 3, source.descriptor, 0, nil)
        retired.append(source)
    }

    // MARK: Attachments

    /// The one object of its class that belongs to this loop, made at the first call. Call it on the loop. The loop releases it when it is
    /// deallocated itself, so the object must not hold the loop.
    package func attachment<T: AnyObject>(_ make: () throws -> T) rethrows -> T {
        if let made = attachments[ObjectIdentifier(T.self)] as? T { return made }
        let made = try make()
        attachments[ObjectIdentifier(T.self)] = made
        return made
    }

    // MARK: Time

    /// The monotonic clock at this very moment, in nanoseconds; ``now`` is cheaper and as of this turn.
    package static func clock() -> Int64 { cl_monotonic_ns() }

    /// Sets a timer to fire `nanoseconds` from now, or moves it there.
    package func set(_ timer: LoopTimer, after nanoseconds: Int64) {
        let (deadline, overflow) = cl_monotonic_ns().addingReportingOverflow(max(nanoseconds, 0))
        timers.set(timer, deadline: overflow ? .max : deadline)
    }

    /// Sets a timer to fire at a moment of the monotonic clock, or moves it there.
    package func set(_ timer: LoopTimer, at deadline: Int64) {
        timers.set(timer, deadline: deadline)
    }

    /// Clears a timer.
    package func clear(_ timer: LoopTimer) {
        timers.clear(timer)
    }

    /// Suspends the calling task on this loop's timers.
    /// - Throws: `CancellationError` when the task is cancelled before the time has passed.
    package func sleep(nanoseconds: Int64) async throws {
        let sleep = LoopSleep(loop: self)
        try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { continuation in
                perform { sleep.begin(continuation, nanoseconds: nanoseconds) }
            }
        } onCancel: {
            perform { sleep.cancel() }
        }
    }

    /// Suspends until the loop's next turn, so that everything else on the loop gets its share. Call it on the loop.
    package func nextTurn() async {
        try? await withUnsafeThrowingContinuation { resumeNextTurn($0) }
    }

    /// As ``nextTurn()``, for callers that wait in a frame of their own.
    package func resumeNextTurn(_ continuation: UnsafeContinuation<Void, any Error>) { turnWaiters.append(continuation) }

    /// The Swift task that runs now, only to be compared with; `nil` outside of tasks.
    package static var currentTask: UnsafeRawPointer? { cl_current_task().map { UnsafeRawPointer($0) } }

    /// Does `work` once when this turn ends.
    package func atTurnEnd(_ phase: TurnPhase, _ work: any TurnEndWork) {
        turnEnds[phase.rawValue].append(work)
    }

    // MARK: Running

    /// Runs the loop on the calling thread until ``stop()``.
    package func run() {
        cl_set_current_loop(Unmanaged.passUnretained(self).toOpaque())
        defer { cl_set_current_loop(nil) }
        let ready = UnsafeMutablePointer<cl_ready>.allocate(capacity: Self.eventsPerWait)
        defer { ready.deallocate() }
        let executor = executor
        drainRemote()
        var isLast = isStopping.load(ordering: .relaxed)
        while !isLast {
            turns &+= 1
            runPosted()
            runJobs()
            endTurn()
            var timeout: Int64 = -1
            if !turnWaiters.isEmpty {
                let waiters = turnWaiters
                turnWaiters.removeAll(keepingCapacity: true)
                for waiter in waiters { waiter.resume() }
            }
            if !jobs.isEmpty || !posted.isEmpty || turnEnds.contains(where: { !$0.isEmpty }) {
                timeout = 0
            } else if let earliest = timers.earliest {
                timeout = max(0, earliest - cl_monotonic_ns())
            }
            let count = cl_epoll_wait(epoll, ready, Int32(Self.eventsPerWait), timeout)
            turnTime = cl_monotonic_ns()
            isLast = isStopping.load(ordering: .relaxed)
            if isLast {
                // What was posted before the stop, such as that nobody is accepted any more, also where a handler has held the loop since.
                drainRemote()
                runPosted()
            }
            if count > 0 { dispatch(UnsafeBufferPointer(start: ready, count: Int(count))) }
            // As many as there are now: a timer that sets itself to the past must not keep the loop here.
            var due = timers.count
            while due > 0, let timer = timers.popDue(now: now) {
                timer.fire()
                due -= 1
            }
            noteBlocking(since: now, executor.name)
        }
        // What the last reports left to be written, such as lines of the access log.
        endPhase(TurnPhase.output.rawValue)
        retired.removeAll()
    }

    /// Ends ``run()`` after its turn and what was posted before. Any thread may call it.
    package func stop() {
        isStopping.store(true, ordering: .relaxed)
        cl_eventfd_signal(wake.descriptor)
    }

    private func dispatch(_ ready: UnsafeBufferPointer<cl_ready>) {
        for report in ready {
            guard let pointer = report.source else { continue }
            if pointer == Unmanaged.passUnretained(wake).toOpaque() {
                drainRemote()
                continue
            }
            // Who registers a source keeps it, and `retired` keeps it until the turn's end, so that nothing has to be counted here.
            Unmanaged<EventSource>.fromOpaque(pointer)._withUnsafeGuaranteedRef { source in
                if source.descriptor >= 0 { source.ready(Readiness(rawValue: report.events)) }
            }
        }
    }

    private func drainRemote() {
        remote.withLock { work in
            if jobs.isEmpty {
                swap(&jobs, &work.jobs)
            } else {
                jobs.append(contentsOf: work.jobs)
                work.jobs.removeAll(keepingCapacity: true)
            }
            if posted.isEmpty {
                swap(&posted, &work.posted)
            } else {
                posted.append(contentsOf: work.posted)
                work.posted.removeAll(keepingCapacity: true)
            }
        }
    }

    private func runPosted() {
        while !posted.isEmpty {
            let batch = posted
            posted.removeAll(keepingCapacity: true)
            for body in batch { body() }
        }
    }

    private func runJobs() {
        var budget = Self.jobsPerTurn
        while !jobs.isEmpty, budget > 0 {
            swap(&jobs, &runningJobs)
            budget -= runningJobs.count
            let measures = blockWarningNanoseconds > 0
            var start = measures ? cl_monotonic_ns() : 0
            for job in runningJobs {
                if measures {
                    jobActivity.store(job.executor.name.index, ordering: .relaxed)
                    jobStartedAt.store(start, ordering: .relaxed)
                }
                job.job.runSynchronously(on: job.executor.asUnownedTaskExecutor())
                if measures { start = noteBlocking(since: start, job.executor.name) }
            }
            jobStartedAt.store(0, ordering: .relaxed)
            runningJobs.removeAll(keepingCapacity: true)
        }
    }

    @discardableResult
    private func noteBlocking(since start: Int64, _ activity: ActivityName) -> Int64 {
        guard blockWarningNanoseconds > 0 else { return start }
        let end = cl_monotonic_ns()
        if end &- start > blockWarningNanoseconds { onBlocked?(activity, end &- start) }
        return end
    }

    private func endTurn() {
        for phase in 0..<turnEnds.count where !turnEnds[phase].isEmpty { endPhase(phase) }
        if !retired.isEmpty { retired.removeAll(keepingCapacity: true) }
    }

    private func endPhase(_ phase: Int) {
        var next = 0
        // Work of an earlier phase may add to a later one, and to its own.
        while next < turnEnds[phase].count {
            let work = turnEnds[phase][next]
            next += 1
            work.turnEnds()
        }
        turnEnds[phase].removeAll(keepingCapacity: true)
    }
}
