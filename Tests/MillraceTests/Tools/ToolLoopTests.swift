import Millrace
import MillraceCore
import Testing

@Suite struct ToolLoopTests {
    /// Answers each call by a script, the last entry again and again, and keeps what it was asked.
    private struct Scripted: LanguageModel {
        let id = "scripted"
        var capabilities = ModelCapabilities.all
        let answers: [[ModelEvent]]
        let requests = Locked<[ModelRequest]>([])

        func generate(_ request: ModelRequest, receive: (ModelEvent) async throws -> Void) async throws -> ModelResponse {
            let number = requests.withLock { requests in
                requests.append(request)
                return requests.count - 1
            }
            let answer = answers[min(number, answers.count - 1)]
            for event in answer { try await receive(event) }
            let calls = answer.contains { if case .toolCall = $0 { true } else { false } }
            return ModelResponse(
                stopReason: calls ? .toolUse : .endTurn, usage: Usage(promptTokens: 10, completionTokens: 1), modelID: "scripted-1")
        }
    }

    private static let request = TaskRequest(
        responseID: "r", requestID: "q", chatID: "c", task: "chat",
        message: Message(id: "m", chatID: "c", parentID: nil, role: .user, parts: [.text("Hi")], createdAt: Timestamp(microseconds: 0)))
    private static let prompt = ModelRequest(turns: [.init(role: .user, parts: [.text("Hi")])])

    private static func tool(_ name: String, seconds: Double? = nil, _ body: @escaping Tool.Body) throws -> Tool {
        try Tool(
            name: name, description: "d", arguments: ["type": "object", "properties": ["n": ["type": "integer"]]], seconds: seconds, body)
    }

    private static func call(_ name: String, _ id: String = "1", _ arguments: JSONValue = [:]) -> ModelEvent {
        .toolCall(ToolCall(id: id, name: name, arguments: arguments))
    }

    private static func returns(_ recorder: RunRecorder) -> [ToolReturn] {
        recorder.events.compactMap { if case .toolReturn(let result) = $0.body { result } else { nil } }
    }

    /// Nobody's time is over.
    private static func loop(_ tools: [Tool], _ change: (inout ToolLoop.Limits) -> Void = { _ in }) -> ToolLoop {
        var limits = ToolLoop.Limits()
        change(&limits)
        return ToolLoop(tools, limits: limits) { _ in try await Task.sleep(for: .seconds(3600)) }
    }

    @Test func calls_areCarriedOut_toldToReaders_andHandedBack() async throws {
        let double = try Self.tool("double") { arguments, call in
            #expect(call.principal == .local && call.request.text == "Hi")
            return .integer((arguments["n"]?.integer ?? 0) * 2)
        }
        let model = Scripted(answers: [
            [
                .text("Let me see. "), .reasoning(Reasoning(text: "hm", signature: "s")), Self.call("double", "a", ["n": 4]),
                Self.call("double", "b", ["n": 5]),
            ],
            [.text("8 and 10.")],
        ])
        let recorder = RunRecorder()
        let outcome = try await Self.loop([double]).run(Self.prompt, with: model, for: Self.request, in: recorder.context)
        #expect(outcome.text == "Let me see. 8 and 10." && outcome.callCount == 2 && !outcome.isCutShort && outcome.answers.count == 2)
        #expect(Set(Self.returns(recorder).map { "\($0.id) \($0.result.text) \($0.isError)" }) == ["a 8 false", "b 10 false"])
        #expect(recorder.events.map(\.kind) == [.content, .reasoning, .toolCall, .toolCall, .toolReturn, .toolReturn, .content])
        #expect(recorder.usage == Usage(promptTokens: 20, completionTokens: 2))
        let asked = model.requests.withLock { $0 }
        #expect(asked.map { $0.tools.map(\.name) } == [["double"], ["double"]])
        let calls = [ToolCall(id: "a", name: "double", arguments: ["n": 4]), ToolCall(id: "b", name: "double", arguments: ["n": 5])]
        #expect(
            asked[1].turns == [
                Self.prompt.turns[0],
                .init(
                    role: .assistant,
                    parts: [
                        .text("Let me see. "), .reasoning(Reasoning(text: "hm", signature: "s")), .toolCall(calls[0]), .toolCall(calls[1]),
                    ]),
                .init(
                    role: .user,
                    parts: [
                        .toolReturn(ToolReturn(id: "a", name: "double", result: 8)),
                        .toolReturn(ToolReturn(id: "b", name: "double", result: 10)),
                    ]),
            ])
    }

    @Test func whatGoesWrong_isAResultForTheModel() async throws {
        struct Odd: Error {}
        let tools = [
            try Self.tool("fails") { _, _ in throw MillraceError(.notFound, "there is no such town") },
            try Self.tool("odd") { _, _ in throw Odd() }, try Self.tool("gives_up") { _, _ in throw CancellationError() },
        ]
        let model = Scripted(answers: [
            [
                Self.call("fails", "1"), Self.call("odd", "2"), Self.call("gives_up", "3"), Self.call("fials", "4"),
                Self.call("mail", "5"), Self.call("odd", "6", ["n": "x"]),
            ], [.text("Sorry.")],
        ])
        let recorder = RunRecorder()
        let outcome = try await Self.loop(tools).run(Self.prompt, with: model, for: Self.request, in: recorder.context)
        #expect(outcome.text == "Sorry.")
        let results = Self.returns(recorder).sorted { $0.id < $1.id }
        #expect(results.count == 6 && results.allSatisfy { $0.isError })
        #expect(
            results.map { $0.result.string } == [
                "there is no such town", "the tool failed", "the tool failed", "there is no tool 'fials': did you mean 'fails'?",
                "there is no tool 'mail': there are fails, odd, gives_up", "n must be an integer, not a string",
            ])
    }

    @Test func modelThatNeverAnswers_isStopped_withoutACallThatNothingAnswers() async throws {
        let ran = Locked(0)
        let tool = try Self.tool("again") { _, _ in
            ran.withLock { $0 += 1 }
            return .null
        }
        let model = Scripted(answers: [[Self.call("again")]])
        let recorder = RunRecorder()
        let outcome = try await Self.loop([tool]) { $0.rounds = 2 }.run(Self.prompt, with: model, for: Self.request, in: recorder.context)
        #expect(outcome.isCutShort && outcome.answers.count == 4 && ran.withLock { $0 } == 2)
        #expect(Self.returns(recorder).map(\.isError) == [false, false, true, true])
        #expect(Self.returns(recorder).last?.result == "there are no calls left: answer from what you have")
    }

    @Test(.timeLimit(.minutes(1))) func callsAtOnce_areBounded_andThoseOfOneAnswerToo() async throws {
        let counts = Locked((running: 0, most: 0, all: 0))
        let tool = try Self.tool("count") { _, _ in
            counts.withLock {
                ($0.running, $0.all) = ($0.running + 1, $0.all + 1)
                $0.most = max($0.most, $0.running)
            }
            // The first three are there at once, or this never ends.
            while counts.withLock({ $0.all < 3 }) { await Task.yield() }
            for _ in 0..<20 { await Task.yield() }
            counts.withLock { $0.running -= 1 }
            return .null
        }
        let model = Scripted(answers: [(1...9).map { Self.call("count", "\($0)") }, [.text("Done.")]])
        let recorder = RunRecorder()
        let loop = Self.loop([tool]) { ($0.concurrentCalls, $0.callsPerRound) = (3, 7) }
        _ = try await loop.run(Self.prompt, with: model, for: Self.request, in: recorder.context)
        let (_, most, all) = counts.withLock { $0 }
        #expect(most == 3 && all == 7)
        #expect(Self.returns(recorder).filter(\.isError).map(\.id).sorted() == ["8", "9"])
    }

    @Test(.timeLimit(.minutes(1))) func toolThatTakesTooLong_isStopped() async throws {
        let wasCancelled = Locked(false)
        let tool = try Self.tool("slow", seconds: 2.5) { _, _ in
            do { try await Task.sleep(for: .seconds(3600)) } catch {
                wasCancelled.withLock { $0 = true }
                throw error
            }
            return .null
        }
        let waited = Locked<[Double]>([])
        let loop = ToolLoop([tool], limits: ToolLoop.Limits()) { seconds in waited.withLock { $0.append(seconds) } }
        let recorder = RunRecorder()
        let model = Scripted(answers: [[Self.call("slow")], [.text("Too slow.")]])
        let outcome = try await loop.run(Self.prompt, with: model, for: Self.request, in: recorder.context)
        #expect(outcome.text == "Too slow." && wasCancelled.withLock { $0 } && waited.withLock { $0 } == [2.5])
        #expect(Self.returns(recorder).map(\.result) == ["the tool took longer than 2.5 seconds and was stopped"])
    }

    @Test(.timeLimit(.minutes(1))) func cancelledRun_stopsItsTools() async throws {
        let (began, wasCancelled) = (AsyncStream<Void>.makeStream(), Locked(false))
        let tool = try Self.tool("slow") { _, _ in
            began.continuation.yield()
            do { try await Task.sleep(for: .seconds(3600)) } catch {
                wasCancelled.withLock { $0 = true }
                throw error
            }
            return .null
        }
        let model = Scripted(answers: [[Self.call("slow")]])
        let run = Task {
            try await Self.loop([tool]).run(Self.prompt, with: model, for: Self.request, in: RunRecorder().context)
        }
        for await _ in began.stream { break }
        run.cancel()
        await #expect(throws: CancellationError.self) { _ = try await run.value }
        #expect(wasCancelled.withLock { $0 })
    }

    @Test(
        arguments: [
            (.string("äbcde"), .string("äbcde")), (.string("äbcdef"), .string("äbcde\n[cut: 5 of 6 characters]")),
            (.integer(12345), .integer(12345)),
            (.array([1, 2]), .array([1, 2])), (.array([1, 2, 3]), .string("[1,2,\n[cut: 5 of 7 characters]")),
        ] as [(JSONValue, JSONValue)])
    func longResult_isCut(given: JSONValue, told: JSONValue) async throws {
        let tool = try Self.tool("long") { _, _ in given }
        let recorder = RunRecorder()
        let model = Scripted(answers: [[Self.call("long")], [.text("Hm.")]])
        _ = try await Self.loop([tool]) { $0.resultCharacters = 5 }.run(Self.prompt, with: model, for: Self.request, in: recorder.context)
        #expect(Self.returns(recorder).map(\.result) == [told])
        #expect(model.requests.withLock { $0[1].turns.last?.parts } == [.toolReturn(Self.returns(recorder)[0])])
    }

    @Test func modelWithoutTools_isOfferedNone() async throws {
        let tool = try Self.tool("never") { _, _ in .null }
        let model = Scripted(capabilities: [.instructions], answers: [[.text("Hi.")]])
        let outcome = try await Self.loop([tool]).run(Self.prompt, with: model, for: Self.request, in: RunRecorder().context)
        #expect(outcome.text == "Hi." && model.requests.withLock { $0.map(\.tools) } == [[]])
    }
}
