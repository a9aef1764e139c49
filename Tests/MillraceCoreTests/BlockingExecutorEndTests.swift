import Glibc
import MillraceCore
import Testing

@Suite(.timeLimit(.minutes(2))) struct BlockingExecutorEndTests {
    @Test func lastReferenceThatGoesOnItsOwnThread_leavesNoThreadBehind() async throws {
        let rounds = 100
        let before = try Self.addressSpace()
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
        // A thread that nobody joins keeps its stack.
        #expect(try Self.addressSpace() - before < rounds / 2 * Self.stackSize())
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

    /// The process's address space, in bytes (`man 5 proc`, `statm`).
    private static func addressSpace() throws -> Int {
        let file = try #require(fopen("/proc/self/statm", "r"))
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        _ = try #require(fgets(&line, Int32(line.count), file))
        return atol(line) * Int(sysconf(Int32(_SC_PAGESIZE)))
    }

    /// A new thread's, in bytes.
    private static func stackSize() -> Int {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        var size = 0
        pthread_attr_getstacksize(&attributes, &size)
        return size
    }
}
