import MillraceCore
package import Testing

/// Runs a suite's tests on threads of their own instead of Swift's pool, which has one for each core: tests that wait for other programs, or
/// compute for long, would hold all of it, and those beside them that bound their time would fail.
package struct OwnThreads: SuiteTrait, TestTrait, TestScoping {
    package let isRecursive = true

    @concurrent package func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        try await withTaskExecutorPreference(ThreadsExecutor.shared) { try await function() }
    }
}

extension Trait where Self == OwnThreads {
    /// On threads that no other suite needs.
    package static var ownThreads: OwnThreads { OwnThreads() }
}

/// Threads that run jobs in the order in which they come. There are many, for those that wait for a server to start do nothing.
private final class ThreadsExecutor: TaskExecutor {
    static let shared = ThreadsExecutor(threads: 24)

    private let queue = Monitor<[UnownedJob]>([])

    init(threads: Int) {
        for _ in 0..<threads {
            let thread = try? NamedThread(name: "tests") { [self] in
                while true {
                    let job = queue.wait { $0.isEmpty ? nil : $0.removeFirst() }
                    job.runSynchronously(on: asUnownedTaskExecutor())
                }
            }
            thread?.detach()
        }
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.update {
            $0.append(job)
            return true
        }
    }
}
