import Glibc
import Millrace
import MillraceBackends
import MillraceCore
import Testing

@testable import MillraceServer

@Suite struct RetentionProbeTests {
    private static let hour: Int64 = 3_600_000_000

    private static func withDirectory(_ body: (String) async throws -> Void) async throws {
        var template = Array("/tmp/millrace-probe-XXXXXX".utf8CString)
        let path = try #require(
            template.withUnsafeMutableBufferPointer { $0.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) } })
        defer {
            for name in ["", "-wal", "-shm"] { unlink("\(path)/millrace.db\(name)") }
            rmdir(path)
        }
        try await body(path)
    }

    private static func texts(_ directory: String, at hours: Int64 = 10, _ configure: (inout RetentionSettings) -> Void = { _ in })
        -> [String]
    {
        var settings = ServerSettings()
        settings.dataDirectory = directory
        configure(&settings.retention)
        return RetentionProbe(settings, now: Timestamp(microseconds: hours * hour)).run().map { "\($0.verdict) \($0.text)" }
    }

    /// A run of one event in a chat of its own, which ends in the hour after it began, or goes on.
    private static func run(_ store: SQLiteStore, _ id: String, _ owner: Principal, hour: Int64, ends status: RunStatus? = .completed)
        async throws
    {
        let begun = Timestamp(microseconds: hour * Self.hour)
        let message = Message(id: "u_\(id)", chatID: id, parentID: nil, role: .user, parts: [.text("Hello")], createdAt: begun)
        let record = RunRecord(
            responseID: id, chatID: id, task: "chat", modelID: nil, status: .running, requestID: "q", userMessageID: message.id,
            startedAt: begun, reservedSequence: 64)
        func batch(_ sequence: Int) -> EventBatch {
            var frames = ByteBuffer()
            frames.append(Array("data: {}\n\n".utf8))
            return EventBatch(firstSequence: sequence, lastSequence: sequence, frames: frames, hidden: nil)
        }
        let new = NewRun(run: record, firstBatch: batch(1), userMessage: message, idempotencyKey: nil, createsChat: true)
        guard case .created(let handle) = try await store.createRun(new, principal: owner) else { throw MillraceError(.conflict, id) }
        guard let status else { return }
        let ended = Timestamp(microseconds: (hour + 1) * Self.hour)
        let answer = Message(id: id, chatID: id, parentID: message.id, role: .assistant, parts: [], createdAt: ended, status: status)
        let completion = RunCompletion(status: status, endedAt: ended, usage: Usage(), message: answer)
        let append = RunAppend(handle: handle, batch: batch(2), reservedSequence: 64, completion: completion)
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            store.append([append]) { error in
                if let error { continuation.resume(throwing: error) } else { continuation.resume() }
            }
        }
    }

    @Test func withoutAStore_onlyThePolicyIsTold() async throws {
        try await Self.withDirectory { directory in
            #expect(Self.texts(directory) == ["ok retention: everything is kept; see retention.runHours"])
            let all = Self.texts(":memory:") {
                $0.runHours = 1
                $0.maximumRuns = 2
                $0.maximumRunsPerOwner = 3
                $0.maximumStoreBytes = 4
                $0.chatHours = 5
                $0.contentHours = 6
            }
            #expect(
                all == [
                    "ok retention: kept are runs for 1 h after their end, 2 runs at most, 3 runs of each owner at most, ended runs as long as "
                        + "the store uses 4 bytes at most, chats for 5 h after their last change, uploaded files that no chat names for 6 h"
                ])
        }
    }

    /// What is told is what a pass then removes, rule by rule and together.
    @Test(
        arguments: [
            (.init(), "", 0, 0, 0), (.init { $0.runHours = 9 }, "nothing", 0, 0, 0),
            (.init { $0.runHours = 8 }, "1 run with the log", 1, 0, 0), (.init { $0.maximumRuns = 7 }, "nothing", 0, 0, 0),
            (.init { $0.maximumRuns = 5 }, "2 runs with the log", 2, 0, 0),
            (.init { $0.maximumRunsPerOwner = 3 }, "2 runs with the log", 2, 0, 0),
            (.init { $0.maximumRunsPerOwner = 1 }, "3 runs with the log", 3, 0, 0),
            (.init { $0.chatHours = 7 }, "2 chats with all that is left in it", 2, 2, 0),
            (.init { $0.contentHours = 9 }, "1 uploaded file", 0, 0, 1),
            (
                .init {
                    $0.runHours = 8
                    $0.maximumRunsPerOwner = 3
                    $0.contentHours = 1
                }, "2 runs with the log, 1 uploaded file", 2, 0, 1
            ),
        ] as [(RetentionSettings, String, Int, Int, Int)])
    func whatWouldGo_isWhatGoes(settings: RetentionSettings, told: String, runs: Int, chats: Int, files: Int) async throws {
        try await Self.withDirectory { directory in
            let path = "\(directory)/millrace.db"
            let store = try SQLiteStore(path: path)
            let (ada, bob) = (try Principal(id: "ada"), try Principal(id: "bob"))
            // Ada's five: two ended, one waits, one goes on, one ended. Bob's two.
            for hour: Int64 in 1...2 { try await Self.run(store, "a\(hour)", ada, hour: hour) }
            try await Self.run(store, "a3", ada, hour: 3, ends: .interrupted)
            try await Self.run(store, "a4", ada, hour: 4, ends: nil)
            for hour: Int64 in 5...6 { try await Self.run(store, "b\(hour)", bob, hour: hour) }
            try await Self.run(store, "a7", ada, hour: 7)
            try await store.createContent(
                ContentRecord(
                    id: "f", title: nil, mimeType: "text/plain", length: 3, entityTag: "t", createdAt: Timestamp(microseconds: Self.hour)),
                principal: ada)

            // The store is open, as beside a server.
            let texts = Self.texts(directory) { $0 = settings }
            #expect(texts.count == (told.isEmpty ? 2 : 3))
            #expect(
                texts[1].hasPrefix("ok store \(path): 7 runs of 2 owners, 1 of them unfinished; 7 chats, 1 uploaded file; 0."), "\(texts)")
            if !told.isEmpty { #expect(texts.last == "ok retention would remove now: \(told)") }
            let sweeper = RetentionSweeper(
                store: store, settings: settings, removeContent: { _ in },
                time: TimeSource(monotonic: { 0 }, wall: { Timestamp(microseconds: 10 * Self.hour) }))
            let tally = try await sweeper.pass { _ in }
            #expect((tally.runs, tally.chats, tally.files) == (runs, chats, files))
            #expect(Self.texts(directory) { $0 = settings }.count == texts.count)
            await store.close()
        }
    }

    @Test func storeThatIsTooLarge_isTold() async throws {
        try await Self.withDirectory { directory in
            let store = try SQLiteStore(path: "\(directory)/millrace.db")
            try await Self.run(store, "a1", .local, hour: 1)
            await store.close()
            #expect(
                Self.texts(directory) { $0.maximumStoreBytes = 1 }.last
                    == "ok retention would remove now: the oldest ended runs until 0.0 MB are in use")
            #expect(Self.texts(directory) { $0.maximumStoreBytes = 1 << 30 }.last == "ok retention would remove now: nothing")
        }
    }

    @Test func whatIsNoDatabase_isTold() async throws {
        try await Self.withDirectory { directory in
            let file = open("\(directory)/millrace.db", O_CREAT | O_WRONLY, 0o600)
            _ = write(file, String(repeating: "no database ", count: 100), 1200)
            close(file)
            let texts = Self.texts(directory)
            #expect(texts.count == 2 && texts[1].hasPrefix("doubtful store \(directory)/millrace.db: cannot be read: "), "\(texts)")
        }
    }
}

extension RetentionSettings {
    fileprivate init(_ configure: (inout RetentionSettings) -> Void) {
        self.init()
        configure(&self)
    }
}
