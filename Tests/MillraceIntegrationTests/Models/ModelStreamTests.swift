import Millrace
import MillraceCore
import MillraceServer
import Testing

extension IntegrationTests {
    /// What a client gets of an answer that a configured model gives.
    @Suite struct ModelStreamTests {
        @Test(arguments: ModelProvider.allCases)
        func modelPausesInTheMiddle_whatItHasSaidIsThere(provider: ModelProvider) async throws {
            guard let upstream = try ModelServer.start() else { return }
            try await withServer(base: try ServerSettings(yaml: provider.configuration(at: upstream.url))) { server in
                let reader = try server.start("chat", text: "one two three four #hang=mid #tag=t")
                #expect(try reader.next(4).map(\.event) == ["response_start", "status", "content", "content"])
                _ = try upstream.waitFor("hanging", tag: "t")
                #expect(try upstream.waitFor("hanging", tag: "t").tokens == 2)
                let id = try #require(try server.ask("GET", "/api/v1/runs").json["items"]?.array?.first?["response_id"]?.string)
                #expect(try server.ask("POST", "/api/v1/runs/\(id)/cancel").status == 202)
                #expect(try reader.rest().map { $0.json["status"] } == ["cancelled"])
            }
        }

        @Test(arguments: ModelProvider.allCases)
        func textAnswer_streamsTokenByTokenHoweverItIsFramed(provider: ModelProvider) async throws {
            guard let upstream = try ModelServer.start() else { return }
            try await withServer(base: try ServerSettings(yaml: provider.configuration(at: upstream.url))) { server in
                for framing in ["", "#split=bytes", "#split=7", "#split=all", "#crlf", "#framing=close", "#slow_head #delay_ms=1"] {
                    try Self.expectWholeAnswer(server, framing)
                }
            }
        }

        private static func expectWholeAnswer(_ server: ServerUnderTest, _ framing: String) throws {
            let events = try server.run("chat", "one två three 四 \(framing)")
            let kinds = ["response_start", "status"] + Array(repeating: "content", count: 4) + ["metadata", "response_end"]
            #expect(events.map(\.event) == kinds, "\(framing)")
            #expect(events.filter { $0.event == "content" }.map(\.content) == ["one", " två", " three", " 四"])
            #expect(events.filter { $0.event == "content" }.allSatisfy { $0.json["content_block_index"] == 0 })
            let metadata = try #require(events.dropLast().last?.json["metadata"])
            #expect(metadata["model_id"] == "mill-chat")
            #expect(metadata["stop_reason"] == "end_turn")
            #expect(events.last?.json["status"] == "completed")
            let stored = try server.storedAnswer(events)
            #expect(stored["parts"] == [["part_kind": "text", "content": "one två three 四"]])
            #expect(stored["usage"] == events.last?.json["usage"])
        }

        // MARK: Usage

        /// A message costs 3 tokens, and each word one, directives included.
        @Test(arguments: ModelProvider.allCases)
        func usage_isTheProvidersOwnAndPricedByTheTable(provider: ModelProvider) async throws {
            guard let upstream = try ModelServer.start() else { return }
            let yaml = provider.configuration(at: upstream.url, "price: {prompt: 3, cachedPrompt: 0.5, completion: 15}")
            try await withServer(base: try ServerSettings(yaml: yaml)) { server in
                let plain = try #require(try server.run("chat", "one two three").last?.json["usage"])
                #expect(plain["prompt_tokens"] == 6)
                #expect(plain["completion_tokens"] == 3)
                #expect(plain["total_tokens"] == 9)
                #expect(plain["estimated"] == nil)
                #expect(abs((plain["estimated_cost"]?.double ?? 0) - (6 * 3 + 3 * 15) / 1e6) < 1e-12)
                let cached = try #require(try server.run("chat", "one two three #cached=4").last?.json["usage"])
                #expect(cached["prompt_tokens"] == 7)
                #expect(cached["cached_prompt_tokens"] == 4)
                #expect(abs((cached["estimated_cost"]?.double ?? 0) - (3 * 3 + 4 * 0.5 + 3 * 15) / 1e6) < 1e-12)
            }
        }

        @Test(arguments: ModelProvider.allCases)
        func providerTellsNoUsage_itIsUnknownAndNotNaught(provider: ModelProvider) async throws {
            guard let upstream = try ModelServer.start() else { return }
            let yaml = provider.configuration(at: upstream.url, "price: {prompt: 3, completion: 15}")
            try await withServer(base: try ServerSettings(yaml: yaml)) { server in
                let events = try server.run("chat", "one two #usage=none")
                let unknown: JSONValue = ["prompt_tokens": nil, "completion_tokens": nil, "total_tokens": nil, "estimated_cost": nil]
                #expect(events.last?.json["status"] == "completed")
                #expect(events.last?.json["usage"] == unknown)
                #expect(try server.storedAnswer(events)["usage"] == unknown)
            }
        }

        // MARK: Tools

        private static let tools = [
            ToolDefinition(
                name: "weather", description: "The weather of a city",
                inputSchema: ["type": "object", "properties": ["city": ["type": "string"]], "required": ["city"]]),
            ToolDefinition(
                name: "clock", description: "The time", inputSchema: ["type": "object", "properties": ["hours": ["type": "integer"]]]),
        ]

        /// Asks, calls what is wanted, and hands the results back.
        private static let toolLoop = ModelTask("tools") { request, context, model in
            var asked = ModelRequest(turns: [.init(role: .user, parts: request.message.parts)], tools: tools)
            let first = try await context.generate(asked, with: model)
            try await context.emit(.metadata(["first_stop_reason": .string(first.response?.stopReason.rawValue ?? "")]))
            let results = first.toolCalls.map { ToolReturn(id: $0.id, name: $0.name, result: ["seen": $0.arguments]) }
            for result in results { try await context.emit(.toolReturn(result)) }
            asked.turns.append(.init(role: .assistant, parts: first.toolCalls.map { .toolCall($0) }))
            asked.turns.append(.init(role: .user, parts: results.map { .toolReturn($0) }))
            try await context.generate(asked, with: model)
        }

        @Test(arguments: ModelProvider.allCases, ["weather", "weather,clock"])
        func modelCallsTools_callsAndAnswerStreamInOneRun(provider: ModelProvider, names: String) async throws {
            guard let upstream = try ModelServer.start() else { return }
            let base = try ServerSettings(yaml: provider.configuration(at: upstream.url))
            try await withServer(base: base, tasks: [Self.toolLoop]) { server in
                let events = try server.run("tools", "Oslo today #tool=\(names)")
                let calls = events.filter { $0.event == "tool_call" }.map(\.json)
                #expect(calls.map { $0["tool_name"]?.string } == names.split(separator: ",").map(String.init))
                #expect(calls.first?["tool_args"] == ["city": "Oslo today"])
                if calls.count > 1 { #expect(calls[1]["tool_args"] == ["hours": 7]) }
                #expect(Set(calls.map { $0["content_block_index"]?.integer }).count == calls.count)
                let prefix = provider == .openAI ? "call_" : "toolu_"
                #expect(calls.allSatisfy { $0["tool_id"]?.string?.hasPrefix(prefix) == true })
                let count = calls.count
                #expect(
                    events.map(\.event) == ["response_start"] + Array(repeating: "tool_call", count: count) + ["metadata"]
                        + Array(repeating: "tool_return", count: count) + ["content", "content", "response_end"])
                #expect(events.first { $0.event == "metadata" }?.json["metadata"]?["first_stop_reason"] == "tool_use")
                #expect(events.filter { $0.event == "content" }.map(\.content).joined() == "Oslo today")
                let stored = try server.storedAnswer(events)["parts"]?.array ?? []
                let kinds = Array(repeating: "tool_call", count: count) + Array(repeating: "tool_return", count: count) + ["text"]
                #expect(stored.map { $0["part_kind"]?.string } == kinds.map(Optional.some))
                // Both calls of the model count.
                #expect(events.last?.json["usage"]?["completion_tokens"]?.integer ?? 0 > 2)
            }
        }

        // MARK: Reasoning, citations, schemas

        @Test(arguments: ModelProvider.allCases)
        func modelReasons_reasoningComesBeforeTheTextAndIsKept(provider: ModelProvider) async throws {
            guard let upstream = try ModelServer.start() else { return }
            let yaml =
                provider == .openAI
                ? provider.configuration(at: upstream.url)
                : provider.configuration(at: upstream.url, "thinking: adaptive", "showsReasoning: true")
            try await withServer(base: try ServerSettings(yaml: yaml)) { server in
                let events = try server.run("chat", "one two #think=3")
                let reasoning = events.filter { $0.event == "reasoning" }
                #expect(reasoning.compactMap { $0.json["text"]?.string }.joined() == "hm hm hm ")
                let signature = reasoning.last?.json["signature"]?.string
                #expect((signature != nil) == (provider == .anthropic))
                let kinds = events.map(\.event).filter { $0 == "reasoning" || $0 == "content" }
                #expect(kinds == Array(repeating: "reasoning", count: reasoning.count) + ["content", "content"])
                let parts = try server.storedAnswer(events)["parts"]?.array ?? []
                #expect(parts.map { $0["part_kind"] } == ["reasoning", "text"])
                #expect(parts.first?["signature"]?.string == signature)
                #expect(events.last?.json["usage"]?["completion_tokens"] == 5)
            }
        }

        @Test func reasoningIsEncrypted_itIsKeptAsItCame() async throws {
            guard let upstream = try ModelServer.start() else { return }
            let base = try ServerSettings(yaml: ModelProvider.anthropic.configuration(at: upstream.url, "thinking: adaptive"))
            try await withServer(base: base) { server in
                let events = try server.run("chat", "one #think=1 #redacted")
                let redacted = events.compactMap { $0.json["redacted_content"]?.string }
                #expect(redacted.count == 1)
                let parts = try server.storedAnswer(events)["parts"]?.array ?? []
                #expect(parts.compactMap { $0["redacted_content"]?.string } == redacted)
                #expect(parts.last?["content"] == "one")
            }
        }

        @Test func attachedText_isCitedWithItsWordsAndItsTitle() async throws {
            guard let upstream = try ModelServer.start() else { return }
            try await withServer(base: try ServerSettings(yaml: ModelProvider.anthropic.configuration(at: upstream.url))) { server in
                // "The rent is due on the third. Pets are not allowed."
                let data = "VGhlIHJlbnQgaXMgZHVlIG9uIHRoZSB0aGlyZC4gUGV0cyBhcmUgbm90IGFsbG93ZWQu"
                let parts: JSONValue = [
                    ["content": "are pets allowed #cite=2"],
                    ["part_kind": "document", "title": "lease.txt", "mime_type": "text/plain", "data": .string(data)],
                ]
                let events = try server.run("chat", "", ["parts": parts])
                let citation = try #require(events.first { $0.event == "citation" }?.json)
                #expect(citation["text"]?.string == "Pets are not allowed.")
                #expect(citation["document_id"] == "doc_1")
                #expect(citation["document_title"] == "lease.txt")
                #expect(events.filter { $0.event == "content" }.map(\.content).joined() == "Document 1 says: Pets are not allowed.")
                let kinds = try server.storedAnswer(events)["parts"]?.array?.map { $0["part_kind"]?.string }
                #expect(kinds?.contains("citation") == true)
            }
        }

        @Test(arguments: ModelProvider.allCases)
        func answerFollowsASchema_itsJSONStreamsAsText(provider: ModelProvider) async throws {
            guard let upstream = try ModelServer.start() else { return }
            let schema: JSONValue = [
                "type": "object", "properties": ["city": ["type": "string"], "size": ["type": "integer"]], "required": ["city", "size"],
                "additionalProperties": false,
            ]
            let task = ModelTask(asking: "extract") { $0.outputSchema = schema }
            try await withServer(base: try ServerSettings(yaml: provider.configuration(at: upstream.url)), tasks: [task]) { server in
                let events = try server.run("extract", "Oslo")
                let pieces = events.filter { $0.event == "content" }.map(\.content)
                #expect(pieces.count > 1)
                #expect(try JSONValue(parsing: pieces.joined()) == ["city": "Oslo", "size": 7])
            }
        }

        // MARK: How an answer stops

        struct Stop: Sendable, CustomTestStringConvertible {
            var provider: ModelProvider
            var directives = ""
            var maxTokens: Int?
            var stopSequence: String?
            var reason: String
            var text = "one two three"
            var testDescription: String { "\(provider.rawValue) \(directives) \(maxTokens as Any) \(stopSequence as Any)" }
        }

        @Test(arguments: [
            Stop(provider: .openAI, maxTokens: 2, reason: "max_tokens", text: "one two"),
            Stop(provider: .anthropic, maxTokens: 2, reason: "max_tokens", text: "one two"),
            // OpenAI says "stop" for both, so the two cannot be told apart.
            Stop(provider: .openAI, stopSequence: "three", reason: "end_turn", text: "one two "),
            Stop(provider: .anthropic, stopSequence: "three", reason: "stop_sequence", text: "one two "),
            Stop(provider: .openAI, directives: "#finish=content_filter", reason: "content_filter"),
            Stop(provider: .anthropic, directives: "#finish=refusal", reason: "content_filter"),
            Stop(provider: .openAI, directives: "#finish=newfangled", reason: "newfangled"),
            Stop(provider: .anthropic, directives: "#finish=newfangled", reason: "newfangled"),
        ])
        func answerStops_theReasonIsTheFieldsOwnWord(stop: Stop) async throws {
            guard let upstream = try ModelServer.start() else { return }
            let task = ModelTask(asking: "ask") {
                $0.maxTokens = stop.maxTokens
                $0.stopSequences = stop.stopSequence.map { [$0] } ?? []
            }
            try await withServer(base: try ServerSettings(yaml: stop.provider.configuration(at: upstream.url)), tasks: [task]) { server in
                let events = try server.run("ask", "one two three \(stop.directives)")
                #expect(events.first { $0.event == "metadata" }?.json["metadata"]?["stop_reason"]?.string == stop.reason)
                #expect(events.filter { $0.event == "content" }.map(\.content).joined() == stop.text)
                #expect(events.last?.json["status"] == "completed")
            }
        }

        @Test func refusal_isAnAnswerWhereTheProviderWordsIt_andAnErrorWhereItDoesNot() async throws {
            guard let upstream = try ModelServer.start() else { return }
            try await withServer(base: try ServerSettings(yaml: ModelProvider.openAI.configuration(at: upstream.url))) { server in
                let events = try server.run("chat", "one #refuse")
                #expect(events.filter { $0.event == "content" }.map(\.content).joined() == "I can't help with that.")
                #expect(events.last?.json["status"] == "completed")
            }
            try await withServer(base: try ServerSettings(yaml: ModelProvider.anthropic.configuration(at: upstream.url))) { server in
                let events = try server.run("chat", "one #refuse")
                #expect(events.suffix(2).map(\.event) == ["error", "response_end"])
                #expect(events.dropLast().last?.json["message"]?.string?.contains("filtered") == true)
                #expect(events.last?.json["status"] == "error")
                #expect(events.last?.json["usage"]?["prompt_tokens"] == 5)
            }
        }
    }
}
