import Millrace
import MillraceCore
import MillraceServer
import Testing

extension IntegrationTests {
    /// Models that are configured to stand in for each other.
    @Suite struct ModelFallbackTests {
        /// A `config.yaml` with a fallback from one provider's model to the other's.
        private static func settings(_ first: ModelProvider, _ firstURL: String, _ second: ModelProvider, _ secondURL: String) throws
            -> ServerSettings
        {
            try ServerSettings(
                yaml: """
                    http: {attempts: 2}
                    defaults: {model: main}
                    models:
                      main:
                        type: fallback
                        models: [first, second]
                    """ + "\n"
                        + first.entry(
                            "first", at: firstURL, "firstByteTimeoutSeconds: 0.1", "price: {prompt: 500000, completion: 500000}")
                        + second.entry("second", at: secondURL, "price: {prompt: 1000000, completion: 1000000}"))
        }

        private static func expectCleanAnswer(_ events: [SSEMessage], _ what: String) {
            let kinds = ["response_start", "status"] + Array(repeating: "content", count: 4) + ["metadata", "response_end"]
            #expect(events.map(\.event) == kinds, "\(what)")
            #expect(events.filter { $0.event == "content" }.map(\.content) == ["a", " b", " c", " d"], "\(what)")
            #expect(events.last?.json["status"] == "completed", "\(what)")
        }

        @Test(arguments: ModelProvider.allCases)
        func firstModelFailsBeforeItSaysAnything_secondAnswersInOneCleanStream(provider: ModelProvider) async throws {
            guard let failing = try ModelServer.start(), let sound = try ModelServer.start(["--faultless"]) else { return }
            let settings = try Self.settings(provider, failing.url, provider.other, sound.url)
            try await withServer(base: settings) { server in
                // Fewer attempts in all than those after which the circuit opens.
                let faults = [("error=500", 2), ("error=401", 1), ("hang=head", 2), ("cut=head", 2), ("cut=first", 1), ("cut=start", 1)]
                _ = try await concurrently(faults.count) { index in
                    let (fault, expected) = faults[index]
                    let events = try server.run("chat", "a b c d #\(fault) #tag=f\(index)")
                    Self.expectCleanAnswer(events, fault)
                    let metadata = events.dropLast().last?.json["metadata"]
                    let attempts = metadata?["attempts"]?.array ?? []
                    #expect(attempts.map { $0["model_id"] } == ["first", "second"], "\(fault)")
                    #expect(attempts.map { $0["outcome"] } == ["failed", "answered"], "\(fault)")
                    // libcurl itself sends a request again whose reused connection ends before any answer.
                    let count = try failing.requestCount(tag: "f\(index)")
                    #expect(fault == "cut=head" ? count >= expected : count == expected, "\(fault): \(count)")
                    // The prompt costs 3 tokens and one a word, the answer 4; what the first model is known to have used counts as well.
                    let usage = try #require(events.last?.json["usage"])
                    let words = 6
                    let begun = provider == .anthropic && fault == "cut=start"
                    #expect(usage["prompt_tokens"]?.integer == (3 + words) * (begun ? 2 : 1), "\(fault)")
                    let firstCost = begun ? 3 + words + 1 : 0
                    #expect(usage["completion_tokens"]?.integer == 4 + (begun ? 1 : 0), "\(fault)")
                    #expect(usage["estimated_cost"]?.double == Double(firstCost) / 2 + Double(3 + words + 4), "\(fault)")
                    #expect(try server.storedAnswer(events)["parts"] == [["part_kind": "text", "content": "a b c d"]])
                }
            }
        }

        @Test(arguments: ModelProvider.allCases)
        func firstModelCannotBeReached_secondAnswers(provider: ModelProvider) async throws {
            guard let gone = try ModelServer.start(), let sound = try ModelServer.start() else { return }
            gone.stop()
            try await withServer(base: try Self.settings(provider, gone.url, provider.other, sound.url)) { server in
                Self.expectCleanAnswer(try server.run("chat", "a b c d"), "refused")
                #expect(server.log.waitForLine("model failed; the next one is asked", "model=first", "next=second") != nil)
            }
        }

        @Test(arguments: ModelProvider.allCases)
        func firstModelFailsBehindItsFirstWords_runEndsInAnErrorAndNobodyElseIsAsked(provider: ModelProvider) async throws {
            guard let failing = try ModelServer.start(), let sound = try ModelServer.start(["--faultless"]) else { return }
            try await withServer(base: try Self.settings(provider, failing.url, provider.other, sound.url)) { server in
                let events = try server.run("chat", "a b c d #cut=mid #tag=t")
                try ModelFailureTests.expectFailure(server, events, said: ["a", " b"], "mid")
                #expect(try sound.requestCount(tag: "t") == 0)
            }
        }

        @Test(arguments: ModelProvider.allCases)
        func handlerAllowsARestart_whatWasSaidIsTakenBackAndOnlyTheSecondAnswerIsKept(provider: ModelProvider) async throws {
            guard let failing = try ModelServer.start(), let sound = try ModelServer.start(["--faultless"]) else { return }
            let task = ModelTask(asking: "restarting") { $0.allowsRestart = true }
            try await withServer(base: try Self.settings(provider, failing.url, provider.other, sound.url), tasks: [task]) { server in
                for (fault, said) in [("cut=mid", 2), ("error=mid", 2), ("cut=end", 4)] {
                    let events = try server.run("restarting", "a b c d #\(fault)")
                    let first = Array(repeating: "content", count: said)
                    let kinds =
                        ["response_start"] + first + ["status"] + Array(repeating: "content", count: 4) + ["metadata", "response_end"]
                    #expect(events.map(\.event) == kinds, "\(fault)")
                    let restart = try #require(events.first { $0.event == "status" }?.json)
                    #expect(restart["status"] == "restarted")
                    let discarded = Set((restart["discarded_blocks"]?.array ?? []).compactMap(\.integer))
                    #expect(discarded == [0], "\(fault)")
                    let kept = events.filter { event in
                        event.event == "content" && event.json["content_block_index"]?.integer.map { !discarded.contains($0) } == true
                    }
                    #expect(kept.map(\.content) == ["a", " b", " c", " d"], "\(fault)")
                    #expect(events.last?.json["status"] == "completed")
                    #expect(try server.storedAnswer(events)["parts"] == [["part_kind": "text", "content": "a b c d"]])
                }
            }
        }

        @Test func bothModelsFail_errorTellsOfBoth() async throws {
            guard let failing = try ModelServer.start() else { return }
            try await withServer(base: try Self.settings(.openAI, failing.url, .anthropic, failing.url)) { server in
                let error = try ModelFailureTests.expectFailure(server, try server.run("chat", "a #error=500"), said: [], "both")
                let attempts = error["details"]?["attempts"]?.array ?? []
                #expect(attempts.map { $0["model_id"] } == ["first", "second"])
                #expect(error["message"]?.string?.contains("'first'") == true && error["message"]?.string?.contains("'second'") == true)
            }
        }

        @Test func cancelWhileTheFirstModelHangs_secondIsNotAsked() async throws {
            guard let failing = try ModelServer.start(), let sound = try ModelServer.start() else { return }
            let base = try Self.settings(.openAI, failing.url, .anthropic, sound.url)
            try await withServer(base: base) { server in
                let reader = try server.start("chat", text: "a b #hang=first #tag=t")
                let id = try #require(try reader.next()).responseID
                _ = try failing.waitFor("hanging", tag: "t")
                #expect(try server.ask("POST", "/api/v1/runs/\(id)/cancel").status == 202)
                #expect(try reader.rest().last?.json["status"] == "cancelled")
                _ = try failing.waitFor("client_closed", tag: "t")
                #expect(try sound.requestCount(tag: "t") == 0)
            }
        }
    }
}
