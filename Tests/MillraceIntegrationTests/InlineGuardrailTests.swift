import Millrace
import MillraceCore
import MillraceCounterparts
import MillraceServer
import Testing

extension IntegrationTests {
    /// A stored guardrail that Bedrock's models carry themselves.
    @Suite struct InlineGuardrailTests {
        private static let asking = ModelTask(asking: "asking")
        /// Has the model say an e-mail address, which no guard of what goes in has seen.
        private static let mailing = ModelTask(asking: "mailing") { request in
            request.turns = [.init(role: .user, parts: [.text("[[say:a@b.example]]")])]
        }

        /// Models of one imitation: one whose answer is forbidden, one that fails, one with a guardrail of its own,
        /// one in another account, and a fallback to a model that is not Bedrock's.
        private static func settings(_ upstream: BedrockServer) throws -> ServerSettings {
            func entry(_ id: String, _ model: String, _ more: String = "") -> String {
                "  \(id): {type: bedrock, model: '\(model)', url: '\(upstream.url)'\(more)}\n"
            }
            let yaml =
                "http: {attempts: 1}\naws: {region: us-east-1, bedrockEndpoint: '\(upstream.url)'}\ndefaults: {model: main}\nmodels:\n"
                + entry("main", "anthropic.claude-test") + entry("rude", "test.say:damn")
                + entry("failing", "test.fail:ThrottlingException")
                + entry("own", "anthropic.claude-test", ", guardrail: {identifier: g7, version: 3}")
                + entry("keyed", "anthropic.claude-test", ", apiKey: env:KEYED")
                + "  fallback: {type: fallback, models: [failing, local]}\n"
            return try ServerSettings(yaml: yaml, environment: BedrockServer.variables.merging(["KEYED": "bearer-token"]) { $1 })
        }

        private static func stored(inline: Bool, streaming: String = "hold", rules: String = "[]") -> String {
            #"""
            {"guardrail": {"guardrailIdentifier": "g1", "guardrailVersion": "1", "inline": \#(inline), "streaming": "\#(streaming)",
              "rules": \#(rules), "blocked_output_message": "Enough."}}
            """#
        }

        /// What was asked of the imitation since a number of requests: the guardrails of calls, and the texts that were judged on their way
        /// out.
        private struct Asked {
            var configurations: [JSONValue] = []
            var judged: [String] = []
        }

        private static func count(_ upstream: BedrockServer) throws -> Int {
            try TCPClient(port: upstream.port).ask("GET", "/_observations").json.array?.count ?? 0
        }

        private static func asked(_ upstream: BedrockServer, since count: Int) throws -> Asked {
            var asked = Asked()
            for record in try (TCPClient(port: upstream.port).ask("GET", "/_observations").json.array ?? []).dropFirst(count) {
                if record["operation"]?.string?.hasPrefix("Converse") == true {
                    asked.configurations.append(record["body"]?["guardrailConfig"] ?? .null)
                } else if record["body"]?["source"] == "OUTPUT" {
                    asked.judged += (record["body"]?["content"]?.array ?? []).compactMap { $0["text"]?["text"]?.string }
                }
            }
            return asked
        }

        private static let carried: JSONValue = [
            "guardrailIdentifier": "g1", "guardrailVersion": "1", "trace": "enabled", "streamProcessingMode": "sync",
        ]

        /// Runs the task with a model, and tells what was asked.
        private static func run(
            _ upstream: BedrockServer, _ task: String = "asking", model: String, _ text: String, _ guardrail: String
        ) async throws -> (log: [SSEMessage], asked: Asked) {
            try await withServer(base: try settings(upstream), tasks: [asking, mailing]) { server in
                #expect(try server.ask("PUT", "/api/v1/admin/task/\(task)", body: guardrail).status == 200)
                let before = try count(upstream)
                let id = try server.run(task, text, ["model_id": .string(model)])[0].responseID
                return (try server.log(of: id), try asked(upstream, since: before))
            }
        }

        private static func said(_ log: [SSEMessage]) -> String { log.filter { $0.event == "content" }.map(\.content).joined() }

        @Test(arguments: ["[]", #"[{"words": ["word"], "action": "mask", "mask": "W"}]"#])
        func inlineGuardrail_goesWithTheCall_andItsTextIsNotJudgedTwice(rules: String) async throws {
            guard let upstream = try BedrockServer.shared() else { return }
            let (log, asked) = try await Self.run(upstream, model: "main", "a harmless term", Self.stored(inline: true, rules: rules))
            #expect(Self.said(log) == "a harmless term")
            // Word by word, as no block that is held comes.
            #expect(log.count { $0.event == "content" } > 1)
            #expect(asked.configurations == [Self.carried])
            #expect(asked.judged.isEmpty)
            let (_, apart) = try await Self.run(upstream, model: "main", "a harmless term", Self.stored(inline: false, rules: rules))
            #expect(apart.configurations == [.null])
            #expect(apart.judged == ["a harmless term"])
        }

        @Test func intervention_endsTheRunBlocked() async throws {
            guard let upstream = try BedrockServer.shared() else { return }
            for mode in ["hold", "async"] {
                let (log, asked) = try await Self.run(upstream, model: "rude", "hi", Self.stored(inline: true, streaming: mode))
                #expect(log.last?.json["status"] == "blocked", "\(mode): \(log)")
                #expect(log.last { $0.event == "status" }?.json["message"] == "Enough." || mode == "async")
                #expect(!log.contains { $0.data.contains("damn") })
                #expect(asked.configurations.count == 1)
            }
        }

        /// The stop reason is that of a block; the trace, which quotes what was found, goes nowhere.
        @Test func maskedAnswer_isNoBlock() async throws {
            guard let upstream = try BedrockServer.shared() else { return }
            let (log, asked) = try await Self.run(upstream, "mailing", model: "main", "hi", Self.stored(inline: true))
            #expect(log.last?.json["status"] == "completed")
            #expect(Self.said(log) == "{EMAIL}" && asked.judged.isEmpty)
            #expect(log.last { $0.event == "metadata" }?.json["metadata"] == ["stop_reason": "end_turn"])
            #expect(!log.contains { $0.data.contains("a@b") })
        }

        /// What no inline guardrail has judged is judged by `ApplyGuardrail`: another model's words, and where the call cannot carry it.
        @Test(arguments: [("fallback", ["g1"]), ("own", ["g7"]), ("keyed", [nil])] as [(String, [String?])])
        func otherModels_areJudgedApart(model: String, identifiers: [String?]) async throws {
            guard let upstream = try BedrockServer.shared() else { return }
            let (log, asked) = try await Self.run(upstream, model: model, "tell me a term", Self.stored(inline: true))
            #expect(log.last?.json["status"] == "completed", "\(log)")
            #expect(asked.configurations.map { $0["guardrailIdentifier"]?.string } == identifiers)
            #expect(!Self.said(log).isEmpty)
            #expect(asked.judged.joined().contains(Self.said(log).prefix(4)))
        }

        /// A handler's own words, also in the answer's block, and an answer that its own check has changed.
        @Test func handlersOwnWords_areJudgedApart() async throws {
            guard let upstream = try BedrockServer.shared() else { return }
            let mixing = ModelTask("mixing") { request, context, model in
                let asked = ModelRequest(turns: [.init(role: .user, parts: request.message.parts)])
                try await context.generate(asked, with: model)
                try await context.emit(.content(" and write to c@d.example"))
            }
            let log = try await withServer(base: try Self.settings(upstream), tasks: [mixing]) { server in
                _ = try server.ask("PUT", "/api/v1/admin/task/mixing", body: Self.stored(inline: true))
                return try server.run("mixing", "a harmless term", [:])
            }
            #expect(Self.said(log) == "a harmless term and write to {EMAIL}")
        }
    }
}
