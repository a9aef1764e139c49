import CSQLite
import Glibc
import MillraceCore
import Testing

/// What a reader of one run saw.
private struct Recording: Sendable {
    var events: [ReceivedEvent] = []
    var hasEnded = false
    var responseID: String { events.first?.json["response_id"]?.string ?? "" }
}

extension IntegrationTests {
    @Suite struct CrashTests {
        /// 200 runs are read while the server is killed; after the restart every log is whole but for one announced gap.
        @Test func killUnderLoad_losesNothingBeyondOneAnnouncedGap() throws {
            let (runs, short) = (200, 60)
            let data = TestFiles.temporaryPath("crash")
            defer { TestFiles.remove(data) }
            let first = try ServerProcess(["port=0", "data-dir=\(data)", "loops=2", "log-level=warning", "log-level=info"])
            let recordings = Monitor(Array(repeating: Recording(), count: runs))
            let client = first.client
            var readers: [NamedThread] = []
            for index in 0..<runs {
                readers.append(
                    try NamedThread(name: "reader-\(index)") {
                        guard let reader = try? client.start("drip", index < short ? "5 0" : "100000 2") else { return }
                        while let event = try? reader.next() {
                            recordings.update {
                                $0[index].events.append(event)
                                if event.kind == "response_end" { $0[index].hasEnded = true }
                                return true
                            }
                        }
                    })
            }
            let isReady: Bool? = recordings.wait(nanoseconds: 60_000_000_000) { recordings in
                recordings.filter(\.hasEnded).count >= short && recordings.allSatisfy { $0.hasEnded || $0.events.count > 20 } ? true : nil
            }
            #expect(isReady == true, "the runs did not get going")
            #expect(first.end(SIGKILL) == -SIGKILL)
            for reader in readers { reader.join() }
            var had: [Recording] = []
            recordings.update {
                had = $0
                return false
            }
            #expect(had.filter(\.hasEnded).count >= 50)

            let second = try ServerProcess(["port=0", "data-dir=\(data)", "loops=2"])
            var interrupted = 0
            for recording in had { interrupted += try Self.check(recording, second.client) ? 1 : 0 }
            #expect(interrupted == runs - short)
            #expect(second.end(SIGTERM) == 0)
            #expect(try Self.integrity(of: "\(data)/millrace.db") == "ok")
        }

        /// Holds what a reader had, what it gets when it resumes, and the log against each other. Returns whether the run was cut off.
        private static func check(_ had: Recording, _ client: TestClient) throws -> Bool {
            let id = had.responseID
            let log = try client.follow(id).all()
            let last = try #require(had.events.last)
            let resumed = try client.follow(id, lastEventID: last.id).all()
            #expect(log.first?.kind == "response_start")
            #expect(log.filter { $0.kind == "response_end" }.count == 1)
            #expect(log.last?.kind == "response_end")
            #expect(log == (try client.follow(id).all()), "the log does not read the same twice")
            let cut = log.firstIndex { $0.kind == "error" && $0.json["error_type"] == "run_interrupted" }
            guard let cut else {
                #expect(log.map(\.sequence) == Array(1...log.count))
                #expect(had.events + resumed == log)
                return false
            }
            let lost = log[cut].json["details"]?["lost"]
            let firstLost = try #require(lost?["first_sequence"]?.integer)
            let lastLost = try #require(lost?["last_sequence"]?.integer)
            #expect(lastLost - firstLost + 1 <= 1024)
            #expect(log[..<cut].map(\.sequence) == Array(1..<firstLost), "a gap that is not announced")
            #expect(log[cut...].map(\.sequence) == [lastLost + 1, lastLost + 2])
            #expect(log.last?.json["status"] == "error")
            // What the reader had is the log's beginning, and perhaps events of the announced gap; what it gets is the log's rest.
            #expect(had.events.map(\.sequence) == Array(1...had.events.count))
            #expect(had.events.filter { $0.sequence < firstLost } == Array(log.prefix(min(had.events.count, cut))))
            #expect(last.sequence <= lastLost)
            #expect(resumed == log.filter { $0.sequence > last.sequence })
            // The chat shows what the run had said.
            let chat = try #require(log.first?.json["chat_id"]?.string)
            let messages = try client.request("GET", "/api/v1/chats/\(chat)/messages").json()["items"]
            let said = log.filter { $0.kind == "content" }.compactMap { $0.json["content"]?.string }.joined()
            // A run that was killed before its first word has no part.
            #expect((messages?[1]?["parts"]?[0]?["content"]?.string ?? "") == said)
            #expect(messages?[1]?["status"] == "error")
            return true
        }

        private static func integrity(of path: String) throws -> String {
            var database: OpaquePointer?
            defer { sqlite3_close(database) }
            guard sqlite3_open_v2(path, &database, SQLITE_OPEN_READONLY, nil) == SQLITE_OK else { return "cannot be opened" }
            var statement: OpaquePointer?
            defer { sqlite3_finalize(statement) }
            sqlite3_prepare_v2(database, "PRAGMA integrity_check", -1, &statement, nil)
            guard sqlite3_step(statement) == SQLITE_ROW, let text = sqlite3_column_text(statement, 0) else { return "cannot be checked" }
            return String(cString: text)
        }

        @Test func secondServer_onAHeldDirectory_failsWithAClearMessage() throws {
            let data = TestFiles.temporaryPath("lock")
            defer { TestFiles.remove(data) }
            let first = try ServerProcess(["port=0", "data-dir=\(data)"])
            #expect(throws: MillraceError.self) { try ServerProcess(["port=0", "data-dir=\(data)"]) }
            do {
                _ = try ServerProcess(program: "millrace", ["serve", "--port", "0", "--data-dir", data])
                Issue.record("a second server started on the same data directory")
            } catch let error as MillraceError {
                #expect(error.message.contains("in use by process \(first.processID)"))
                #expect(error.message.contains("--data-dir"))
            }
        }

        @Test func idempotencyKey_attachesAfterAKillAndRestart() throws {
            let data = TestFiles.temporaryPath("key")
            defer { TestFiles.remove(data) }
            let first = try ServerProcess(["port=0", "data-dir=\(data)"])
            let before = try first.client.start("drip", "3 0", headers: ["Idempotency-Key": "\"once\""]).all()
            #expect(first.end(SIGKILL) == -SIGKILL)
            let second = try ServerProcess(["port=0", "data-dir=\(data)"])
            #expect(try second.client.start("drip", "3 0", headers: ["Idempotency-Key": "\"once\""]).all() == before)
            let other = try second.client.start("drip", "4 0", headers: ["Idempotency-Key": "\"once\""])
            #expect(other.head.status == 422)
        }
    }
}
