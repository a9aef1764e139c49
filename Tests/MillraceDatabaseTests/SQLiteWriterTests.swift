import MillraceCore
import MillraceCounterparts
import MillraceDatabase
import Testing

@Suite struct SQLiteWriterTests {
    private struct NoJob: SQLiteWriteJob {
        let byteCount = 0
    }

    private final class IdleHandler: SQLiteWriteHandler {
        let session: SQLiteSession
        init(_ session: SQLiteSession) { self.session = session }
        func execute(_ jobs: [NoJob]) -> SQLiteGroupVerdict { .commit }
        func finish(_ jobs: [NoJob], _ error: MillraceError?) {}
        func stop() {}
    }

    /// Owes something until it was called so often.
    private final class OwingHandler: SQLiteWriteHandler {
        let session: SQLiteSession
        private let calls: Monitor<Int>
        private let owed: Int

        init(_ session: SQLiteSession, owed: Int, calls: Monitor<Int>) {
            (self.session, self.owed, self.calls) = (session, owed, calls)
        }

        func execute(_ jobs: [NoJob]) -> SQLiteGroupVerdict { .commit }
        func finish(_ jobs: [NoJob], _ error: MillraceError?) {}
        func stop() {}
        func attend() -> Int64? {
            var number = 0
            calls.updateAndWakeAll { calls in
                calls += 1
                number = calls
            }
            return number < owed ? 1000 : nil
        }
    }

    @Test func handlerThatOwesSomething_isCalledAgainThoughNobodyWrites() async throws {
        let calls = Monitor(0)
        let session = try SQLiteSession(.open(path: ":memory:", access: .readWrite, synchronous: .off))
        let writer = try SQLiteWriter(name: "test", handler: OwingHandler(session, owed: 5, calls: calls), patience: 0)
        #expect(writer.post(NoJob()) == nil)
        #expect(calls.wait(nanoseconds: 20_000_000_000) { $0 >= 5 ? true : nil } == true)
        await withCheckedContinuation { continuation in writer.close { continuation.resume() } }
        // Once it owes nothing it sleeps.
        #expect(calls.wait { $0 } == 5)
    }

    @Test func log_isEmptied_unlessSomebodyReadsIt() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/a.db"
        let session = try SQLiteSession(.open(path: path, access: .readWrite, synchronous: .off))
        try session.execute("CREATE TABLE t (a)")
        let reader = try SQLiteSession(.open(path: path, access: .readOnly))
        try reader.readTransaction { () throws(MillraceError) in
            _ = try reader.first("SELECT count(*) FROM t") { $0.int(0) }
            try session.execute("INSERT INTO t VALUES (1)")
            #expect(try session.emptyLog() == false)
        }
        #expect(try session.emptyLog())
        // Others' locks are waited for again.
        #expect(try session.first("PRAGMA busy_timeout") { $0.int(0) } == 100)
    }

    @Test func writerThatIsClosedAndKept_leavesNoThreadBehind() async {
        await #expect(processExitsWith: .success) {
            // So many that the stacks of all would be more than the sixteen arenas of 64 MiB that malloc may reserve for threads that overlap.
            let count = 400
            let before = try AddressSpace.size()
            var kept: [SQLiteWriter<IdleHandler>] = []
            for _ in 0..<count {
                let session = try SQLiteSession(.open(path: ":memory:", access: .readWrite, synchronous: .off))
                let writer = try SQLiteWriter(name: "test", handler: IdleHandler(session), patience: 0)
                await withCheckedContinuation { continuation in writer.close { continuation.resume() } }
                kept.append(writer)
            }
            #expect(try AddressSpace.size() - before < count / 2 * AddressSpace.stackSize())
            #expect(kept.count == count)
        }
    }
}
