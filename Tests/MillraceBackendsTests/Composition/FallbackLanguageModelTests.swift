import Millrace
import MillraceBackends
import MillraceCore
import Testing

@Suite struct FallbackLanguageModelTests {
    private typealias Scripted = ScriptedLanguageModel

    /// What a call of a model gave.
    private struct Call {
        var events: [ModelEvent] = []
        var response: ModelResponse?
        var error: (any Error)?
        var failure: MillraceError? { error as? MillraceError }
        var text: String { events.map { if case .text(let text) = $0 { text } else { "" } }.joined() }
    }

    private func call(
        _ model: any LanguageModel, _ request: ModelRequest = ModelRequest(turns: []), receive: (ModelEvent) async throws -> Void = { _ in }
    ) async -> Call {
        var call = Call()
        do {
            call.response = try await model.generate(request) { event in
                call.events.append(event)
                try await receive(event)
            }
        } catch { call.error = error }
        return call
    }

    private func failing(
        _ id: String, _ events: [ModelEvent] = [], _ error: any Error = MillraceError(.modelError, "no luck")
    ) -> Scripted {
        Scripted(id: id, events, failure: .init(afterEvents: events.count, error: error))
    }

    private let answer: [ModelEvent] = [.text("fine"), .usage(Usage(promptTokens: 7, completionTokens: 1))]
    private let restartable = ModelRequest(turns: [], allowsRestart: true)
    private static let codes = ["model_error", "timeout", "limit_exceeded", "unreachable", "connection_lost", "circuit_open"]

    // MARK: The commit point

    @Test(arguments: [false, true])
    func failureBeforeAnything_isMadeUpForSilently(allowsRestart: Bool) async {
        let model = FallbackLanguageModel(id: "f", models: [failing("a"), Scripted(id: "b", answer)])
        let call = await call(model, ModelRequest(turns: [], allowsRestart: allowsRestart))
        #expect(call.events == answer)
        #expect(call.response?.modelID == "b")
        #expect(call.response?.usage == Usage(promptTokens: 7, completionTokens: 1))
        #expect(call.response?.attempts.map(\.modelID) == ["a", "b"])
        #expect(call.response?.attempts.first?.outcome == .failed(MillraceError(.modelError, "no luck")))
        #expect(call.response?.attempts.last?.outcome == .answered)
    }

    @Test func failureAfterUsageOnly_isSilent_andItsUsageIsAdded() async {
        let first = failing("a", [.usage(Usage(promptTokens: 2)), .usage(Usage(promptTokens: 10, completionTokens: 3))])
        let call = await call(FallbackLanguageModel(id: "f", models: [first, failing("b"), Scripted(id: "c", answer)]))
        let sum = Usage(promptTokens: 17, completionTokens: 4)
        #expect(
            call.events == [
                .usage(Usage(promptTokens: 2)), .usage(Usage(promptTokens: 10, completionTokens: 3)), .text("fine"), .usage(sum),
            ])
        #expect(call.response?.usage == sum)
        #expect(
            call.response?.attempts.map(\.usage)
                == [Usage(promptTokens: 10, completionTokens: 3), .unknown, Usage(promptTokens: 7, completionTokens: 1)])
    }

    @Test(
        arguments: [
            .text("half"), .text(""), .reasoning(Reasoning(text: "hm")), .toolCall(ToolCall(id: "1", name: "n", arguments: [:])),
            .citation(Citation(documentID: "d", text: "t")),
        ] as [ModelEvent])
    func failureAfterContent_isTheModelsOwnError(content: ModelEvent) async {
        let error = MillraceError(.connectionLostForTests, "cut", isRetryable: true)
        let model = FallbackLanguageModel(id: "f", models: [failing("a", [content], error), Scripted(id: "b", answer)])
        let call = await call(model)
        #expect(call.events == [content])
        #expect(call.failure == error)
    }

    @Test func failureAfterContent_whereAllowed_restarts() async {
        let error = MillraceError(.modelError, "cut")
        let first = failing("a", [.text("half"), .usage(Usage(promptTokens: 5, completionTokens: 2))], error)
        let call = await call(FallbackLanguageModel(id: "f", models: [first, failing("b"), Scripted(id: "c", answer)]), restartable)
        let sum = Usage(promptTokens: 12, completionTokens: 3)
        #expect(
            call.events == [
                .text("half"), .usage(Usage(promptTokens: 5, completionTokens: 2)), .restarted(model: "b", reason: error), .text("fine"),
                .usage(sum),
            ])
        #expect(call.response?.usage == sum)
    }

    @Test func innerFallbackThatRestarts_passesThrough_andItsCallsAreListed() async {
        let inner = FallbackLanguageModel(id: "in", models: [failing("a", [.text("half")]), failing("b")])
        let call = await call(FallbackLanguageModel(id: "out", models: [inner, Scripted(id: "c", answer)]), restartable)
        // What the inner one took back needs no second taking back.
        #expect(call.events.filter { if case .restarted = $0 { true } else { false } }.count == 1)
        #expect(call.text == "halffine")
        let nested = FallbackLanguageModel(
            id: "out", models: [failing("x"), FallbackLanguageModel(id: "in", models: [failing("a"), Scripted(id: "b", answer)])])
        #expect(await self.call(nested).response?.attempts.map(\.modelID) == ["x", "a", "b"])
    }

    // MARK: Which errors

    @Test(arguments: codes)
    func modelAndTransportErrors_fallBack(code: String) async {
        let error = MillraceError(ErrorCode(rawValue: code), "x")
        let call = await call(FallbackLanguageModel(id: "f", models: [failing("a", [], error), Scripted(id: "b", answer)]))
        #expect(call.response?.modelID == "b")
    }

    @Test(arguments: ["invalid_input", "configuration", "cancelled", "server_shutdown"])
    func errorsThatNoModelMakesUpFor_passThrough(code: String) async {
        let error = MillraceError(ErrorCode(rawValue: code), "x", isRetryable: true)
        let call = await call(FallbackLanguageModel(id: "f", models: [failing("a", [], error), Scripted(id: "b", answer)]))
        #expect(call.failure == error)
        #expect(call.events.isEmpty)
    }

    @Test func otherErrors_fallBackWhereARetryCouldHelp() async {
        for isRetryable in [true, false] {
            let error = MillraceError(.storageUnavailable, "x", isRetryable: isRetryable)
            let call = await call(FallbackLanguageModel(id: "f", models: [failing("a", [], error), Scripted(id: "b", answer)]))
            #expect((call.response != nil) == isRetryable)
        }
        struct Own: Error {}
        let call = await call(FallbackLanguageModel(id: "f", models: [failing("a", [], Own()), Scripted(id: "b", answer)]))
        #expect(call.response?.modelID == "b")
    }

    /// The receiver is the reader's side: its errors say nothing about the model.
    @Test(arguments: 0...3)
    func whatReceiveThrows_passesThroughUnchanged(at place: Int) async {
        let error = MillraceError(.modelError, "the reader's", isRetryable: true)
        let first = failing("a", [.usage(Usage(promptTokens: 5)), .text("half")])
        let model = FallbackLanguageModel(id: "f", models: [first, Scripted(id: "b", answer), Scripted(id: "c", answer)])
        var count = 0
        let call = await call(model, restartable) { _ in
            if count == place { throw error }
            count += 1
        }
        #expect(call.failure == error)
        #expect(call.events.count == place + 1)
    }

    @Test func receiveThatThrowsIntoAModelThatHidesIt_isSeenAllTheSame() async {
        /// Goes on whatever the receiver says.
        struct Deaf: LanguageModel {
            let id = "deaf"
            let error: MillraceError?
            func generate(_ request: ModelRequest, receive: (ModelEvent) async throws -> Void) async throws -> ModelResponse {
                try? await receive(.text("x"))
                try? await receive(.usage(.unknown))
                if let error { throw error }
                return ModelResponse(stopReason: .endTurn, usage: .unknown, modelID: id)
            }
        }
        let error = MillraceError(.limitExceeded, "the reader's")
        for own in [nil, MillraceError(.modelError, "its own")] {
            let call = await call(FallbackLanguageModel(id: "f", models: [Deaf(error: own), Scripted(id: "b", answer)]), restartable) {
                event in
                throw event == .text("x") ? error : MillraceError(.internal, "a later one")
            }
            #expect(call.failure == error)
            #expect(call.events.count == 2)
        }
    }

    // MARK: Cancellation

    /// The run is cancelled while a model works, between its pieces, or at its failure; no other model is asked.
    @Test(arguments: 0...3)
    func cancelledAnywhere_asksNoOtherModel_andKeepsTheUsage(at place: Int) async {
        let asked = Locked(0)
        let first = Scripted(
            id: "a", [.usage(Usage(promptTokens: 5)), .text("half"), .text("more")],
            failure: .init(afterEvents: 3, error: MillraceError(.connectionLostForTests, "cut", isRetryable: true)),
            pacing: { number in if number == place { withUnsafeCurrentTask { $0?.cancel() } } })
        let second = Scripted(id: "b", answer, pacing: { _ in asked.withLock { $0 += 1 } })
        let model = FallbackLanguageModel(id: "f", models: [first, second])
        let task = Task {
            await call(model, restartable) { event in
                if place == 3, event == .text("more") { withUnsafeCurrentTask { $0?.cancel() } }
            }
        }
        let result = await task.value
        #expect(result.error is CancellationError)
        #expect(!result.events.contains { if case .restarted = $0 { true } else { false } })
        #expect(asked.withLock { $0 } == 0)
        #expect(result.events.first == (place == 0 ? nil : .usage(Usage(promptTokens: 5))))
    }

    @Test func cancelledDuringTheSecond_hasReportedTheSumOfBoth() async {
        let second = Scripted(
            id: "b", [.usage(Usage(promptTokens: 4)), .text("x")],
            pacing: { number in if number == 1 { withUnsafeCurrentTask { $0?.cancel() } } })
        let model = FallbackLanguageModel(id: "f", models: [failing("a", [.usage(Usage(promptTokens: 5))]), second])
        let recorder = RunRecorder()
        let task = Task { try await recorder.context.generate(ModelRequest(turns: []), with: model) }
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(recorder.usage == Usage(promptTokens: 9))
    }

    // MARK: All fail

    @Test func allFail_oneErrorGivesEveryReason() async {
        let model = FallbackLanguageModel(
            id: "f",
            models: [
                failing("a", [.usage(Usage(promptTokens: 5))], MillraceError(.unreachableForTests, "no way", isRetryable: true)),
                failing("b", [], MillraceError(.modelError, "no key")),
            ])
        let recorder = RunRecorder()
        let error = await #expect(throws: MillraceError.self) {
            try await recorder.context.generate(ModelRequest(turns: []), with: model)
        }
        #expect(error?.code == .modelError)
        #expect(error?.message == "none of 2 models gave an answer: 'a': no way; 'b': no key")
        #expect(error?.isRetryable == true)
        let attempts = error?.details["attempts"]?.array ?? []
        #expect(attempts.map { $0["model_id"] } == ["a", "b"])
        #expect(attempts.map { $0["error_type"] } == ["unreachable", "model_error"])
        #expect(recorder.usage == Usage(promptTokens: 5))
    }

    @Test func onlyModel_failsWithItsOwnError() async {
        let call = await call(FallbackLanguageModel(id: "f", models: [failing("a")]))
        #expect(call.failure == MillraceError(.modelError, "no luck"))
    }

    // MARK: The rest

    @Test func images_goToModelsThatSeeThem() async {
        struct Seeing: LanguageModel {
            let id = "seeing"
            let seesImages = true
            func generate(_ request: ModelRequest, receive: (ModelEvent) async throws -> Void) async throws -> ModelResponse {
                ModelResponse(stopReason: .endTurn, usage: .unknown, modelID: id)
            }
        }
        let mixed = FallbackLanguageModel(id: "f", models: [Scripted(id: "blind", answer), Seeing()])
        let picture = ModelRequest(turns: [.init(role: .user, parts: [.image(Attachment(data: [1], mimeType: "image/png"))])])
        let name = ModelRequest(turns: [.init(role: .user, parts: [.image(Attachment(mimeType: "image/png", title: "left out"))])])
        #expect(!mixed.seesImages)
        // What it is asked for is made for the first.
        let scripted = ScriptedLanguageModel([])
        #expect(FallbackLanguageModel(id: "f", models: [scripted, LocalLanguageModel()]).capabilities == .all)
        #expect(FallbackLanguageModel(id: "f", models: [LocalLanguageModel(), scripted]).capabilities == [])
        #expect(RoutingLanguageModel(id: "r", rules: [], otherwise: LocalLanguageModel()).capabilities == [])
        #expect(FallbackLanguageModel(id: "f", models: [Seeing(), Seeing()]).seesImages)
        #expect(await call(mixed, picture).response?.modelID == "seeing")
        #expect(await call(mixed, name).response?.modelID == "blind")
        let blind = FallbackLanguageModel(id: "f", models: [Scripted(id: "blind", answer)])
        #expect(await call(blind, picture).response?.modelID == "blind")
    }

    @Test func restart_throughAHandler_leavesOneAnswer() async throws {
        let model = FallbackLanguageModel(id: "f", models: [failing("a", [.text("half")]), Scripted(id: "b", answer)])
        let recorder = RunRecorder()
        let answer = try await recorder.context.generate(restartable, with: model)
        #expect(answer.text == "fine")
        #expect(recorder.events.map(\.kind) == [.content, .status, .content])
        #expect(recorder.events[1].discardedBlocks == [0])
    }
}

extension ErrorCode {
    fileprivate static let connectionLostForTests = ErrorCode(rawValue: "connection_lost")
    fileprivate static let unreachableForTests = ErrorCode(rawValue: "unreachable")
}
