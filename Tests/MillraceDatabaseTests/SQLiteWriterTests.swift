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
