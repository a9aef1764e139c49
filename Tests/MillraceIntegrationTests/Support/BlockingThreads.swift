import Glibc
import MillraceCore

/// Threads for clients that block. A task that prefers this executor, and its children, may block without holding up Swift's own pool.
///
/// A job gets an idle thread or a new one, so that hundreds of readers can wait at once; the threads live as long as the process.
final class BlockingThreads: TaskExecutor {
    static let shared = BlockingThreads()

    private struct State {
        var jobs: [UnownedJob] = []
        var idle = 0
    }
    private let state = Monitor(State())

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        var needsThread = false
        state.update { state in
            state.jobs.append(job)
            needsThread = state.jobs.count > state.idle
            return !needsThread
        }
        guard needsThread else { return }
        do {
            _ = try NamedThread(name: "test-client") { [self] in work() }
        } catch {
            preconditionFailure("\(error)")
        }
    }

    private func work() {
        var wasIdle = false
        while true {
            let job: UnownedJob = state.wait { state in
                if !state.jobs.isEmpty {
                    if wasIdle { state.idle -= 1 }
                    wasIdle = false
                    return state.jobs.removeFirst()
                }
                if !wasIdle { state.idle += 1 }
                wasIdle = true
                return nil
            }
            job.runSynchronously(on: asUnownedTaskExecutor())
        }
    }
}

/// Runs `body` where it may block.
func onThreads<R: Sendable>(_ body: @Sendable () async throws -> R) async throws -> R {
    try await withTaskExecutorPreference(BlockingThreads.shared) { try await body() }
}

/// Runs `body` for each number below `count`, each on a thread of its own, and returns the results in order.
func concurrently<R: Sendable>(_ count: Int, _ body: @escaping @Sendable (Int) async throws -> R) async throws -> [R] {
    try await withTaskExecutorPreference(BlockingThreads.shared) {
        try await withThrowingTaskGroup(of: (Int, R).self) { group in
            for index in 0..<count { group.addTask { (index, try await body(index)) } }
            var results: [Int: R] = [:]
            for try await (index, result) in group { results[index] = result }
            return results.sorted { $0.key < $1.key }.map(\.value)
        }
    }
}
