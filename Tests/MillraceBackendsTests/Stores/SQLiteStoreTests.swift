import Glibc
import Millrace
import MillraceCore
import MillraceDatabase
import Testing

@testable import MillraceBackends

/// What only the SQLite store promises: it keeps what it committed, groups commits, and outlasts a disk that is full for a while.
@Suite struct SQLiteStoreTests {
    /// Makes the writer's calls fail, or holds the next commit, and tells when it has.
    final class Faults: Sendable {
        private struct Plan {
            var operation = SQLiteOperation.commit
            var code: Int32 = 0
            var failuresLeft = 0
            var failures = 0
            var holdsCommit = false
            var isHeld = false
        }
        private let plan = Monitor(Plan())

        func fail(_ operation: SQLiteOperation, _ code: Int32, times: Int) {
            plan.updateAndWakeAll { plan in
                plan.operation = operation
                plan.code = code
                plan.failuresLeft = times
            }
        }
        func stop() { plan.updateAndWakeAll { $0.failuresLeft = 0 } }
        func waitForFailures(_ count: Int) { _ = plan.wait { $0.failures >= count ? true : nil } }

        /// Runs `body` while the writer stands before a commit that `first` has asked for.
        func holdingCommit(of first: () -> Void, _ body: () -> Void) {
            plan.updateAndWakeAll { $0.holdsCommit = true }
            first()
            _ = plan.wait { $0.isHeld ? true : nil }
            body()
            plan.updateAndWakeAll { $0.holdsCommit = false }
        }

        func callAsFunction(_ operation: SQLiteOperation) -> Int32? {
            if operation == .commit {
                plan.updateAndWakeAll { $0.isHeld = $0.holdsCommit }
                _ = plan.wait { $0.holdsCommit ? nil : true }
            }
            var code: Int32?
            plan.updateAndWakeAll { plan in
                guard plan.operation == operation, plan.failuresLeft > 0 else { return }
                plan.failuresLeft -= 1
                plan.failures += 1
                code = plan.code
            }
            return code
        }
    }

    static func open(_ path: String, patience: Int64 = 60_000_000_000, faults: Faults? = nil) throws -> SQLiteStore {
        var configuration = SQLiteStore.Configuration.forTests
        configuration.patience = patience
        var hook: SQLiteFaultHook?
        if let faults { hook = { faults($0) } }
        return try SQLiteStore(path: path, configuration: configuration, faultHook: hook)
    }

    static func countRows(_ path: String) throws -> Int? {
        let session = try SQLiteSession(SQLiteConnection.open(path: path, access: .readOnly))
        return try session.first("SELECT count(*) FROM run_events") { $0.int(0) }
    }

    @Test func reopening_keepsEverything() async throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/a.db"
        let first = try Self.open(path)
        let handle = try await first.start(Fixture.run("r1"))
        try await first.commit(Fixture.append(handle, 2...5))
        try await first.registerTaskHandler(
            TaskHandlerMetadata(name: "chat", description: "d", isDefault: true, createdAt: Fixture.time(1), updatedAt: Fixture.time(1)),
            principal: .ada)
        let run = try await first.run("r1", principal: .ada)
        let events = try await first.events(of: "r1", after: 0, byteLimit: 1 << 20, principal: .ada)
        await first.close()

        let second = try Self.open(path)
        #expect(try await second.run("r1", principal: .ada) == run)
        #expect(try await second.events(of: "r1", after: 0, byteLimit: 1 << 20, principal: .ada) == events)
        #expect(try await second.unfinishedRuns(principal: .system).map(\.handle) == [handle])
        #expect(try await second.taskHandler("chat", principal: .ada)?.isDefault == true)
        try await second.commit(Fixture.append(handle, 6...6, completion: Fixture.completion("r1")))
        await second.close()
    }

    /// A database from before there were prompts: what it holds stays, and prompts can be stored.
    @Test func olderDatabase_isBroughtUpToDate() async throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/a.db"
        let first = try Self.open(path)
        try await first.finish(Fixture.run("r1"))
        let run = try await first.run("r1", principal: .ada)
        await first.close()
        let connection = try SQLiteConnection.open(path: path, access: .readWrite)
        for statement in [
            "DROP TABLE prompt_versions", "DROP TABLE prompts", "ALTER TABLE runs DROP COLUMN prompts",
            "ALTER TABLE runs DROP COLUMN judged", "PRAGMA user_version = 4",
        ] { try connection.execute(statement) }
        let second = try Self.open(path)
        #expect(try await second.run("r1", principal: .ada) == run)
        _ = try await second.storePrompt(
            .prompt, "chat/a.j2", PromptDraft(text: "x"), activates: true, if: PromptCondition(), at: Fixture.time(1), principal: .ada)
        #expect(try await second.prompts(.prompt, page: PageRequest(), principal: .ada).items.map(\.name) == ["chat/a.j2"])
        await second.close()
    }

    @Test func newerDatabase_isRefused() async throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/a.db"
        await (try Self.open(path)).close()
        try SQLiteConnection.open(path: path, access: .readWrite).execute("PRAGMA user_version = 99")
        let error = await expectError(.storageUnavailable) { _ = try Self.open(path) }
        #expect(error?.message.contains("newer Millrace") == true)
        #expect(error?.message.contains(path) == true)
    }

    @Test func whatIsNoDatabase_isRefused() async throws {
        let directory = try TemporaryDirectory()
        await expectError(.storageUnavailable) { _ = try Self.open("\(directory.path)/none/a.db") }
        await expectError(.storageUnavailable) { _ = try Self.open("/dev/null/a.db") }
    }

    @Test func appendsThatWait_becomeOneRowARun() async throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/a.db"
        let faults = Faults()
        let store = try Self.open(path, faults: faults)
        let first = try await store.start(Fixture.run("r1"))
        let second = try await store.start(Fixture.run("r2"))
        let done = Monitor(0)
        // What comes while a commit is under way goes into one transaction after it.
        faults.holdingCommit {
            store.append([Fixture.append(first, 2...2)]) { _ in done.updateAndWakeAll { $0 += 1 } }
        } _: {
            for i in 3...50 {
                store.append([Fixture.append(first, i...i), Fixture.append(second, (i - 1)...(i - 1))]) { error in
                    if error == nil { done.updateAndWakeAll { $0 += 1 } }
                }
            }
        }
        _ = done.wait { $0 == 49 ? true : nil }
        // Two of them came with the runs.
        #expect(try Self.countRows(path) == 2 + 3)
        for (id, last) in [("r1", 50), ("r2", 49)] {
            let read = try await store.events(of: id, after: 0, byteLimit: 1 << 20, principal: .ada)
            #expect(read?.frames == Fixture.frames(id, 1...last))
        }
        await store.close()
    }

    @Test(arguments: [(SQLiteOperation.commit, Int32(13)), (.commit, 5), (.begin, 5), (.step, 13), (.step, 10), (.commit, 778)])
    func storeThatFailsForAWhile_losesNothing(operation: SQLiteOperation, code: Int32) async throws {
        let directory = try TemporaryDirectory()
        let faults = Faults()
        let store = try Self.open("\(directory.path)/a.db", faults: faults)
        let handle = try await store.start(Fixture.run("r1"))
        faults.fail(operation, code, times: 4)
        try await store.commit(Fixture.append(handle, 2...3), Fixture.append(handle, 4...4, completion: Fixture.completion("r1")))
        faults.waitForFailures(4)
        let read = try await store.events(of: "r1", after: 0, byteLimit: 1 << 20, principal: .ada)
        #expect(read?.frames == Fixture.frames("r1", 1...4))
        #expect(read?.status == .completed)
        await store.close()
    }

    @Test(arguments: [(Int32(13), ErrorCode.storageFull), (5, .storageUnavailable), (10, .storageUnavailable)])
    func storeThatFailsBeyondPatience_failsClearly_andGoesOnLater(code: Int32, expected: ErrorCode) async throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/a.db"
        let faults = Faults()
        let store = try Self.open(path, patience: 5_000_000, faults: faults)
        let handle = try await store.start(Fixture.run("r1"))
        faults.fail(.commit, code, times: .max)
        let error = await expectError(expected) { try await store.commit(Fixture.append(handle, 2...2)) }
        #expect(error?.isRetryable == true)
        #expect(error?.cause?.contains(path) == true)
        await expectError(expected) { _ = try await store.start(Fixture.run("r2")) }
        await expectError(expected) { try await store.check(principal: .ada) }
        faults.stop()
        #expect(try await store.run("r2", principal: .ada) == nil)
        // What the run appends behind the lost events is dropped: its log would have a hole that nothing announces.
        try await store.commit(Fixture.append(handle, 3...3, completion: Fixture.completion("r1")))
        #expect(try await store.run("r1", principal: .ada)?.lastSequence == 1)
        #expect(try await store.run("r1", principal: .ada)?.status == .running)
        // Recovery closes it, and other runs go on.
        var closing = Fixture.append(handle, 65...66, completion: Fixture.completion("r1", .error))
        closing.isRecovery = true
        try await store.commit(closing)
        #expect(try await store.run("r1", principal: .ada)?.status == .error)
        let next = try await store.start(Fixture.run("r3", chat: "c3"))
        try await store.commit(Fixture.append(next, 2...2))
        #expect(try await store.run("r3", principal: .ada)?.lastSequence == 2)
        await store.close()
    }

    @Test func databaseThatCannotGrow_isFull_andGoesOnOnceItCan() async throws {
        let directory = try TemporaryDirectory()
        let store = try Self.open("\(directory.path)/a.db", patience: 5_000_000)
        let handle = try await store.start(Fixture.run("r1"))
        // SQLite's own limit gives the very error of a full disk, and rolls the transaction back by itself.
        try await store.change { session throws(MillraceError) in try session.connection.execute("PRAGMA max_page_count = 1") }
        await expectError(.storageFull) { try await store.commit(Fixture.append(handle, 2...2000)) }
        try await store.change { session throws(MillraceError) in try session.connection.execute("PRAGMA max_page_count = 1000000") }
        let next = try await store.start(Fixture.run("r2", chat: "c2"))
        try await store.commit(Fixture.append(next, 2...2000))
        #expect(try await store.run("r2", principal: .ada)?.lastSequence == 2000)
        await store.close()
    }

    @Test func close_foldsTheLogIntoTheFile() async throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/a.db"
        let store = try Self.open(path)
        let handle = try await store.start(Fixture.run("r1"))
        try await store.commit(Fixture.append(handle, 2...4))
        _ = try await store.run("r1", principal: .ada)
        #expect(access("\(path)-wal", F_OK) == 0)
        await store.close()
        #expect(access("\(path)-wal", F_OK) != 0)
    }

    @Test func damage_isNotTriedAgain() async throws {
        let directory = try TemporaryDirectory()
        let faults = Faults()
        let store = try Self.open("\(directory.path)/a.db", faults: faults)
        faults.fail(.commit, 11, times: 1)
        let error = await expectError(.storageUnavailable) { _ = try await store.start(Fixture.run("r1")) }
        #expect(error?.isRetryable == false)
        await store.close()
    }

    @Test func close_whileTheStoreFails_endsThePatience() async throws {
        let directory = try TemporaryDirectory()
        let faults = Faults()
        let store = try Self.open("\(directory.path)/a.db", faults: faults)
        let handle = try await store.start(Fixture.run("r1"))
        faults.fail(.commit, 13, times: .max)
        let outcome = Monitor<MillraceError?>(nil)
        store.append([Fixture.append(handle, 2...2)]) { error in outcome.updateAndWakeAll { $0 = error } }
        faults.waitForFailures(1)
        await store.close()
        #expect(outcome.wait { $0 }.code == .storageFull)
    }

    @Test func changeThatFailsHalfWay_leavesTheOthersInItsGroup() async throws {
        let directory = try TemporaryDirectory()
        let faults = Faults()
        let store = try Self.open("\(directory.path)/a.db", faults: faults)
        let good = try await store.start(Fixture.run("r1"))
        let bad = try await store.start(Fixture.run("r2"))
        let done = Monitor<[String: ErrorCode?]>([:])
        func post(_ name: String, _ append: RunAppend) {
            store.append([append]) { error in done.updateAndWakeAll { $0[name] = .some(error?.code) } }
        }
        faults.holdingCommit {
            post("wait", Fixture.append(good, 2...2))
        } _: {
            post("good", Fixture.append(good, 3...3))
            // Its row is written before its message turns out to clash.
            post("bad", Fixture.append(bad, 2...2, completion: Fixture.completion("u_r1")))
            post("ghost", Fixture.append(RunHandle(principal: .ada, responseID: "x", number: 99), 1...1))
            post("later", Fixture.append(good, 4...4, completion: Fixture.completion("r1")))
        }
        let codes = done.wait { $0.count == 5 ? $0 : nil }
        #expect(codes == ["wait": nil, "good": nil, "bad": .conflict, "ghost": .notFound, "later": nil])
        #expect(try await store.run("r1", principal: .ada)?.lastSequence == 4)
        #expect(try await store.run("r2", principal: .ada)?.lastSequence == 1)
        #expect(try await store.run("r2", principal: .ada)?.status == .running)
        await store.close()
    }

    @Test func readers_beside_theWriter_seeWholeCommits() async throws {
        let directory = try TemporaryDirectory()
        let store = try Self.open("\(directory.path)/a.db")
        let handle = try await store.start(Fixture.run("r1"))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<2 {
                group.addTask {
                    // Follows the log by its cursor until the run has ended.
                    var cursor = 0
                    var read: [UInt8] = []
                    while true {
                        let stretch = try #require(try await store.events(of: "r1", after: cursor, byteLimit: 200, principal: .ada))
                        read += stretch.frames
                        cursor = max(cursor, stretch.lastSequence)
                        if stretch.status.isTerminal, !stretch.hasMore { break }
                    }
                    #expect(read == Fixture.frames("r1", 1...200))
                }
            }
            for i in 2..<200 { try await store.commit(Fixture.append(handle, i...i)) }
            try await store.commit(Fixture.append(handle, 200...200, completion: Fixture.completion("r1")))
            try await group.waitForAll()
        }
        await store.close()
    }

    @Test func expiredIdempotencyKeys_areDroppedAFewAtATime() async throws {
        let directory = try TemporaryDirectory()
        let store = try Self.open("\(directory.path)/a.db")
        func start(_ i: Int, at seconds: Int64) async throws -> Int? {
            let key = IdempotencyKey(key: "k\(i)", bodyHash: "h", expiresAt: Fixture.time(seconds + 10))
            _ = try await store.start(Fixture.run("r\(i)", key: key, at: seconds))
            return try await store.readers.read { session throws(MillraceError) in
                try session.first("SELECT count(*) FROM idempotency") { $0.int(0) }
            }
        }
        for i in 1...20 { #expect(try await start(i, at: 1) == i) }
        #expect(try await start(21, at: 11) == 5)
        #expect(try await start(22, at: 11) == 2)
        await store.close()
    }

    @Test func thousandMessages_pathIsWhole() async throws {
        let directory = try TemporaryDirectory()
        let store = try Self.open("\(directory.path)/a.db")
        for i in 1...500 { try await store.finish(Fixture.run("r\(i)", parent: i == 1 ? nil : "r\(i - 1)")) }
        let path = try await store.path(in: "c", to: nil, principal: .ada)
        #expect(path?.messages.map(\.id) == (1...500).flatMap { ["u_r\($0)", "r\($0)"] })
        await store.close()
    }
}
