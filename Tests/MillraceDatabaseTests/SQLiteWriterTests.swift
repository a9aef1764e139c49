import Glibc
import MillraceCore
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

    @Test func writerThatIsClosedAndKept_leavesNoThreadBehind() async throws {
        let count = 100
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        var stack = 0
        pthread_attr_getstacksize(&attributes, &stack)
        pthread_attr_destroy(&attributes)

        let before = try Self.addressSpace()
        var kept: [SQLiteWriter<IdleHandler>] = []
        for _ in 0..<count {
            let session = try SQLiteSession(.open(path: ":memory:", access: .readWrite, synchronous: .off))
            let writer = try SQLiteWriter(name: "test", handler: IdleHandler(session), patience: 0)
            await withCheckedContinuation { continuation in writer.close { continuation.resume() } }
            kept.append(writer)
        }
        // A thread that has ended and that nobody joins keeps its stack.
        #expect(try Self.addressSpace() - before < count / 2 * stack)
        #expect(kept.count == count)
    }

    /// The process's address space, in bytes (`man 5 proc`, `statm`).
    private static func addressSpace() throws -> Int {
        let file = try #require(fopen("/proc/self/statm", "r"))
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        _ = try #require(fgets(&line, Int32(line.count), file))
        return atol(line) * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}
