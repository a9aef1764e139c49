import Millrace
import MillraceBackends
import MillraceCore
import Testing

@Suite struct InMemoryStoreTests {
    @Test func logsOverTheLimit_forgetTheOldestEndedChats_andKeepRunningOnes() async throws {
        let one = Fixture.frames("r_0", 1...10).count
        // Four logs have one byte more than fits: what came with the runs counts, too.
        let store = InMemoryStore(logByteLimit: one * 4 - 1)
        let running = try await store.start(Fixture.run("r_0", chat: "c_0"))
        try await store.commit(Fixture.append(running, 2...10))
        for i in 1...3 {
            let key = IdempotencyKey(key: "k_\(i)", bodyHash: "h", expiresAt: Fixture.time(1_000_000))
            let handle = try await store.start(Fixture.run("r_\(i)", chat: "c_\(i)", key: key))
            try await store.commit(Fixture.append(handle, 2...10, completion: Fixture.completion("r_\(i)", chat: "c_\(i)")))
        }
        // The first chat that ended is gone with everything in it, the running one stays.
        #expect(try await store.run("r_1", principal: .ada) == nil)
        #expect(try await store.chat("c_1", principal: .ada) == nil)
        #expect(try await store.run("r_0", principal: .ada)?.status == .running)
        #expect(try await store.run("r_2", principal: .ada)?.lastSequence == 10)
        #expect(try await store.run("r_3", principal: .ada)?.lastSequence == 10)
        // Its idempotency key starts a new run.
        let again = IdempotencyKey(key: "k_1", bodyHash: "h", expiresAt: Fixture.time(1_000_000))
        let creation = try await store.createRun(Fixture.run("r_9", chat: "c_9", key: again), principal: .ada)
        guard case .created = creation else {
            Issue.record("the key of a forgotten run is still known")
            return
        }
    }
}
