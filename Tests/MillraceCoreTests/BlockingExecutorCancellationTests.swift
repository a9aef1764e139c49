import MillraceCore
import Testing

@Suite(.timeLimit(.minutes(2))) struct BlockingExecutorCancellationTests {
    @Test func caller_whoIsCancelled_leavesWhileTheWorkGoesOn() async throws {
        let executor = try BlockingExecutor(name: "test", threads: 1)
        defer { executor.stop() }
        let (beginnings, beginning) = AsyncStream<Void>.makeStream()
        let state = Monitor((mayEnd: false, isDone: false))
        let running = Task {
            try await executor.runUnlessCancelled {
                beginning.yield()
                state.wait { $0.mayEnd ? () : nil }
                state.updateAndWakeAll { $0.isDone = true }
            }
        }
        for await _ in beginnings { break }
        // Begun in place: it waits in the queue when this returns.
        let queued = Task.immediate { try await executor.runUnlessCancelled { Issue.record("dropped work ran") } }
        running.cancel()
        queued.cancel()
        await #expect(throws: CancellationError.self) { try await running.value }
        await #expect(throws: CancellationError.self) { try await queued.value }
        state.updateAndWakeAll { $0.mayEnd = true }
        #expect(try await executor.runUnlessCancelled { state.wait { $0.isDone ? 7 : nil } } == 7)
    }

    @Test func work_thatIsNotTaken_throwsWhy() async throws {
        let executor = try BlockingExecutor(name: "test", threads: 1)
        executor.stop()
        await #expect { try await executor.runUnlessCancelled { 1 } } throws: { ($0 as? MillraceError)?.code == .serverShutdown }
    }
}
