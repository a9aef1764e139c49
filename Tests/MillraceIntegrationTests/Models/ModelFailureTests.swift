import Millrace
import MillraceCore
import MillraceServer
import Testing

extension IntegrationTests {
    /// What a client gets when a model fails and no other one is configured.
    @Suite struct ModelFailureTests {
        /// Checks that a run said these pieces and then failed, once, and that the chat keeps what was said.
        /// - Returns: the error.
        @discardableResult
        static func expectFailure(_ server: ServerUnderTest, _ events: [SSEMessage], said: [String], _ what: String) throws -> JSONValue {
            #expect(events.filter { $0.event == "content" }.map(\.content) == said, "\(what)")
            #expect(events.suffix(2).map(\.event) == ["error", "response_end"], "\(what)")
            #expect(events.count { $0.event == "error" } == 1 && events.count { $0.event == "response_end" } == 1, "\(what)")
            let end = try #require(events.last?.json)
            #expect(end["status"] == "error", "\(what)")
            let error = try #require(events.dropLast().last?.json)
            #expect(error["error_type"] == "model_error", "\(what): \(error)")
            let stored = try server.storedAnswer(events)
            let parts: JSONValue = said.isEmpty ? [] : [["part_kind": "text", "content": .string(said.joined())]]
            #expect(stored["parts"] == parts, "\(what)")
            #expect(stored["status"] == "error", "\(what)")
            #expect(stored["usage"] == end["usage"], "\(what)")
            return error
        }

        @Test(arguments: ModelProvider.allCases)
        func providerRefuses_itsStatusIsInTheError_andOnlyWhatCanPassIsTriedAgain(provider: ModelProvider) async throws {
            guard let upstream = try ModelServer.start() else { return }
            try await withServer(base: try ServerSettings(yaml: provider.configuration(at: upstream.url))) { server in
                let cases = [(401, 1), (429, 2), (500, 2), (529, 2)]
                _ = try await concurrently(cases.count) { index in
                    let (status, attempts) = cases[index]
                    let events = try server.run("chat", "one two #error=\(status) #tag=e\(status)")
                    let error = try Self.expectFailure(server, events, said: [], "\(status)")
                    #expect(error["details"]?["provider_status"]?.integer == status)
                    #expect(events.last?.json["usage"]?["total_tokens"] == .null)
                    #expect(try upstream.requestCount(tag: "e\(status)") == attempts, "\(status)")
                }
            }
        }

        @Test(arguments: ModelProvider.allCases)
        func failurePasses_secondAttemptGivesOneCleanAnswer(provider: ModelProvider) async throws {
            guard let upstream = try ModelServer.start() else { return }
            try await withServer(base: try ServerSettings(yaml: provider.configuration(at: upstream.url))) { server in
                let faults = ["error=500", "error=529", "error=429 #retry_after_ms=20", "error=429 #retry_after=0", "cut=head"]
                _ = try await concurrently(faults.count) { index in
                    let events = try server.run("chat", "one two #\(faults[index]) #status_times=1 #tag=again\(index)")
                    let kinds = ["response_start", "status", "content", "content", "metadata", "response_end"]
                    #expect(events.map(\.event) == kinds, "\(faults[index])")
                    #expect(events.last?.json["status"] == "completed")
                    #expect(events.last?.json["usage"]?["completion_tokens"] == 2)
                    #expect(try upstream.requestCount(tag: "again\(index)") == 2, "\(faults[index])")
                }
            }
        }

        /// How an answer of four tokens breaks off, and how many of them have come by then.
        private static let breaks = [
            ("error=mid", 2), ("cut=first", 0), ("cut=start", 0), ("cut=mid", 2), ("cut=chunk", 2), ("cut=reset", 2), ("cut=end", 4),
            ("cut=mid #framing=close", 2),
        ]

        @Test(arguments: ModelProvider.allCases)
        func answerBreaksOff_runEndsInOneErrorAndKeepsWhatWasSaid(provider: ModelProvider) async throws {
            guard let upstream = try ModelServer.start() else { return }
            try await withServer(base: try ServerSettings(yaml: provider.configuration(at: upstream.url))) { server in
                _ = try await concurrently(Self.breaks.count) { index in
                    let (fault, count) = Self.breaks[index]
                    let events = try server.run("chat", "a b c d #\(fault) #tag=b\(index)")
                    let said = Array(["a", " b", " c", " d"].prefix(count))
                    try Self.expectFailure(server, events, said: said, fault)
                    #expect(try upstream.requestCount(tag: "b\(index)") == 1, "what has begun is not asked again: \(fault)")
                    // Anthropic counts the prompt at the answer's beginning, OpenAI everything at its end.
                    let prompt = events.last?.json["usage"]?["prompt_tokens"] ?? .null
                    #expect((prompt == .null) == (provider == .openAI || fault == "cut=first"), "\(fault): \(prompt)")
                }
            }
        }

        @Test(arguments: ModelProvider.allCases)
        func providerIsKilledInTheMiddle_runEndsInAnErrorAtOnce(provider: ModelProvider) async throws {
            guard let upstream = try ModelServer.start() else { return }
            try await withServer(base: try ServerSettings(yaml: provider.configuration(at: upstream.url))) { server in
                let reader = try server.start("chat", text: "a b c d #hang=mid #tag=killed")
                let before = try reader.next(4)
                _ = try upstream.waitFor("hanging", tag: "killed")
                upstream.kill()
                let error = try Self.expectFailure(server, before + reader.rest(), said: ["a", " b"], "kill")
                #expect(error["details"]?["transport_error"] == "connection_lost")
                // Nothing listens there any more, and the server lives on.
                let refused = try Self.expectFailure(server, try server.run("chat", "again"), said: [], "refused")
                #expect(refused["details"]?["transport_error"] == "unreachable")
                #expect(try server.ask("GET", "/healthz").status == 200)
            }
        }

        @Test(arguments: ModelProvider.allCases)
        func providerSaysNothing_runEndsInAnErrorAfterTheTimeout(provider: ModelProvider) async throws {
            guard let upstream = try ModelServer.start() else { return }
            let yaml = provider.configuration(at: upstream.url, "firstByteTimeoutSeconds: 0.1", "idleTimeoutSeconds: 0.1")
            try await withServer(base: try ServerSettings(yaml: yaml)) { server in
                let places = [("head", 0, 2), ("first", 0, 1), ("start", 0, 1), ("mid", 2, 1), ("end", 4, 1)]
                _ = try await concurrently(places.count) { index in
                    let (place, count, attempts) = places[index]
                    let events = try server.run("chat", "a b c d #hang=\(place) #tag=\(place)")
                    let said = Array(["a", " b", " c", " d"].prefix(count))
                    let error = try Self.expectFailure(server, events, said: said, place)
                    #expect(error["details"]?["transport_error"] == "timeout", "\(place)")
                    #expect(try upstream.requestCount(tag: place) == attempts, "\(place)")
                    // The transfer is over at the upstream, too.
                    _ = try upstream.waitFor("client_closed", tag: place)
                }
            }
        }
    }
}
