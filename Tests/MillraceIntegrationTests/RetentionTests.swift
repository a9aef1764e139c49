import Glibc
import Millrace
import MillraceBackends
import MillraceCore
import MillraceDatabase
import Testing

extension IntegrationTests {
    /// What clients see of runs and files that are no longer kept.
    @Suite struct RetentionTests {
        /// Makes everything in a database two hours older.
        private static func age(_ path: String) throws {
            let session = try SQLiteSession(.open(path: path, access: .readWrite))
            for (table, columns) in [
                ("runs", ["started_at", "ended_at"]), ("chats", ["created_at", "updated_at"]), ("contents", ["created_at"]),
            ] {
                let changes = columns.map { "\($0) = \($0) - 7200000000" }.joined(separator: ", ")
                try session.connection.execute("UPDATE \(table) SET \(changes)")
            }
        }

        @Test func serverThatStarts_removesWhatIsOld_andSaysGone() async throws {
            try await onThreads {
                let directory = try TemporaryDirectory()
                let data = TestFiles.temporaryPath("retention")
                defer { TestFiles.remove(data) }
                try directory.write("config.yaml", "retention: {runHours: 1, contentHours: 1}\n")
                let arguments = ["port=0", "data-dir=\(data)", "log-level=info"]
                let first = try ServerProcess(arguments)
                let run = try EventStreamClient.start(port: first.port, task: "drip", text: "5 0").rest()
                let id = run[0].responseID
                let chat = run[0].json["chat_id"]?.string ?? ""
                let file = try first.client.request("POST", "/api/v1/content", headers: ["Content-Type": "text/plain"], body: "old")
                let pointer = try file.json()["content_id"]?.string ?? ""
                #expect(first.end(SIGTERM) == 0)
                try Self.age("\(data)/millrace.db")

                let second = try ServerProcess(arguments + ["config=\(directory.path)/config.yaml"])
                let young = try EventStreamClient.start(port: second.port, task: "drip", text: "5 0").rest()[0].responseID
                try RestartTests.wait(second, for: "removed what is no longer kept", times: 1)
                #expect(second.log.contains("runs=1") && second.log.contains("files=1"))
                for path in ["", "/events"] {
                    let answer = try second.client.request("GET", "/api/v1/runs/\(id)\(path)", headers: ["Last-Event-ID": "\(id):2"])
                    #expect(answer.status == 410)
                    #expect(try answer.json()["detail"]?.string?.contains("has expired") == true)
                }
                #expect(try second.client.request("POST", "/api/v1/runs/\(id)/cancel").status == 410)
                #expect(try second.client.request("GET", "/api/v1/runs/r_never/events").status == 404)
                #expect(try second.client.request("GET", "/api/v1/runs/\(young)").status == 200)
                // The answer is where it belongs, and the chat goes on from it.
                let messages = try second.client.request("GET", "/api/v1/chats/\(chat)/messages").json()["items"]?.array ?? []
                #expect(messages.map { $0["message_id"]?.string } == [messages.first?["message_id"]?.string, id])
                #expect(try second.client.request("GET", "/api/v1/generate/content/\(pointer)").status == 404)
                #expect(second.end(SIGTERM) == 0)
            }
        }

        /// The next process that has the search engine removes what is left, also where nothing else is removed.
        @Test func fileIsDeletedWithoutSearch_theNextProcessRemovesTheRest() async throws {
            try await onThreads {
                let directory = try TemporaryDirectory()
                let data = TestFiles.temporaryPath("withdrawn")
                defer { TestFiles.remove(data) }
                try directory.write("config.yaml", "search: {path: /proc/nowhere/search.db}\n")
                let arguments = ["port=0", "data-dir=\(data)", "log-level=info"]
                let first = try ServerProcess(arguments + ["config=\(directory.path)/config.yaml"])
                let file = try first.client.request("POST", "/api/v1/content", headers: ["Content-Type": "text/plain"], body: "a text")
                let path = "/api/v1/generate/content/\(try file.json()["content_id"]?.string ?? "")"
                #expect(try first.client.request("DELETE", path).status == 204)
                #expect(try first.client.request("GET", path).status == 404)
                #expect(try first.client.request("DELETE", path).status == 404)
                try RestartTests.wait(first, for: "a deleted file has left something behind", times: 1)
                #expect(first.end(SIGTERM) == 0)

                let second = try ServerProcess(arguments)
                try RestartTests.wait(second, for: "removed what is no longer kept", times: 1)
                #expect(second.log.contains("files=1"))
                #expect(second.end(SIGTERM) == 0)
                let third = try ServerProcess(arguments)
                #expect(third.end(SIGTERM) == 0)
                #expect(!third.log.contains("removed what is no longer kept"))
            }
        }

        @Test func readerInTheMidstOfALogThatExpires_getsAnErrorWithoutId_andThenGone() async throws {
            let directory = try TemporaryDirectory()
            let store = try SQLiteStore(path: "\(directory.path)/test.db")
            let long = ScriptedTask("long") { _, context in
                for number in 0..<20_000 {
                    try await context.emit(.content("piece \(number) of a text that is long enough to fill buffers"))
                }
            }
            try await withServer([long], store: store) { server in
                let whole = try server.run("long", "go")
                let id = whole[0].responseID
                let reader = try EventStreamClient(
                    port: server.port, TCPClient.request("GET", "/api/v1/runs/\(id)/events"), receiveBuffer: 4096)
                var seen = try reader.next(10)
                var cutoffs = RetentionCutoffs(now: .now())
                cutoffs.runsEnded = .now()
                var position: RetentionPosition? = RetentionPosition()
                while let from = position {
                    position = try await store.expire(cutoffs, from: from, principal: Principal(named: "system")).next
                }
                seen += try reader.rest()
                #expect(seen.count < whole.count)
                let last = try #require(seen.last)
                // The error has no id of its own, so that a client's last id stays that of the last real event.
                #expect(last.event == "error" && last.json["error_type"] == "not_found" && last.json["sequence"] == nil)
                #expect(Array(seen.dropLast()) == Array(whole.prefix(seen.count - 1)))
                let lastID = whole[seen.count - 2].id
                let answer = try server.ask("GET", "/api/v1/runs/\(id)/events", headers: ["Last-Event-ID: \(lastID)"])
                #expect(answer.status == 410)
            }
        }
    }
}
