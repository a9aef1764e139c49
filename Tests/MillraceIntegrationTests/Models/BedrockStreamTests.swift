import Millrace
import MillraceCore
import MillraceCounterparts
import MillraceServer
import Testing

extension IntegrationTests {
    /// What a client gets of a configured model on Bedrock.
    @Suite struct BedrockStreamTests {
        @Test func textAnswer_streamsHoweverItIsFramed() async throws {
            guard let upstream = try BedrockServer.shared() else { return }
            try await withServer(base: try upstream.settings("price: {prompt: 3, completion: 15}")) { server in
                for framing in [
                    "", "[[tiny]]", "[[chunks:1]]", "[[chunks:7]]", "[[unknown-event]]", "[[head:20]] [[first:20]] [[delay:2]]",
                ] {
                    let events = try server.run("chat", "one två three 四 \(framing)")
                    let kinds = ["response_start", "status"] + Array(repeating: "content", count: 4) + ["metadata", "response_end"]
                    #expect(events.map(\.event) == kinds, "\(framing)")
                    #expect(events.filter { $0.event == "content" }.map(\.content) == ["one", " två", " three", " 四"], "\(framing)")
                    let metadata = try #require(events.dropLast().last?.json["metadata"])
                    #expect(metadata["model_id"] == "eu.anthropic.claude-sonnet-4-5-20250929-v1:0")
                    #expect(metadata["stop_reason"] == "end_turn")
                    let usage = try #require(events.last?.json["usage"])
                    #expect(events.last?.json["status"] == "completed")
                    #expect(usage["completion_tokens"] == 4 && usage["prompt_tokens"]?.integer ?? 0 >= 4, "\(usage)")
                    let cost = Double((usage["prompt_tokens"]?.integer ?? 0) * 3 + 4 * 15) / 1e6
                    #expect(abs((usage["estimated_cost"]?.double ?? 0) - cost) < 1e-12)
                    let stored = try server.storedAnswer(events)
                    #expect(stored["parts"] == [["part_kind": "text", "content": "one två three 四"]])
                    #expect(stored["usage"] == usage)
                }
            }
        }

        @Test func promptCache_isUsedAndCounted() async throws {
            guard let upstream = try BedrockServer.shared() else { return }
            try await withServer(base: try upstream.settings("promptCaching: 5m")) { server in
                let first = try server.run("chat", "a question that comes twice")
                let second = try server.run("chat", "a question that comes twice")
                #expect(first.last?.json["usage"]?["cached_prompt_tokens"]?.integer ?? 0 == 0)
                #expect(second.last?.json["usage"]?["cached_prompt_tokens"]?.integer ?? 0 > 0)
            }
        }

        // MARK: Tools

        private static let weather = ToolDefinition(
            name: "weather", description: "The weather of a city",
            inputSchema: ["type": "object", "properties": ["city": ["type": "string"]], "required": ["city"]])

        private static let toolLoop = ModelTask("tools") { request, context, model in
            var asked = ModelRequest(turns: [.init(role: .user, parts: request.message.parts)], tools: [weather])
            let first = try await context.generate(asked, with: model)
            let results = first.toolCalls.map { ToolReturn(id: $0.id, name: $0.name, result: "rain") }
            for result in results { try await context.emit(.toolReturn(result)) }
            asked.turns.append(.init(role: .assistant, parts: first.toolCalls.map { .toolCall($0) }))
            asked.turns.append(.init(role: .user, parts: results.map { .toolReturn($0) }))
            try await context.generate(asked, with: model)
        }

        @Test(arguments: ["", "[[tiny]]"]) func modelCallsATool_callAndAnswerStreamInOneRun(framing: String) async throws {
            guard let upstream = try BedrockServer.shared() else { return }
            try await withServer(base: try upstream.settings(), tasks: [Self.toolLoop]) { server in
                let events = try server.run("tools", #"[[silent]] [[tool:weather={"city": "Köln"}]] \#(framing)"#)
                #expect(events.last?.json["status"] == "completed", "\(events)")
                let calls = events.filter { $0.event == "tool_call" }.map(\.json)
                #expect(calls.map { $0["tool_name"] } == ["weather"] && calls.first?["tool_args"] == ["city": "Köln"])
                #expect(events.filter { $0.event == "content" }.map(\.content).joined() == "The tool said: rain")
                let kinds = try server.storedAnswer(events)["parts"]?.array?.map { $0["part_kind"]?.string ?? "" }
                #expect(kinds == ["tool_call", "tool_return", "text"])
            }
        }

        // MARK: Failures

        @Test func bedrockRefuses_itsStatusIsInTheError_andOnlyWhatCanPassIsTriedAgain() async throws {
            guard let upstream = try BedrockServer.shared() else { return }
            try await withServer(base: try upstream.settings()) { server in
                let cases = [
                    ("ThrottlingException", 429, 2), ("AccessDeniedException", 403, 1), ("ValidationException", 400, 1),
                    ("ServiceUnavailableException", 503, 2),
                ]
                _ = try await concurrently(cases.count) { index in
                    let (code, status, attempts) = cases[index]
                    let events = try server.run("chat", "one [[fail:\(code)]] [[tag:e-\(code)]]")
                    let error = try ModelFailureTests.expectFailure(server, events, said: [], code)
                    #expect(error["details"]?["provider_status"]?.integer == status && error["details"]?["provider_error"]?.string == code)
                    #expect(try upstream.requests(tag: "e-\(code)", count: attempts).count == attempts, "\(code)")
                }
                let events = try server.run("chat", "one two [[fail:ThrottlingException:1]] [[tag:passes]]")
                #expect(events.last?.json["status"] == "completed")
                #expect(events.filter { $0.event == "content" }.map(\.content) == ["one", " two"])
                #expect(try upstream.requests(tag: "passes", count: 2).count == 2)
            }
        }

        /// How an answer breaks off, and whether its first word has come by then.
        private static let breaks = [
            ("stream-exception:throttlingException", false), ("stream-exception:modelStreamErrorException", false),
            ("stream-exception-after:throttlingException", true), ("stream-exception-after:modelStreamErrorException", true),
            ("stream-exception-after:internalServerException", true), ("stream-error:InternalFailure", true), ("cut:frame", true),
            ("cut:between", true), ("cut:frame-end", true), ("cut:end", true), ("corrupt:prelude", true), ("corrupt:message", true),
            ("corrupt:length", true), ("corrupt:type", true),
        ]

        @Test func answerBreaksOff_runEndsInOneErrorAndKeepsWhatWasSaid() async throws {
            guard let upstream = try BedrockServer.shared() else { return }
            try await withServer(base: try upstream.settings()) { server in
                _ = try await concurrently(Self.breaks.count) { index in
                    let (fault, hasBegun) = Self.breaks[index]
                    let events = try server.run("chat", "a b c d [[\(fault)]] [[tag:b\(index)]]")
                    try ModelFailureTests.expectFailure(server, events, said: hasBegun ? ["a"] : [], fault)
                    #expect(try upstream.requests(tag: "b\(index)").count == 1, "what has begun is not asked again: \(fault)")
                }
                #expect(try server.run("chat", "after all that").last?.json["status"] == "completed")
            }
        }

        private static func fallback(_ upstream: BedrockServer) throws -> ServerSettings {
            // The second model is one that directives do not reach: it is local.
            try ServerSettings(
                yaml: """
                    http: {attempts: 1}
                    aws: {region: us-east-1}
                    defaults: {model: main}
                    models:
                      main: {type: fallback, models: [first, local]}

                    """ + upstream.entry("first"), environment: BedrockServer.variables)
        }

        @Test(arguments: ["fail:ThrottlingException", "stream-exception:throttlingException", "drop:1"])
        func bedrockFailsBeforeItSaysAnything_secondAnswersInOneCleanStream(fault: String) async throws {
            guard let upstream = try BedrockServer.shared() else { return }
            try await withServer(base: try Self.fallback(upstream)) { server in
                let events = try server.run("chat", "What turns the wheel? [[\(fault)]]")
                #expect(!events.contains { $0.event == "error" } && events.last?.json["status"] == "completed", "\(events)")
                let attempts = Self.metadata(events, "attempts")?.array ?? []
                #expect(
                    attempts.map { $0["model_id"] } == ["first", "local"] && attempts.map { $0["outcome"] } == ["failed", "answered"],
                    "\(attempts)")
            }
        }

        @Test func bedrockFailsBehindItsFirstWord_nobodyElseIsAsked() async throws {
            guard let upstream = try BedrockServer.shared() else { return }
            try await withServer(base: try Self.fallback(upstream)) { server in
                let events = try server.run("chat", "a b [[stream-exception-after:throttlingException]]")
                try ModelFailureTests.expectFailure(server, events, said: ["a"], "behind")
            }
        }

        /// What the events of metadata say of a name.
        private static func metadata(_ events: [SSEMessage], _ name: String) -> JSONValue? {
            events.lazy.compactMap { $0.event == "metadata" ? $0.json["metadata"]?[name] : nil }.first
        }

        // MARK: Cancels

        @Test(arguments: ["stall", "stall-after"], CancelMeasurement.Way.allCases)
        func runIsStopped_bedrockSeesItAtOnce(place: String, way: CancelMeasurement.Way) async throws {
            guard let upstream = try BedrockServer.shared() else { return }
            try await withServer(base: try upstream.settings(), tasks: [CancelMeasurement.task]) { server in
                _ = try await concurrently(8) { number in
                    let tag = "c-\(place)-\(way)-\(number)"
                    let reader = try server.start("ask", text: "a b c [[\(place)]] [[tag:\(tag)]]")
                    defer { reader.close() }
                    let id = try #require(try reader.next()).responseID
                    if place == "stall-after" { _ = try reader.read(until: "content") }
                    _ = try upstream.requests(tag: tag, outcome: "", count: 1)
                    let start = ModelServer.now
                    switch way {
                    case .cancel:
                        #expect(try server.ask("POST", "/api/v1/runs/\(id)/cancel").status == 202)
                        #expect(try reader.rest().last?.json["status"] == "cancelled")
                    case .disconnect: reader.close()
                    }
                    #expect(try upstream.requests(tag: tag, outcome: "closed").first?["outcome"] == "closed")
                    #expect(ModelServer.now - start < 1_000_000_000)
                }
            }
        }

        // MARK: Who asks

        @Test(arguments: ["the variable", "apiKey"]) func bearerToken_takesTheSignaturesPlace(from: String) async throws {
            guard let upstream = try BedrockServer.shared() else { return }
            for (token, isRight) in [("bearer-token", true), ("another", false)] {
                var variables = BedrockServer.variables
                variables["AWS_ACCESS_KEY_ID"] = nil
                variables[from == "apiKey" ? "MY_KEY" : "AWS_BEARER_TOKEN_BEDROCK"] = token
                let base = try ServerSettings(
                    yaml: from == "apiKey" ? upstream.configuration("apiKey: env:MY_KEY") : upstream.configuration(), environment: variables
                )
                #expect(!"\(base)".contains(token))
                let tag = "bearer-\(from == "apiKey")-\(token)"
                try await withServer(base: base) { server in
                    let events = try server.run("chat", "hello [[tag:\(tag)]]")
                    #expect(events.last?.json["status"]?.string == (isRight ? "completed" : "error"))
                    #expect(!server.log.all.contains(token))
                }
                let asked = try #require(try upstream.requests(tag: tag).first)
                #expect(isRight == (asked["authentication"] == "bearer"), "\(asked)")
            }
        }

        @Test(arguments: [
            ("AKIATEST", "wrong", "credentials"), ("AKIANOBODY", "sekrit", "credentials"), ("AKIADENIED", "sekrit", "access"),
        ])
        func wrongCredentials_areAnErrorThatSaysWhatToCheck(key: String, secret: String, says: String) async throws {
            guard let upstream = try BedrockServer.shared() else { return }
            let own = ["AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret]
            let variables = BedrockServer.variables.merging(own) { $1 }
            try await withServer(base: try upstream.settings(variables: variables)) { server in
                let error = try ModelFailureTests.expectFailure(server, try server.run("chat", "hello"), said: [], key)
                let message = error["message"]?.string ?? ""
                #expect(message.contains(says) && !message.contains(secret), "\(message)")
            }
        }

        @Test func noCredentials_areTheRunsError_andTheServerLivesOn() async throws {
            guard let upstream = try BedrockServer.shared() else { return }
            let variables = ["AWS_EC2_METADATA_DISABLED": "true", "HOME": "/nonexistent"]
            try await withServer(base: try upstream.settings(variables: variables)) { server in
                let error = try ModelFailureTests.expectFailure(server, try server.run("chat", "hello"), said: [], "none")
                #expect(error["message"]?.string?.contains("no credentials for AWS") == true, "\(error)")
                #expect(try server.run("chat", "hello", ["model_id": "local"]).last?.json["status"] == "completed")
            }
        }

        // MARK: Guardrails

        @Test func guardrail_isAskedFor_andItsInterventionIsTold() async throws {
            guard let upstream = try BedrockServer.shared() else { return }
            let base = try upstream.settings("guardrail: {identifier: g1, version: 3, trace: enabled, streamProcessingMode: sync}")
            try await withServer(base: base) { server in
                let passed = try server.run("chat", "a harmless word [[tag:harmless]]")
                #expect(passed.filter { $0.event == "content" }.map(\.content).joined() == "a harmless word")
                let asked = try #require(try upstream.requests(tag: "harmless").first)
                #expect(
                    asked["body"]?["guardrailConfig"]
                        == [
                            "guardrailIdentifier": "g1", "guardrailVersion": "3", "trace": "enabled", "streamProcessingMode": "sync",
                        ])
                let blocked = try server.run("chat", "a forbidden word")
                #expect(blocked.last?.json["status"] == "completed", "\(blocked)")
                #expect(blocked.filter { $0.event == "content" }.map(\.content).joined() == "Sorry, the model cannot answer this question.")
                #expect(Self.metadata(blocked, "stop_reason") == "guardrail_intervened")
            }
        }

        // MARK: Recordings

        @Test func recordedStream_isPlayedAgainWithoutCredentialsAndServer() async throws {
            guard try BedrockServer.isAvailable() else { return }
            let upstream = try BedrockServer()
            let recordings = TestFiles.temporaryPath("bedrock-recordings")
            defer { TestFiles.remove(recordings) }
            let questions = [
                "one two three [[tiny]]", "a b [[cut:frame]]", "refused [[fail:AccessDeniedException]]", "again [[reasoning:hm]]",
            ]
            func answers(_ line: String, _ variables: [String: String]) async throws -> [[String]] {
                try await withServer(base: try upstream.settings(line, variables: variables)) { server in
                    try questions.map { question in
                        try server.run("chat", question).map { event in
                            let end = event.event == "response_end" ? (event.json["usage"] ?? .null).text : ""
                            return "\(event.event) \(event.content) \(event.json["status"]?.string ?? "") \(end)"
                        }
                    }
                }
            }
            let recorded = try await answers("record: \(recordings)", BedrockServer.variables)
            upstream.stop()
            let replayed = try await answers("replay: \(recordings)", ["AWS_EC2_METADATA_DISABLED": "true", "HOME": "/nonexistent"])
            #expect(recorded == replayed)
            #expect(recorded.map { $0.last?.contains("completed") } == [true, false, false, true], "\(recorded)")
            for name in try Command(["ls", recordings]).output.split(separator: "\n") {
                let text = TestFiles.read("\(recordings)/\(name)")
                #expect(text.contains("authorization"), "that it was there is recorded, not what it said")
                #expect(!text.contains("AKIATEST") && !text.contains("AWS4-HMAC") && !text.contains("Signature="), "\(text)")
            }
        }
    }
}
