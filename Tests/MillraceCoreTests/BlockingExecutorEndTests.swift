import MillraceCore
import MillraceCounterparts
import Testing

@Suite(.timeLimit(.minutes(2))) struct BlockingExecutorEndTests {
    @Test func lastReferenceThatGoesOnItsOwnThread_leavesNoThreadBehind() async {
        await #expect(processExitsWith: .success) {
            // So many that the stacks of all would be more than the sixteen arenas of 64 MiB that malloc may reserve for threads that overlap.
            let rounds = 400
            let before = try AddressSpace.size()
            for _ in 0..<rounds {
                let held = Locked<BlockingExecutor?>(try BlockingExecutor(name: "test", threads: 2))
                let state = Monitor((isAlone: false, isGone: false))
                let (beginnings, beginning) = AsyncStream<Void>.makeStream()
                // The caller leaves; its work goes on, and holds the executor.
                let caller = Task {
                    try await held.withLock { $0 }?.runUnlessCancelled {
                        beginning.yield()
                        state.wait { $0.isAlone ? () : nil }
                        held.withLock { $0 = nil }
                        state.updateAndWakeAll { $0.isGone = true }
                    }
                }
                for await _ in beginnings { break }
                caller.cancel()
                await #expect(throws: CancellationError.self) { try await caller.value }
                state.updateAndWakeAll { $0.isAlone = true }
                state.wait { $0.isGone ? () : nil }
            }
            #expect(try AddressSpace.size() - before < rounds / 2 * AddressSpace.stackSize())
        }
    }

    @Test func stopOnItsOwnThread_endsWhatIsQueuedFirst() async throws {
        let executor = try BlockingExecutor(name: "test", threads: 1)
        let (state, order) = (Monitor(false), Locked<[Int]>([]))
        let first = Task.immediate {
            try await executor.run {
                state.wait { $0 ? () : nil }
                executor.stop()
                order.withLock { $0.append(1) }
            }
        }
        let second = Task.immediate { try await executor.run { order.withLock { $0.append(2) } } }
        state.updateAndWakeAll { $0 = true }
        try await first.value
        try await second.value
        #expect(order.withLock { $0 } == [1, 2])
        await #expect { try await executor.run { 1 } } throws: { ($0 as? MillraceError)?.code == .serverShutdown }
    }
}
