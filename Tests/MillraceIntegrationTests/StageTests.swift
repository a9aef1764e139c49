import Millrace
import MillraceBackends
import MillraceCore
import MillraceServer
import Testing

/// A stage that a test scripts.
private final class ScriptedStage: EventStage {
    private let inputs: (Message) -> InputVerdict
    private let events: (Event) -> StageVerdict
    private let ending: () -> StageVerdict

    init(
        input: @escaping (Message) -> InputVerdict = { _ in .pass }, event: @escaping (Event) -> StageVerdict = { _ in .pass },
        finish: @escaping () -> StageVerdict = { .hold }
    ) {
        inputs = input
        events = event
        ending = finish
    }

    func input(_ message: Message) async throws -> InputVerdict { inputs(message) }
    func process(_ event: Event) async throws -> StageVerdict { events(event) }
    func finish() async throws -> StageVerdict { ending() }
}

extension IntegrationTests {
    /// Nothing reaches the log, a reader or the disk past the stages.
    @Suite struct StageTests {
        private static let secret = "swordfish-4711-xyzzy"

        private static let telling = ScriptedTask("telling") { request, context in
            for word in ["The ", "password ", "is ", secret, ". "] { try await context.emit(.content(word)) }
            try await context.emit(.reasoning(Reasoning(text: "I know \(secret)")))
            try await context.emit(.content("You said: \(request.text)"))
        }

        /// Runs `telling` on disk with a stage, and returns the log and all bytes that the server has stored anywhere.
        private static func run(
            text: String = "hi", _ make: @escaping @Sendable () -> [any EventStage]
        ) async throws -> (log: [SSEMessage], stored: [UInt8], messages: [JSONValue]) {
            let directory = try TemporaryDirectory()
            let (log, messages) = try await withServer(
                [telling], stages: [{ _ in make() }], configure: { $0.dataDirectory = directory.path }
            ) { server in
                let log = try server.start("telling", text: text).rest()
                let chat = log.first?.json["chat_id"]?.string ?? ""
                let messages = try server.ask("GET", "/api/v1/chats/\(chat)/messages").json["items"]?.array ?? []
                return (log, messages)
            }
            return (log, directory.files.flatMap { directory.read($0) }, messages)
        }

        private static func holds(_ bytes: [UInt8], _ text: String) -> Bool { TCPClient.find(Array(text.utf8), in: bytes) != nil }

        @Test func noStage_everythingIsStored() async throws {
            // The counter-check of all that follows: the search through the files does find what is there.
            let (log, stored, _) = try await Self.run { [] }
            #expect(log.contains { $0.data.contains(Self.secret) })
            #expect(Self.holds(stored, Self.secret))
        }

        @Test func stageRedacts_secretIsSentAndStoredNowhere() async throws {
            let (log, stored, messages) = try await Self.run {
                [
                    ScriptedStage(event: { event in
                        var event = event
                        guard let text = event.text, text.contains(Self.secret) else { return .pass }
                        event.text = text.split(separator: Self.secret, omittingEmptySubsequences: false).joined(separator: "[redacted]")
                        return .replace([event])
                    })
                ]
            }
            let text = log.filter { $0.event == "content" }.map(\.content).joined()
            #expect(text == "The password is [redacted]. You said: hi")
            #expect(log.map(\.sequence) == Array(1...log.count))
            #expect(!log.contains { $0.data.contains(Self.secret) })
            #expect(!Self.holds(stored, Self.secret))
            #expect(Self.holds(stored, "[redacted]"))
            #expect(messages.last?["parts"]?.array?.contains { $0["content"] == "The password is [redacted]. " } == true)
        }

        @Test func stageHoldsToTheEnd_whatItGivesBackIsAllThatIsSeen() async throws {
            let (log, _, _) = try await Self.run {
                let held = Locked<[Event]>([])
                return [
                    ScriptedStage(
                        event: { event in
                            held.withLock { $0.append(event) }
                            return .hold
                        },
                        finish: { .replace([.content("\(held.withLock { $0.count }) were held")]) }),
                    // What one stage gives back passes the later ones.
                    ScriptedStage(event: { event in
                        var event = event
                        event.text = event.text.map { "<\($0)>" }
                        return .replace([event])
                    }),
                ]
            }
            #expect(log.map(\.event) == ["response_start", "content", "response_end"])
            #expect(log[1].content == "<7 were held>")
            #expect(log[2].json["status"] == "completed")
        }

        @Test(arguments: [false, true])
        func restartedAnswer_isStoredWithoutItsFirstHalf(hasStage: Bool) async throws {
            let models = [
                ScriptedLanguageModel(
                    id: "a", [.text("half an "), .text("answer")],
                    failure: .init(afterEvents: 2, error: MillraceError(.modelError, "the connection broke"))),
                ScriptedLanguageModel(id: "b", [.text("a whole "), .text("answer")]),
            ]
            let task = ScriptedTask("restarting") { request, context in
                try await context.emit(.content("Well: "))
                let model = FallbackLanguageModel(id: "f", models: models)
                try await context.generate(ModelRequest(turns: [], allowsRestart: true), with: model)
            }
            // A stage that makes new events for the text does not lose its block.
            let stages: [EventStageFactory] = [
                { _ in [ScriptedStage(event: { event in event.text.map { .replace([.content($0.uppercased())]) } ?? .pass })] }
            ]
            let (log, messages) = try await withServer([task], stages: hasStage ? stages : []) { server in
                let log = try server.start("restarting").rest()
                let chat = log.first?.json["chat_id"]?.string ?? ""
                return (log, try server.ask("GET", "/api/v1/chats/\(chat)/messages").json["items"]?.array ?? [])
            }
            let answer = log.filter { $0.event == "content" || $0.event == "status" }.map(\.json)
            #expect(answer.map { $0["content_block_index"] } == [0, 1, 1, nil, 2, 2])
            #expect(answer[3]["status"] == "restarted")
            #expect(answer[3]["discarded_blocks"] == [1])
            let stored = messages.last?["parts"]?.array?.compactMap { $0["content"]?.string } ?? []
            #expect(stored.map { $0.lowercased() } == ["well: ", "a whole answer"])
        }

        @Test func stageEndsTheRun_itIsBlockedAndTheHandlerStops() async throws {
            let (log, stored, messages) = try await Self.run {
                [
                    ScriptedStage(event: { event in
                        event.text?.contains(Self.secret) == true ? .end(.blocked, [.status("blocked", message: "Not for you")]) : .pass
                    })
                ]
            }
            #expect(log.map(\.event) == ["response_start", "content", "content", "content", "status", "response_end"])
            #expect(log.last?.json["status"] == "blocked")
            #expect(!Self.holds(stored, Self.secret))
            #expect(messages.last?["status"] == "blocked")
        }

        @Test func stageBlocksAtTheEnd_runIsBlocked() async throws {
            let (log, _, _) = try await Self.run { [ScriptedStage(finish: { .end(.blocked, [.content("no more")]) })] }
            #expect(log.suffix(2).map(\.event) == ["content", "response_end"])
            #expect(log.last?.json["status"] == "blocked")
        }

        @Test func inputStageReplacesTheMessage_theOriginalIsStoredNowhere() async throws {
            let (log, stored, messages) = try await Self.run(text: "my card is 4929-1111-2222-3333") {
                [
                    ScriptedStage(input: { message in
                        var message = message
                        message.parts = [.text("my card is [card]")]
                        return .replace(message)
                    })
                ]
            }
            #expect(log.contains { $0.content == "You said: my card is [card]" }, "the handler must get the replacement")
            #expect(messages.first?["parts"]?[0]?["content"] == "my card is [card]")
            #expect(!Self.holds(stored, "4929-1111"))
            #expect(Self.holds(stored, "[card]"))
        }

        @Test func inputStageBlocks_handlerDoesNotStartAndTheTextIsStoredNowhere() async throws {
            let (log, stored, messages) = try await Self.run(text: "how to 4929-1111 things") {
                [ScriptedStage(input: { _ in .block(reason: "not a subject for this server") })]
            }
            #expect(log.map(\.event) == ["response_start", "status", "response_end"])
            #expect(log[1].json["message"] == "not a subject for this server")
            #expect(log[2].json["status"] == "blocked")
            #expect(!Self.holds(stored, "4929-1111"))
            #expect(messages.map { $0["role"] } == ["user", "assistant"])
            #expect(messages.first?["parts"] == [])
        }
    }
}
