import CSQLite
import MillraceCore

/// What clients of a server saw, which is what it promised to keep.
struct ServerLedger: Sendable {
    /// A run that was asked for.
    struct Run: Sendable {
        var key: String
        var text: String
        var chat: String
        /// What each of its readers had, in order.
        var readers: [[ReceivedEvent]] = []
        /// Whether the answer to its cancellation came.
        var wasCancelled = false
        /// Of its chat, and so of the run.
        var deletion = File.Deletion.none
        var responseID: String? {
            readers.lazy.compactMap { $0.first { $0.kind == "response_start" }?.json["response_id"]?.string }.first
        }
    }

    /// A file that was uploaded.
    struct File: Sendable {
        var title: String
        var content: String
        /// Known when the upload was acknowledged.
        var id: String?
        var deletion = Deletion.none
        enum Deletion: Sendable { case none, asked, acknowledged }
    }

    /// A chat that was made on its own.
    struct Chat: Sendable {
        var id: String
        var isAcknowledged = false
        var deletion = File.Deletion.none
    }

    var runs: [Run] = []
    var files: [File] = []
    var chats: [Chat] = []
    private(set) var broken: [String] = []

    /// Adds what other clients saw.
    mutating func add(_ other: ServerLedger) {
        runs += other.runs
        files += other.files
        chats += other.chats
    }

    private mutating func expect(_ isKept: Bool, _ promise: @autoclosure () -> String) {
        if !isKept, broken.count < 20 { broken.append(promise()) }
    }

    /// Holds everything against a server that works, and returns the promises that it does not keep.
    func brokenPromises(_ client: TestClient) throws -> [String] {
        var checked = self
        for run in runs { try checked.check(run, client) }
        for file in files { try checked.check(file, client) }
        try checked.checkList(client)
        for chat in chats { try checked.check(chat, client) }
        return checked.broken
    }

    // MARK: Runs

    private mutating func check(_ run: Run, _ client: TestClient) throws {
        let listed = try client.request("GET", "/api/v1/runs?chat_id=\(run.chat)").json()["items"]?.array ?? []
        expect(listed.count <= 1, "\(listed.count) runs for the one key \(run.key)")
        if run.deletion == .acknowledged || (run.deletion == .asked && listed.isEmpty) {
            expect(listed.isEmpty, "a run of the deleted chat \(run.chat) is listed")
            let status = try client.request("GET", "/api/v1/chats/\(run.chat)").status
            expect(status == 404, "chat \(run.chat), which was deleted, is answered with \(status)")
            return
        }
        guard let id = run.responseID else {
            // Nobody was told of it: it is stored whole or not at all.
            if let id = listed.first?["response_id"]?.string { _ = try checkLog(id, client) }
            return
        }
        guard listed.first?["response_id"]?.string == id else {
            expect(false, "run \(id), whose beginning was read, is gone")
            return
        }
        let (log, lost) = try checkLog(id, client)
        for events in run.readers { checkReader(events, id, log, lost) }
        if run.wasCancelled, let status = log.last?.json["status"]?.string {
            expect(["cancelled", "error", "completed"].contains(status), "run \(id) was cancelled and ended \(status)")
        }
        // The key attaches to it, also now.
        let again = try client.start("drip", run.text, chat: run.chat, headers: ["Idempotency-Key": "\"\(run.key)\""])
        expect(again.head.status == 200, "the key \(run.key) is answered with \(again.head.status)")
        if again.head.status == 200 {
            let attached = try again.all()
            expect(attached == log, "the key \(run.key) does not give the log of \(id)")
        }
    }

    /// A log's form: it begins with `response_start`, ends once, and has no gap but one that is announced.
    private mutating func checkLog(_ id: String, _ client: TestClient) throws -> (log: [ReceivedEvent], lost: ClosedRange<Int>?) {
        let reader = try client.follow(id)
        let log = try reader.all()
        expect(reader.isWhole, "the log of \(id) is cut: \(log.last?.data ?? "nothing")")
        expect(log.first?.kind == "response_start" && log.first?.sequence == 1, "the log of \(id) does not begin")
        expect(log.count { $0.kind == "response_end" } == 1 && log.last?.kind == "response_end", "the log of \(id) does not end once")
        let again = try client.follow(id).all()
        expect(log == again, "the log of \(id) does not read the same twice")
        let cut = log.firstIndex { $0.kind == "error" && $0.json["error_type"] == "run_interrupted" }
        guard let cut else {
            expect(log.map(\.sequence) == Array(1...max(log.count, 1)), "the log of \(id) has a gap that is not announced")
            return (log, nil)
        }
        let announced = log[cut].json["details"]?["lost"]
        let first = announced?["first_sequence"]?.integer ?? 0
        let last = announced?["last_sequence"]?.integer ?? -1
        expect(log[..<cut].map(\.sequence) == Array(1..<max(first, 1)), "before the gap of \(id) an event is missing")
        expect(log[cut...].map(\.sequence) == [last + 1, last + 2], "behind the gap of \(id) stands something else than its end")
        expect(last - first + 1 <= 1024, "the gap of \(id) is longer than the reservation")
        return (log, last >= first ? first...last : nil)
    }

    private mutating func checkReader(_ events: [ReceivedEvent], _ id: String, _ log: [ReceivedEvent], _ lost: ClosedRange<Int>?) {
        let byNumber = Dictionary(log.map { ($0.sequence, $0) }, uniquingKeysWith: { first, _ in first })
        var previous: Int?
        for event in events {
            if let previous {
                expect(event.sequence == previous + 1 || lost != nil, "a reader of \(id) got \(event.sequence) after \(previous)")
            }
            previous = event.sequence
            if let lost, lost.contains(event.sequence) { continue }
            expect(byNumber[event.sequence] == event, "event \(event.sequence) of \(id), which was read, is not in the log")
        }
        if events.last?.kind == "response_end" { expect(events.last == log.last, "run \(id) ended for a reader, and now ends otherwise") }
    }

    // MARK: Files and chats

    private mutating func check(_ file: File, _ client: TestClient) throws {
        guard let id = file.id else { return }
        let answer = try client.request("GET", "/api/v1/generate/content/\(id)")
        switch file.deletion {
        case .none: expect(answer.status == 200 && answer.text == file.content, "file \(file.title) is answered with \(answer.status)")
        case .asked:
            expect(
                answer.status == 404 || (answer.status == 200 && answer.text == file.content),
                "file \(file.title), half deleted, is answered with \(answer.status): \(answer.text.prefix(200))")
        case .acknowledged: expect(answer.status == 404, "file \(file.title), which was deleted, is answered with \(answer.status)")
        }
    }

    /// What is listed can be read, also what was not acknowledged.
    private mutating func checkList(_ client: TestClient) throws {
        let items = try client.request("GET", "/api/v1/content?limit=1000").json()["items"]?.array ?? []
        for item in items {
            guard let id = item["content_id"]?.string, let file = files.first(where: { $0.title == item["title"]?.string }) else {
                continue
            }
            let answer = try client.request("GET", "/api/v1/generate/content/\(id)")
            let isRight = answer.status == 200 && answer.text == file.content
            expect(isRight || file.deletion != .none, "file \(file.title) is listed and answered with \(answer.status)")
        }
    }

    private mutating func check(_ chat: Chat, _ client: TestClient) throws {
        let status = try client.request("GET", "/api/v1/chats/\(chat.id)").status
        if chat.deletion == .acknowledged { expect(status == 404, "chat \(chat.id), which was deleted, is answered with \(status)") }
        if chat.isAcknowledged, chat.deletion == .none { expect(status == 200, "chat \(chat.id) is answered with \(status)") }
    }

    // MARK: The files of the store

    /// What SQLite finds wrong with a database, and what has lost what it belongs to; empty: nothing.
    static func damage(of path: String) -> [String] {
        var database: OpaquePointer?
        defer { sqlite3_close(database) }
        guard sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE, nil) == SQLITE_OK else { return ["\(path) cannot be opened"] }
        var found: [String] = []
        for (sql, sound) in [("PRAGMA integrity_check", "ok"), ("PRAGMA foreign_key_check", nil), (overlaps, nil)] {
            var statement: OpaquePointer?
            defer { sqlite3_finalize(statement) }
            guard sqlite3_prepare_v2(database, sql, -1, &statement, nil) == SQLITE_OK else { return ["\(path) cannot be read: \(sql)"] }
            while sqlite3_step(statement) == SQLITE_ROW {
                let text = sqlite3_column_text(statement, 0).map { String(cString: $0) } ?? ""
                if text != sound { found.append("\(sql): \(text)") }
            }
        }
        return found
    }

    /// Event rows of one run that overlap.
    private static let overlaps = """
        SELECT a.run || ':' || a.first_sequence FROM run_events a JOIN run_events b
        ON a.run = b.run AND a.id < b.id AND a.first_sequence <= b.last_sequence AND b.first_sequence <= a.last_sequence
        """
}
