import Millrace
import MillraceBackends
import MillraceCore
import MillraceDatabase
import Testing

/// Retention in pieces: each is bounded, what is half removed is gone for everybody, and a crash between two loses nothing but time.
@Suite struct SQLiteRetentionTests {
    private static func open(_ path: String) throws -> SQLiteStore { try SQLiteStore(path: path, configuration: .forTests) }

    /// A run whose log has `rows` rows of `bytes` bytes and more.
    private static func finish(_ store: SQLiteStore, _ id: String, chat: String = "c", rows: Int, bytes: Int, at seconds: Int64)
        async throws
    {
        let handle = try await store.start(Fixture.run(id, chat: chat, at: seconds))
        for sequence in 2..<(2 + rows) {
            var frames = ByteBuffer()
            frames.append(Fixture.frames(id, sequence...sequence))
            frames.append(Array(repeating: UInt8(ascii: "x"), count: bytes))
            let batch = EventBatch(firstSequence: sequence, lastSequence: sequence, frames: frames)
            try await store.commit(RunAppend(handle: handle, batch: batch, reservedSequence: 4096))
        }
        let last = Fixture.append(handle, (2 + rows)...(2 + rows), completion: Fixture.completion(id, chat: chat, at: seconds + 1))
        try await store.commit(last)
    }

    private static func count(_ path: String, _ table: String) throws -> Int {
        let session = try SQLiteSession(.open(path: path, access: .readOnly))
        return try session.first("SELECT count(*) FROM \(table)") { $0.int(0) } ?? -1
    }

    @Test(arguments: [(rows: 700, bytes: 10), (rows: 5, bytes: 700_000)])
    func logTooLargeForAPiece_isInvisibleFromTheFirst_andGoesOverRestarts(rows: Int, bytes: Int) async throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/test.db"
        var store = try Self.open(path)
        try await Self.finish(store, "big", rows: rows, bytes: bytes, at: 1)
        try await store.finish(Fixture.run("young", at: 100), at: 101)
        var position = RetentionPosition()
        var pieces = 0
        while true {
            let before = try Self.count(path, "run_events")
            let progress = try await store.expire(.runsEnded(50), from: position, principal: .system)
            pieces += 1
            let removed = before - (try Self.count(path, "run_events"))
            #expect(removed <= 256)
            // One row may go over the bound, and the log's first and last are short.
            #expect((removed - 2) * bytes <= (1 << 20) + bytes)
            // From the first piece on nobody finds it, by any way.
            #expect(try await store.run("big", principal: .ada) == nil)
            #expect(try await store.events(of: "big", after: 0, byteLimit: 1 << 20, principal: .ada) == nil)
            #expect(try await store.runs(RunFilter(), page: PageRequest(), principal: .ada).items.map(\.responseID) == ["young"])
            #expect(try await store.hasExpired(run: "big", principal: .ada))
            guard progress.next != nil else { break }
            try #require(pieces < 50)
            // Whatever the piece left behind is found by a process that knows nothing of it.
            await store.close()
            store = try Self.open(path)
            #expect(try await store.unfinishedRuns(principal: .system).isEmpty)
            position = RetentionPosition()
        }
        #expect(pieces >= 3)
        #expect(try Self.count(path, "runs") == 1)
        #expect(try Self.count(path, "run_events") == 2)
        await store.close()
    }

    @Test func chatTooLargeForAPiece_isInvisibleFromTheFirst_withItsRunsAndKeys() async throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/test.db"
        let store = try Self.open(path)
        let key = IdempotencyKey(key: "k", bodyHash: "1", expiresAt: Fixture.time(1_000_000))
        try await store.finish(Fixture.run("keyed", key: key, at: 1), at: 2)
        for number in 1...300 { try await store.finish(Fixture.run("r\(number)", at: 1), at: 2) }
        let first = try await store.expire(.chatsChanged(50), from: RetentionPosition(), principal: .system)
        let second = try await store.expire(.chatsChanged(50), from: try #require(first.next), principal: .system)
        #expect(second.chats == 0 && second.next != nil)
        #expect(try Self.count(path, "runs") > 100, "there is more to do")
        #expect(try await store.chat("c", principal: .ada) == nil)
        #expect(try await store.chats(page: PageRequest(), principal: .ada).items.isEmpty)
        #expect(try await store.messages(of: "c", page: PageRequest(), principal: .ada) == nil)
        #expect(try await store.run("r300", principal: .ada) == nil)
        #expect(try await store.events(of: "r300", after: 0, byteLimit: 1 << 20, principal: .ada) == nil)
        #expect(try await store.runs(RunFilter(), page: PageRequest(), principal: .ada).items.isEmpty)
        #expect(try await store.run(of: key, at: Fixture.time(5), principal: .ada) == nil)
        // A new chat of that name is another.
        try await store.finish(Fixture.run("new", key: key, at: 60), at: 61)
        _ = try await store.pass(.chatsChanged(50))
        #expect(try await store.messages(of: "c", page: PageRequest(), principal: .ada)?.items.map(\.id) == ["u_new", "new"])
        #expect(try Self.count(path, "messages") == 2)
        #expect(try Self.count(path, "chats") == 1)
        #expect(try Self.count(path, "runs") == 1)
        await store.close()
    }

    /// Ended runs that are `owners` people's, in turn.
    private static func fill(_ path: String, runs: Int, owners: Int) throws {
        let session = try SQLiteSession(.open(path: path, access: .readWrite, synchronous: .off))
        try session.connection.execute(
            """
            BEGIN;
            INSERT INTO chats (id, owner, chat_id, created_at, updated_at)
                WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < \(owners) - 1) SELECT i + 1, 'o' || i, 'c', 1, 1 FROM n;
            INSERT INTO runs (owner, response_id, chat, task, status, request_id, user_message_id, started_at, ended_at, last_sequence, reserved,
                recovery)
                WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < \(runs) - 1)
                SELECT 'o' || (i % \(owners)), 'r' || i, i % \(owners) + 1, 'chat', 'completed', 'q', 'u', 1, 2, 1, 64, 'close' FROM n;
            COMMIT;
            """)
    }

    @Test(
        arguments: [
            // One who has much more than is counted at once, and of whom only a little goes.
            (runs: 20_000, owners: 1, most: 19_990, removed: 10, pieces: 3...5),
            // Of whom more goes than one piece takes.
            (1000, 1, 300, 700, 6...8),
            // Many who have little: each costs a look.
            (2000, 1000, 2, 0, 2...4),
            (2000, 1000, 1, 1000, 8...12),
        ])
    func ownersRuns_areCountedAndRemovedInPieces(runs: Int, owners: Int, most: Int, removed: Int, pieces: ClosedRange<Int>) async throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/test.db"
        let store = try Self.open(path)
        try Self.fill(path, runs: runs, owners: owners)
        let cutoffs = RetentionCutoffs.at(100) { $0.maximumRunsPerOwner = most }
        let pass = try await store.pass(cutoffs)
        #expect(pass.runs == removed && pieces.contains(pass.pieces), "\(pass)")
        #expect(try Self.count(path, "runs") == runs - removed)
        let least = try SQLiteSession(.open(path: path, access: .readOnly)).first("SELECT min(id) FROM runs WHERE owner = 'o0'") {
            $0.int(0)
        }
        #expect(least == removed / owners * owners + 1, "the oldest have gone")
        await store.close()
    }

    @Test func storeThatIsTooLarge_losesItsOldestRuns_andReusesTheirSpace() async throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/test.db"
        let store = try Self.open(path)
        func fill(_ name: String, at seconds: Int64) async throws {
            for number in 0..<20 {
                try await Self.finish(store, "\(name)\(number)", rows: 2, bytes: 100_000, at: seconds + Int64(number))
            }
        }
        func pages() throws -> Int {
            try SQLiteSession(.open(path: path, access: .readOnly)).first("PRAGMA page_count") { $0.int(0) } ?? 0
        }
        try await fill("a", at: 1)
        let full = try pages()
        let cutoffs = RetentionCutoffs.at(1000) { $0.maximumBytes = 2 << 20 }
        let removed = try await store.pass(cutoffs).runs
        #expect((8...14).contains(removed), "\(removed)")
        #expect(try await store.run("a\(removed - 1)", principal: .ada) == nil)
        #expect(try await store.run("a\(removed)", principal: .ada) != nil, "the newer ones stay")
        #expect(try await store.pass(cutoffs).runs == 0)
        for round in 1...3 {
            try await fill("b\(round)-", at: 100)
            _ = try await store.pass(cutoffs)
        }
        let reused = try pages()
        #expect(reused < full * 8 / 5, "freed pages are used again: \(full) pages became \(reused)")
        await store.close()
    }

    @Test func migrationFromBeforeRetention_knowsWhichFilesChatsName() async throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/test.db"
        var store = try Self.open(path)
        for id in ["f_named", "f_free"] {
            try await store.createContent(
                ContentRecord(id: id, title: nil, mimeType: "text/plain", length: 3, entityTag: "t", createdAt: Fixture.time(1)),
                principal: .ada)
        }
        var new = Fixture.run("r1", at: 2)
        new.userMessage.parts = [.text("Look"), .document(Attachment(pointer: "content://f_named", mimeType: "text/plain"))]
        try await store.finish(new, at: 3)
        await store.close()
        // As the version before had it.
        let session = try SQLiteSession(.open(path: path, access: .readWrite))
        try session.connection.execute(
            """
            DROP TABLE content_uses; ALTER TABLE contents DROP COLUMN expired_owner;
            DROP INDEX runs_by_status; DROP INDEX runs_by_task; DROP INDEX runs_by_task_and_status;
            DROP TABLE prompt_versions; DROP TABLE prompts; ALTER TABLE runs DROP COLUMN prompts;
            ALTER TABLE runs DROP COLUMN judged; PRAGMA user_version = 2
            """)
        store = try Self.open(path)
        #expect(try await store.expireContents(.contentsCreated(20), limit: 10, principal: .system).map(\.record.id) == ["f_free"])
        await store.close()
    }
}
