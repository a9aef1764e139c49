import CLinux
import Glibc
import MillraceCore
import Synchronization

/// The loops of a server, one thread each, and the watchdog over them.
package final class EventLoopGroup: Sendable {
    /// The loops, in order of their index.
    package let loops: [EventLoop]
    private let threads = Locked<[NamedThread]>([])
    private let watchdogStop = Monitor(false)
    private let next = Atomic<Int>(0)

    /// Loops that have not started.
    /// - Parameter count: how many; 0 means one for each processor that this process may use.
    package init(count: Int) throws {
        let count = count > 0 ? count : Self.availableProcessors
        loops = try (0..<count).map { try EventLoop(index: $0) }
    }

    /// The processors that this process may run on.
    package static var availableProcessors: Int {
        max(1, Int(cl_processors()))
    }

    /// A loop for work that no connection brought, in turn.
    package var any: EventLoop {
        loops[next.wrappingAdd(1, ordering: .relaxed).oldValue % loops.count]
    }

    deinit {
        // Of a group that never started, nobody stops the loops.
        if threads.withLock({ $0.isEmpty }) { for loop in loops { loop.retire() } }
    }

    /// Starts a thread for each loop, and the watchdog.
    /// - Parameters:
    ///   - blockWarningNanoseconds: how long one job may hold a loop before it is reported (0: never).
    ///   - onBlocked: called on any thread with the activity, the loop's index, the time so far, and whether the loop is still held.
    package func start(
        blockWarningNanoseconds: Int64 = 0,
        onBlocked: @escaping @Sendable (_ activity: String, _ loop: Int, _ nanoseconds: Int64, _ isStillBlocked: Bool) -> Void = {
            _, _, _, _ in
        }
    ) throws {
        for loop in loops {
            loop.blockWarningNanoseconds = blockWarningNanoseconds
            loop.onBlocked = { activity, nanoseconds in onBlocked("\(activity)", loop.index, nanoseconds, false) }
            let thread = try NamedThread(name: "loop-\(loop.index)") { loop.run() }
            threads.withLock { $0.append(thread) }
        }
        guard blockWarningNanoseconds > 0 else { return }
        let (loops, stop) = (loops, watchdogStop)
        let watchdog = try NamedThread(name: "watchdog") {
            Self.watch(loops, longest: max(blockWarningNanoseconds * 10, 1_000_000_000), stop: stop, onBlocked: onBlocked)
        }
        threads.withLock { $0.append(watchdog) }
    }

    /// Whether the first loop runs, which is started if no loop was. It does not where there are no threads to be had.
    package func startIfNeeded() -> Bool {
        if threads.withLock({ $0.isEmpty }) { try? start() }
        return threads.withLock { !$0.isEmpty }
    }

    /// Reports jobs that hold a loop and do not return: the loop itself can only speak afterwards.
    private static func watch(
        _ loops: [EventLoop], longest: Int64, stop: Monitor<Bool>, onBlocked: (String, Int, Int64, Bool) -> Void
    ) {
        var reported = Array(repeating: Int64(0), count: loops.count)
        while stop.wait(nanoseconds: longest, { $0 ? true : nil }) == nil {
            let now = cl_monotonic_ns()
            for (i, loop) in loops.enumerated() {
                let start = loop.jobStartedAt.load(ordering: .relaxed)
                guard start > 0, now - start > longest, reported[i] != start else { continue }
                reported[i] = start
                onBlocked("\(ActivityName(index: loop.jobActivity.load(ordering: .relaxed)))", i, now - start, true)
            }
        }
    }

    /// Stops every loop after its turn and waits for the threads. Call it from one thread, and from none of theirs.
    package func stop() {
        for loop in loops { loop.stop() }
        watchdogStop.updateAndWakeAll { $0 = true }
        let joined = threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        for thread in joined { thread.join() }
        for loop in loops { loop.retire() }
    }
}
