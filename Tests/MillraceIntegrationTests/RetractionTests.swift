import FoundationEssentials
import Glibc
import Millrace
import MillraceCore
import MillraceCounterparts
import MillraceServer
import Testing

extension IntegrationTests {
    /// The asynchronous mode of a guardrail, as readers, the store and the next process see it.
    @Suite struct RetractionTests {
        private static let rules = #"""
            {"guardrail": {"streaming": "async", "rules": [
              {"pii": ["credit_card", "email"], "action": "mask"},
              {"name": "projects", "words": ["project falcon"], "action": "block"}],
             "blocked_output_message": "Enough."}}
            """#

        /// Says one piece for each permit, and notes that it has.
        private static func stepwise(_ pieces: [String], _ gate: StepGate, _ notes: Notes) -> ScriptedTask {
            ScriptedTask("steps") { _, context in
                for (index, piece) in pieces.enumerated() {
                    try await gate.pass()
                    try await context.emit(.content(piece))
                    notes.note("said \(index)")
                }
                try await gate.pass()
            }
        }

        /// What a reader shows who follows `status` `retracted`.
        private static func shown(_ log: [SSEMessage]) -> String {
            var pieces: [(sequence: Int, block: Int, text: String)] = []
            for message in log {
                if message.event == "content" {
                    pieces.append((message.sequence, message.json["content_block_index"]?.integer ?? -1, message.content))
                }
                guard let retraction = message.json["retraction"], let first = retraction["first_sequence"]?.integer,
                    let last = retraction["last_sequence"]?.integer
                else { continue }
                let block = retraction["content_block_index"]?.integer
                pieces.removeAll { (first...last).contains($0.sequence) && (block == nil || block == $0.block) }
            }
            return pieces.map(\.text).joined()
        }

        private static func holds(_ text: String, _ directory: String) -> [String] {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
            return names.filter { name in
                guard let data = try? Data(contentsOf: URL(filePath: "\(directory)/\(name)")) else { return false }
                return TCPClient.find(Array(text.utf8), in: [UInt8](data)) != nil
            }
        }

        /// Waits until a file holds a text, or none does.
        private static func wait(_ text: String, isIn directory: String, _ isThere: Bool) -> Bool {
            for _ in 0..<2000 {
                if holds(text, directory).isEmpty != isThere { return true }
                TestFiles.pause(milliseconds: 10)
            }
            return false
        }

        /// With a tail for all, and with none, so that readers read from the store; whatever loop they are on.
        @Test(arguments: [256 << 10, 1])
        func readersWhoJoinAtAnyPoint_haveTheMaskedTextAtLast_andTheOriginalIsNowhere(tailBytes: Int) async throws {
            let directory = try TemporaryDirectory()
            let (gate, notes) = (StepGate(), Notes())
            let pieces = ["Pay with 4111 ", "1111 1111 ", "1111, and ", "write to jo@", "example.org. ", "Bye."]
            let final = "Pay with {CREDIT_CARD}, and write to {EMAIL}. Bye."
            let path = directory.path
            try await withServer([Self.stepwise(pieces, gate, notes)]) {
                $0.dataDirectory = path
                $0.runs.tailBytes = tailBytes
            } _: { server in
                #expect(try server.ask("PUT", "/api/v1/admin/task/steps", body: Self.rules).status == 200)
                let first = try server.start("steps")
                let id = try #require(try first.next()).responseID
                var early: [EventStreamClient] = []
                for index in pieces.indices {
                    gate.open()
                    #expect(notes.wait("said \(index)"))
                    early.append(try server.follow(id))
                    // Who joins behind the retraction gets no text that was taken back.
                    if index >= 2 {
                        for after in 0...2 {
                            let late = try server.follow(id, after: after)
                            early.append(late)
                            let seen = try late.read(until: "status")
                            #expect(!seen.contains { $0.data.contains("4111") || $0.data.contains("1111") }, "joined after \(after)")
                            #expect(seen.map(\.sequence) == Array(after + 1...after + seen.count))
                            #expect(seen.filter { $0.json["retracted"] == true }.allSatisfy { $0.event == "content" && $0.content == "" })
                        }
                    }
                }
                // What was said stood there at once, up to the piece that showed what it was.
                let begun = try first.next(3)
                #expect(begun.map(\.content) == [pieces[0], pieces[1], ""])
                gate.open()
                let seen = try first.rest()
                #expect(Self.shown(begun + seen) == final)
                #expect((begun + seen).map(\.sequence) == Array(2...seen.count + 4))
                for reader in early { _ = try reader.rest() }
                let log = try server.log(of: id)
                #expect(Self.shown(log) == final && log.filter { $0.event == "content" }.map(\.content).joined() == final)
                for after in 0..<log.count { #expect(try server.follow(id, after: after).rest() == Array(log[after...])) }
                #expect(log.compactMap { $0.json["retraction"]?["reason"]?.string } == ["credit_card", "email"])
                #expect(log.compactMap { $0.json["metadata"]?["guardrail"]?["masked"] } == [["credit_card": 1, "email": 1]])
                #expect(try server.storedAnswer(log)["parts"]?.array?.compactMap { $0["content"]?.string } == [final])
                #expect(Self.wait("4111", isIn: path, false) && Self.wait("jo@", isIn: path, false))
            }
            #expect(Self.holds("4111", path).isEmpty && Self.holds("jo@", path).isEmpty)
            #expect(!Self.holds("Pay with {CREDIT_CARD}", path).isEmpty)
        }

        @Test func blockedAnswer_isTakenBackToWhatStoodBeforeTheMatch() async throws {
            let telling = ScriptedTask("steps") { _, context in
                for piece in ["The secret is pro", "ject fal", "con, ", "and more"] { try await context.emit(.content(piece)) }
            }
            let (log, stored) = try await withServer([telling]) { server in
                _ = try server.ask("PUT", "/api/v1/admin/task/steps", body: Self.rules)
                let log = try server.run("steps", "hi")
                return (try server.log(of: log[0].responseID), try server.storedAnswer(log))
            }
            #expect(log.last?.json["status"] == "blocked")
            #expect(Self.shown(log) == "The secret is ")
            #expect(log.filter { $0.event == "status" }.compactMap { $0.json["status"]?.string } == ["retracted", "blocked"])
            #expect(log.first { $0.json["status"] == "blocked" }?.json["message"] == "Enough.")
            #expect(!log.contains { $0.data.contains("ject fal") })
            #expect(stored["parts"]?.array?.compactMap { $0["content"]?.string } == ["The secret is "])
        }

        /// A process that died while text was in its log that nobody had judged.
        @Test func restart_takesBackWhatNobodyHadJudged() async throws {
            let directory = try TemporaryDirectory()
            let (path, copy) = (directory.path, directory.path + "/copy")
            try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: true)
            let (gate, notes) = (StepGate(), Notes())
            let id = try await withServer([Self.stepwise(["All is well. ", "Call 4111 1111 "], gate, notes)]) {
                $0.dataDirectory = path
            } _: { server in
                _ = try server.ask("PUT", "/api/v1/admin/task/steps", body: Self.rules)
                let reader = try server.start("steps")
                let id = try #require(try reader.next()).responseID
                gate.open()
                _ = try reader.next()
                gate.open()
                #expect(Self.wait("4111", isIn: path, true))
                // As the files of a process that was killed now.
                for name in ["millrace.db", "millrace.db-wal"] {
                    try FileManager.default.copyItem(atPath: "\(path)/\(name)", toPath: "\(copy)/\(name)")
                }
                gate.open()
                _ = try reader.rest()
                return id
            }
            let (log, stored) = try await withServer([Self.stepwise([], gate, notes)], configure: { $0.dataDirectory = copy }) { server in
                let log = try server.log(of: id)
                #expect(Self.wait("4111", isIn: copy, false))
                return (log, try server.storedAnswer(log))
            }
            #expect(log.map(\.event) == ["response_start", "content", "content", "status", "error", "response_end"])
            #expect(log[3].json["retraction"]?["reason"] == "unjudged")
            #expect(log[2].json["retracted"] == true)
            #expect(Self.shown(log) == "All is well. ")
            #expect(stored["parts"]?.array?.compactMap { $0["content"]?.string } == ["All is well. "])
            #expect(Self.holds("4111", copy).isEmpty)
        }

        // MARK: Amazon Bedrock's

        private static func settings(port: Int) throws -> ServerSettings {
            try ServerSettings(
                yaml: "http: {attempts: 1}\naws: {region: us-east-1, bedrockEndpoint: 'http://127.0.0.1:\(port)'}\n",
                environment: BedrockServer.variables)
        }

        private static func guarded(_ streaming: String) -> String {
            #"{"guardrail": {"guardrailIdentifier": "g1", "streaming": "\#(streaming)", "max_unjudged_bytes": 1024}}"#
        }

        /// Both modes come to the same, and say the same at last.
        @Test(
            arguments: [
                ["short and fine"], ["mail a@b.example now"], ["that is forbidden"],
                Array(repeating: "some words, and ", count: 300), Array(repeating: "some words, and ", count: 300) + ["forbidden"],
                ["forbidden "] + Array(repeating: "some words, and ", count: 300),
                ["mail a@b.example "] + Array(repeating: "some words, and ", count: 300),
            ])
        func bothModes_endAlike(pieces: [String]) async throws {
            guard let upstream = try BedrockServer.shared() else { return }
            let telling = ScriptedTask("steps") { _, context in
                for piece in pieces { try await context.emit(.content(piece)) }
            }
            let (held, shown) = try await withServer([telling], base: try Self.settings(port: upstream.port)) { server in
                var logs: [[SSEMessage]] = []
                for mode in ["hold", "async"] {
                    #expect(try server.ask("PUT", "/api/v1/admin/task/steps", body: Self.guarded(mode)).status == 200)
                    let log = try server.run("steps", "hi")
                    let stored = try server.storedAnswer(log)["parts"]?.array?.compactMap { $0["content"]?.string }.joined()
                    #expect(stored == Self.shown(log))
                    logs.append(try server.log(of: log[0].responseID))
                }
                return (logs[0], logs[1])
            }
            #expect(Self.shown(held) == Self.shown(shown))
            #expect(held.last?.json["status"] == shown.last?.json["status"])
            for secret in ["a@b", "forbidden"] { #expect(!shown.contains { $0.data.contains(secret) }) }
        }

        /// An imitation that lets what goes in pass, and does with what comes out what a test wants.
        private static func judge(_ output: @escaping @Sendable (Int32) -> Void) throws -> RawUpstream {
            let requests = Locked(0)
            return try RawUpstream { descriptor in
                let number = requests.withLock { requests in
                    requests += 1
                    return requests
                }
                if number > 1 { return output(descriptor) }
                Self.answer(descriptor, #"{"action": "NONE", "outputs": [], "assessments": []}"#)
            }
        }

        private static func answer(_ descriptor: Int32, _ body: String) {
            RawUpstream.send(
                descriptor,
                "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n\(body)"
            )
        }

        /// The judge never answers; meanwhile somebody cancels.
        @Test func cancelWhileItIsJudged_takesBackWhatIsNot() async throws {
            let directory = try TemporaryDirectory()
            let path = directory.path
            let asked = Notes()
            let upstream = try Self.judge { descriptor in
                asked.note("asked")
                RawUpstream.waitForEnd(descriptor)
            }
            defer { upstream.stop() }
            let telling = ScriptedTask("steps") { _, context in
                while true { try await context.emit(.content("nobody has judged this. ")) }
            }
            let log = try await withServer([telling], base: try Self.settings(port: upstream.port), configure: { $0.dataDirectory = path })
            {
                server in
                _ = try server.ask("PUT", "/api/v1/admin/task/steps", body: Self.guarded("async"))
                let reader = try server.start("steps", text: "hi")
                let id = try #require(try reader.next()).responseID
                #expect(asked.wait("asked"))
                #expect(try server.ask("POST", "/api/v1/runs/\(id)/cancel").status == 202)
                let rest = try reader.rest()
                // No more was said than may run ahead, though the handler never stopped by itself.
                #expect(rest.count { $0.event == "content" } <= 120)
                #expect(Self.shown(rest) == "")
                let log = try server.log(of: id)
                #expect(try server.storedAnswer(log)["parts"]?.array?.isEmpty == true)
                #expect(Self.wait("judged this", isIn: path, false))
                return log
            }
            #expect(log.last?.json["status"] == "cancelled")
            #expect(log.filter { $0.event == "content" }.allSatisfy { $0.json["retracted"] == true })
            #expect(log.compactMap { $0.json["retraction"]?["reason"]?.string } == ["unjudged"])
        }

        @Test func judgeThatCannotBeAsked_leavesNothing() async throws {
            let upstream = try Self.judge { descriptor in
                RawUpstream.send(descriptor, "HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
            }
            defer { upstream.stop() }
            let telling = ScriptedTask("steps") { _, context in try await context.emit(.content("nobody has judged this. ")) }
            let log = try await withServer([telling], base: try Self.settings(port: upstream.port)) { server in
                _ = try server.ask("PUT", "/api/v1/admin/task/steps", body: Self.guarded("async"))
                return try server.log(of: try server.run("steps", "hi")[0].responseID)
            }
            #expect(log.last?.json["status"] == "error")
            #expect(log.map(\.event) == ["response_start", "content", "status", "error", "response_end"])
            #expect(!log.contains { $0.data.contains("judged this") })
        }
    }
}
