import Millrace
import MillraceCore
import MillraceDatabase
import Testing

@testable import MillraceBackends

/// How SQLite finds what the store asks for. A page of a list, and a run's life, must cost the same however much is stored: nothing is looked
/// through from end to end, and nothing is sorted.
@Suite struct SQLiteStorePlanTests {
    private struct Combination: CustomTestStringConvertible {
        var filter: RunFilter
        /// The columns that the index must narrow down, in their order.
        var narrowed: String
        var testDescription: String { "\(filter.status?.rawValue ?? "-") \(filter.task ?? "-") \(filter.chatID ?? "-")" }
    }

    /// Every combination of filters, with every status.
    private static let combinations: [Combination] = [String?.none, "c"].flatMap { chat in
        [String?.none, "chat"].flatMap { task in
            ([nil] + RunStatus.allCases.map { $0 }).map { status in
                let narrowed: String =
                    switch (chat, task, status) {
                    case (_?, _, _): "chat=? AND rowid<?"
                    // What runs is few, and apart from the rest.
                    case (_, _, .running?): "owner=? AND id<?"
                    case (_, nil, nil): "owner=? AND id<?"
                    case (_, nil, _?): "owner=? AND status=? AND id<?"
                    case (_, _?, nil): "owner=? AND task=? AND id<?"
                    case (_, _?, _?): "owner=? AND task=? AND status=? AND id<?"
                    }
                return Combination(filter: RunFilter(status: status, task: task, chatID: chat), narrowed: narrowed)
            }
        }
    }

    /// The steps of a statement's plan, in words.
    private static func plan(_ sql: String, _ session: SQLiteSession) throws(MillraceError) -> [String] {
        try session.rows("EXPLAIN QUERY PLAN \(sql)") { $0.text(3) ?? "" }
    }

    /// The plans of all that the session has prepared.
    private static func plans(_ session: SQLiteSession) throws(MillraceError) -> [(sql: String, plan: [String])] {
        try session.preparedTexts.filter { !$0.hasPrefix("EXPLAIN") }.map { (sql) throws(MillraceError) in
            (sql, try plan(sql, session))
        }
    }

    private static func expectNoScan(_ sql: String, _ plan: [String], at location: SourceLocation = #_sourceLocation) {
        for step in plan {
            // The path to a message is walked from row to row and then turned round.
            let isThePath = sql.contains("WITH RECURSIVE path") && (step == "SCAN path" || step.contains("TEMP B-TREE"))
            let isBad =
                step.hasPrefix("SCAN") && step != "SCAN CONSTANT ROW"
                || ["TEMP B-TREE", "AUTOMATIC", "BLOOM FILTER"].contains { step.contains($0) }
            #expect(!isBad || isThePath, "\(step), for: \(sql)", sourceLocation: location)
        }
    }

    /// What `ANALYZE` says of a store of a million runs of one owner. Somebody may have asked for it, and a planner that has statistics chooses
    /// otherwise than one that guesses.
    private static let statistics = """
        ANALYZE;
        DELETE FROM sqlite_stat1;
        INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
            ('chats', 'chats_by_change', '120000 120000 6 1'), ('chats', 'sqlite_autoindex_chats_1', '120000 120000 1'),
            ('messages', 'messages_by_chat', '2000000 17'), ('messages', 'sqlite_autoindex_messages_1', '2000000 2000000 1'),
            ('runs', 'runs_by_chat', '1000000 9'), ('runs', 'runs_by_owner', '1000000 1000000 1'),
            ('runs', 'runs_by_status', '1000000 1000000 1000000 1'), ('runs', 'runs_by_task', '1000000 1000000 1000000 1'),
            ('runs', 'runs_by_task_and_status', '1000000 1000000 1000000 1000000 1'),
            ('runs', 'sqlite_autoindex_runs_1', '1000000 1000000 1'), ('run_events', 'run_events_by_run', '2000000 2 1'),
            ('contents', 'contents_by_owner', '100000 100000 1'), ('contents', 'sqlite_autoindex_contents_1', '100000 1'),
            ('idempotency', 'idempotency_by_expiry', '100000 2'), ('idempotency', 'idempotency', '100000 100000 1');
        """

    private static func withStore(hasStatistics: Bool = false, _ body: (SQLiteStore) async throws -> Void) async throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/test.db"
        let session = try SQLiteSession(.open(path: path, access: .readWrite))
        try SQLiteStoreSchema.migrations.apply(to: session, path: path)
        if hasStatistics { try session.connection.execute(statistics) }
        var configuration = SQLiteStore.Configuration.forTests
        configuration.readers = 1
        let store = try SQLiteStore(path: path, configuration: configuration)
        do {
            try await body(store)
        } catch {
            await store.close()
            throw error
        }
        await store.close()
    }

    @Test(arguments: combinations, [false, true])
    private func runs_areFoundByAnIndexOfTheirOwn(combination: Combination, hasStatistics: Bool) async throws {
        try await Self.withStore(hasStatistics: hasStatistics) { store in
            let sql = SQLiteStore.listQuery(combination.filter)
            let plan = try await store.readers.read { session throws(MillraceError) in try Self.plan(sql, session) }
            Self.expectNoScan(sql, plan)
            let first = try #require(plan.first)
            #expect(first.hasPrefix("SEARCH r USING INDEX ") && first.hasSuffix("(\(combination.narrowed))"), "\(plan)")
        }
    }

    @Test(arguments: [false, true])
    func noStatementOfARunsLifeOrOfAList_scansOrSorts(hasStatistics: Bool) async throws {
        try await Self.withStore(hasStatistics: hasStatistics) { store in
            let key = IdempotencyKey(key: "k", bodyHash: "1", expiresAt: Fixture.time(1_000_000))
            try await store.createContent(
                ContentRecord(id: "f", title: nil, mimeType: "text/plain", length: 3, entityTag: "t", createdAt: Fixture.time(1)),
                principal: .ada)
            var new = Fixture.run("r1", key: key)
            new.userMessage.parts = [.document(Attachment(pointer: "content://f", mimeType: "text/plain"))]
            let handle = try await store.start(new)
            try await store.commit(Fixture.append(handle, 2...4))
            var completion = Fixture.completion("r1")
            completion.message.parts = new.userMessage.parts
            try await store.commit(Fixture.append(handle, 5...5, completion: completion))
            try await store.finish(Fixture.run("r2", parent: "r1"))
            #expect(try await store.run(of: key, at: Fixture.time(5), principal: .ada) == "r1")
            #expect(try await store.run("r1", principal: .ada) != nil)
            #expect(try await store.events(of: "r1", after: 2, byteLimit: 1 << 20, principal: .ada)?.lastSequence == 5)
            #expect(try await store.path(in: "c", to: nil, principal: .ada)?.messages.count == 4)
            #expect(try await store.hasExpired(run: "r1", principal: .ada) == false)
            #expect(try await store.content("f", principal: .ada) != nil)

            let page = PageRequest(limit: 2)
            #expect(try await store.chats(page: page, principal: .ada).items.count == 1)
            #expect(try await store.messages(of: "c", page: page, principal: .ada)?.items.count == 2)
            #expect(try await store.contents(page: page, principal: .ada).items.count == 1)
            for combination in Self.combinations { _ = try await store.runs(combination.filter, page: page, principal: .ada) }

            let read = try await store.readers.read { session throws(MillraceError) in
                try Self.plans(session)
            }
            #expect(read.count > Set(Self.combinations.map { SQLiteStore.listQuery($0.filter) }).count + 8)
            let written = try await store.change { session throws(MillraceError) in
                try Self.plans(session)
            }
            #expect(written.count > 10)
            for (sql, plan) in read + written { Self.expectNoScan(sql, plan) }
        }
    }

    /// The few that run are found at a start without a look at all that has ended.
    @Test func unfinishedRuns_areFoundByTheirIndex() async throws {
        try await Self.withStore { store in
            _ = try await store.unfinishedRuns(principal: .system)
            let plans = try await store.readers.read { session throws(MillraceError) in
                try Self.plans(session)
            }
            #expect(plans.count == 1 && plans[0].plan.contains("SCAN r USING INDEX runs_unfinished"), "\(plans)")
        }
    }

    @Test func migrationFromBeforeTheIndexes_makesThem() async throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/test.db"
        let before = SQLiteMigrations(Array(SQLiteStoreSchema.migrations.steps[..<3]))
        try before.apply(to: SQLiteSession(.open(path: path, access: .readWrite)), path: path)
        let store = try SQLiteStore(path: path, configuration: .forTests)
        try await store.finish(Fixture.run("r1"))
        for combination in Self.combinations {
            let isFound = [nil, .completed].contains(combination.filter.status)
            #expect(try await store.runs(combination.filter, page: PageRequest(), principal: .ada).items.count == (isFound ? 1 : 0))
        }
        await store.close()
    }
}
