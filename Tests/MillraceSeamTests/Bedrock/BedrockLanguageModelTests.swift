import Millrace
import MillraceAWS
import MillraceBackends
import MillraceCore
import MillraceCounterparts
import MillraceHTTPClient
import Testing

/// The model over the real client, an event loop and a server of the service's protocol.
@Suite(.ownThreads) struct BedrockLanguageModelTests {
    private func generate(
        _ request: ModelRequest, model: String = BedrockServer.modelID,
        _ change: @escaping @Sendable (inout BedrockOptions) -> Void = { _ in }
    ) async throws -> GeneratedEvents? {
        guard let server = try BedrockServer.shared() else { return nil }
        return try await onLoop { await GeneratedEvents(server.model(model, change), request) }
    }

    @Test(arguments: [true, false], ["", "[[tiny]]", "[[chunks:1]]", "[[unknown-event]]"])
    func text_isWhatWasSaid(streams: Bool, directives: String) async throws {
        guard let answer = try await generate(.ask("Grüße 🎉 aus 東京 \(directives)"), { $0.streaming = streams }) else { return }
        #expect(answer.error == nil)
        #expect(answer.text == "Grüße 🎉 aus 東京")
        let usage = Usage(promptTokens: try #require(answer.response?.usage.promptTokens), completionTokens: 4)
        #expect(answer.response?.usage == usage && answer.usages == [usage])
        #expect(answer.response?.stopReason == .endTurn && answer.response?.modelID == BedrockServer.modelID)
        #expect(answer.response?.providerMetadata == ["latency_ms": 5])
    }

    private static let weather = ToolDefinition(
        name: "weather", description: "The weather of a city.",
        inputSchema: ["type": "object", "properties": ["city": ["type": "string"]], "required": ["city"]])

    /// A handler's tool loop: the call, its reasoning and its result go back, and the server checks that they fit.
    @Test(arguments: [true, false])
    func toolLoop_goesOnToAnAnswer(streams: Bool) async throws {
        var request = ModelRequest.ask(#"Weather? [[reasoning:Look it up.]] [[redacted]] [[silent]] [[tool:weather={"city": "Köln"}]]"#)
        request.tools = [Self.weather]
        guard let first = try await generate(request, { $0.streaming = streams }) else { return }
        #expect(first.response?.stopReason == .toolUse)
        let call = ToolCall(id: "tooluse_1", name: "weather", arguments: ["city": "Köln"])
        #expect(first.others.last == .toolCall(call))
        let reasoning = first.others.compactMap { if case .reasoning(let reasoning) = $0 { reasoning } else { nil } }
        #expect(reasoning.map(\.text).joined() == "Look it up.")
        let signature = try #require(reasoning.compactMap(\.signature).first)
        let redacted = try #require(reasoning.compactMap(\.redactedContent).first)

        request.turns.append(
            .init(
                role: .assistant,
                parts: [
                    .reasoning(Reasoning(text: "Look it up.", signature: signature)), .reasoning(Reasoning(redactedContent: redacted)),
                    .toolCall(call),
                ]))
        request.turns.append(.init(role: .user, parts: [.toolReturn(ToolReturn(id: call.id, name: call.name, result: "9 degrees"))]))
        let second = try #require(try await generate(request) { $0.streaming = streams })
        #expect(second.error == nil && second.text == "The tool said: 9 degrees", "\(String(describing: second.error))")
    }

    @Test(arguments: [(4, true), (4, false), (9, true)])
    func documents_areCited(count: Int, streams: Bool) async throws {
        var request = ModelRequest.ask("What may I paint? [[cite-web:https://example.com/a]]")
        request.documents = (1...count).map { ModelDocument(id: "d\($0)", title: "lease.txt", text: "Text \($0)") }
        guard let answer = try await generate(request, { $0.streaming = streams }) else { return }
        let expected = (1...count).map { Citation(documentID: "d\($0)", text: "Text \($0)", documentTitle: "lease.txt") }
        let web = Citation(
            documentID: "https://example.com/a", text: "found", documentTitle: "A page", documentPointer: "https://example.com/a")
        #expect(answer.others == (expected + [web]).map { .citation($0) }, "\(String(describing: answer.error))")
    }

    @Test func attachedFile_isCitedByItsPage() async throws {
        var request = ModelRequest.ask("What does it say?")
        request.turns[0].parts.append(
            .document(Attachment(pointer: "content://7", data: Array("%PDF-1.7 x".utf8), mimeType: "application/pdf", title: "Größe.pdf")))
        guard let answer = try await generate(request) else { return }
        let citation = Citation(
            documentID: "content://7", text: "a page", page: 1, documentTitle: "Größe.pdf", documentPointer: "content://7")
        #expect(answer.others == [.citation(citation)])
        #expect(answer.text.contains("[document pdf 10]"))
    }

    @Test(arguments: [BedrockOptions.StructuredOutput.jsonSchema, .forcedTool])
    func answerBySchema_isItsJSON(way: BedrockOptions.StructuredOutput) async throws {
        var request = ModelRequest.ask("A number?")
        request.outputSchema = [
            "type": "object", "properties": ["n": ["type": "integer"]], "required": ["n"], "additionalProperties": false,
        ]
        guard let answer = try await generate(request, { $0.structuredOutput = way }) else { return }
        #expect(try JSONValue(parsing: answer.text) == ["n": 1])
        #expect(answer.response?.stopReason == .endTurn && answer.others.isEmpty)
    }

    @Test func promptCache_isReadBySecondCall() async throws {
        var request = ModelRequest.ask("One two three. This stands nowhere else in the tests of caching.")
        request.system = "Be brief."
        guard let first = try await generate(request, { $0.promptCaching = .fiveMinutes }) else { return }
        let second = try #require(try await generate(request) { $0.promptCaching = .fiveMinutes })
        #expect(first.response?.usage.cachedPromptTokens == 0)
        #expect(second.response?.usage.promptTokens == first.response?.usage.promptTokens)
        #expect(second.response?.usage.cachedPromptTokens == second.response?.usage.promptTokens)
    }

    // MARK: Guardrails

    @Test func guardrailOnAQuestion_stepsIn() async throws {
        let guarded: @Sendable (inout BedrockOptions) -> Void = { $0.guardrail = .init(identifier: "g1", version: "1") }
        guard let answer = try await generate(.ask("Is it a forbidden word?"), guarded) else { return }
        #expect(answer.text == "Sorry, the model cannot answer this question." && answer.response?.stopReason == .guardrail)
        let found = answer.response?.providerMetadata["guardrail"]?["inputAssessment"]?["g1"]?["wordPolicy"]?["customWords"]
        #expect(found?[0]?["match"] == "forbidden")
        let harmless = try #require(try await generate(.ask("Is it a word?"), guarded))
        #expect(harmless.text == "Is it a word?" && harmless.response?.stopReason == .endTurn)
    }

    @Test(arguments: [(BedrockOptions.Guardrail.StreamProcessingMode.sync, ""), (.async, "gold is a")])
    func guardrailOnAnAnswer_stepsIn(mode: BedrockOptions.Guardrail.StreamProcessingMode, shown: String) async throws {
        var request = ModelRequest.ask("Go on")
        // What is attached is not guarded on its way in, so that the answer is what the guardrail finds.
        request.turns[0].parts.append(.document(Attachment(data: Array("[[say:gold is a forbidden word]]".utf8), title: "directives")))
        guard
            let answer = try await generate(
                request,
                { options in
                    options.readsDocuments = false
                    options.guardrail = .init(identifier: "g1", version: "1")
                    options.guardrail?.streamProcessingMode = mode
                    options.guardrail?.checksLastTurnOnly = true
                })
        else { return }
        #expect(answer.text == shown + "Sorry, the model's answer was blocked.", "\(String(describing: answer.error))")
        #expect(answer.response?.stopReason == .guardrail && answer.usages.count == 1)
        let trace = answer.response?.providerMetadata["guardrail"]
        #expect(trace?["actionReason"] == "Guardrail blocked." && trace?["modelOutput"] == ["gold is a forbidden word"])
    }

    // MARK: Failures

    private static let failures: [(directive: String, says: String, isRetryable: Bool)] = [
        ("cut:frame", "broke the connection", true), ("cut:between", "broke the connection", true),
        ("cut:frame-end", "", true), ("cut:end", "before the answer was complete", true),
        ("corrupt:prelude", "cannot be read", true), ("corrupt:message", "cannot be read", true),
        ("corrupt:length", "sent more than is taken", false), ("corrupt:type", "cannot be read", true),
        ("stream-exception-after:throttlingException", "ThrottlingException", true),
        ("stream-exception-after:modelStreamErrorException", "ModelStreamErrorException", true),
        ("stream-exception-after:internalServerException", "InternalServerException", true),
        ("stream-exception-after:serviceUnavailableException", "ServiceUnavailableException", true),
        ("stream-exception-after:validationException", "ValidationException", false),
        ("stream-error:InternalFailure", "InternalFailure", true),
    ]

    @Test(arguments: failures)
    func streamThatBreaks_isAnError_withWhatWasConsumed(directive: String, says: String, isRetryable: Bool) async throws {
        guard let answer = try await generate(.ask("Hello there [[\(directive)]]")) else { return }
        let failure = try #require(answer.failure, "\(String(describing: answer.error))")
        #expect(failure.code == .modelError && failure.message.contains(says) && failure.isRetryable == isRetryable, "\(failure)")
        #expect(answer.text == "Hello")
        #expect(answer.usages == [Usage(completionTokens: 2, isEstimated: true)])
    }

    @Test(arguments: [
        ("fail:ThrottlingException", true), ("fail:AccessDeniedException", false), ("stream-exception:throttlingException", true),
    ])
    func refusal_isAnErrorWithoutEvents(directive: String, isRetryable: Bool) async throws {
        guard let answer = try await generate(.ask("Hello there [[\(directive)]]")) else { return }
        let failure = try #require(answer.failure)
        #expect(failure.code == .modelError && failure.isRetryable == isRetryable)
        #expect(failure.details["provider_request_id"]?.string?.isEmpty == false)
        #expect(answer.text.isEmpty && answer.others.isEmpty)
    }

    @Test func throttlingBeforeTheAnswer_isTriedAgainByTheTransport() async throws {
        guard let server = try BedrockServer.shared() else { return }
        let answer = try await onLoop {
            let client = server.client(transport: try ResilientTransport(HTTPClient()))
            return await GeneratedEvents(server.model(client: client), .ask("Patience [[tag:patience]] [[fail:ThrottlingException:1]]"))
        }
        #expect(answer.error == nil && answer.text == "Patience", "\(String(describing: answer.error))")
    }

    @Test func unknownModel_andDeniedKey_sayWhatToDo() async throws {
        guard let server = try BedrockServer.shared() else { return }
        let (missing, denied, unknown) = try await onLoop {
            (
                await GeneratedEvents(server.model("missing.model"), .ask("x")),
                await GeneratedEvents(server.model(client: server.client(key: "AKIADENIED")), .ask("x")),
                await GeneratedEvents(server.model(client: server.client(key: "AKIANOBODY")), .ask("x"))
            )
        }
        #expect(missing.failure?.message.contains("check the model's id 'missing.model'") == true)
        #expect(denied.failure?.message.contains("bedrock:InvokeModel") == true)
        #expect(unknown.failure?.message.contains("check the AWS credentials") == true)
    }

    @Test func answerWithoutMetadata_isWhole() async throws {
        guard let answer = try await generate(.ask("Hello there [[cut:metadata]]")) else { return }
        #expect(answer.error == nil && answer.text == "Hello there")
        let usage = Usage(completionTokens: 3, isEstimated: true)
        #expect(answer.response?.usage == usage && answer.usages == [usage])
    }

    @Test(arguments: ["malformed_tool_use", "malformed_model_output"])
    func malformedAnswer_isAnError(reason: String) async throws {
        guard let answer = try await generate(.ask("Hello [[stop:\(reason)]]")) else { return }
        #expect(answer.failure?.code == .modelError && answer.failure?.isRetryable == true)
        #expect(answer.usages.count == 1 && answer.usages.first?.isEstimated == false)
    }

    // MARK: Cancellation

    @Test(arguments: [("first-token", "[[tokens:600]] [[delay:50]]"), ("stalled", "[[stall-after]]"), ("no-head", "[[stall]]")])
    func cancel_endsTheCallAndItsConnection(tag: String, directives: String) async throws {
        guard let server = try BedrockServer.shared() else { return }
        let (answer, seen) = try await onLoop {
            let call = Task { await GeneratedEvents(server.model(), .ask("Hello there [[tag:model-\(tag)]] \(directives)")) }
            while try await server.observations(tag: "model-\(tag)", count: 1).isEmpty {}
            call.cancel()
            return (await call.value, try await server.observations(tag: "model-\(tag)", outcome: "closed", count: 1))
        }
        #expect(answer.error is CancellationError)
        #expect(seen.count == 1)
        // What was streamed was consumed.
        #expect(answer.text.isEmpty || answer.usages.count == 1)
    }

    private struct Enough: Error {}

    @Test func receiverThatThrows_endsTheCallWithItsError() async throws {
        guard let server = try BedrockServer.shared() else { return }
        let (seen, usage) = try await onLoop {
            var usage: Usage?
            await #expect(throws: Enough.self) {
                _ = try await server.model().generate(.ask("[[tokens:600]] [[delay:50]] [[tag:model-enough]]")) { event in
                    if case .usage(let reported) = event { usage = reported }
                    if case .text = event { throw Enough() }
                }
            }
            return (try await server.observations(tag: "model-enough", outcome: "closed", count: 1), usage)
        }
        #expect(seen.count == 1)
        #expect(usage?.isEstimated == true)
    }

    /// Also an error that looks like the model's, and one that comes when the answer is whole.
    @Test(arguments: ["text", "usage"], [ErrorCode.timeout, .modelError, .handlerError])
    func receiversError_passesAsItIs(place: String, code: ErrorCode) async throws {
        guard let server = try BedrockServer.shared() else { return }
        let own = MillraceError(code, "the receiver's own")
        let thrown = try await onLoop {
            do {
                _ = try await server.model().generate(.ask("Hello there")) { event in
                    switch event {
                    case .text where place == "text", .usage where place == "usage": throw own
                    default: break
                    }
                }
                return nil as (any Error)?
            } catch { return error }
        }
        #expect(thrown as? MillraceError == own)
    }

    // MARK: Counting

    @Test func countTokens_asksForTheModelBehindAProfile() async throws {
        guard let server = try BedrockServer.shared() else { return }
        var request = ModelRequest.ask("one two three [[tag:count]]")
        request.system = "four five"
        let asked = request
        let (count, seen) = try await onLoop {
            (try await server.model().countTokens(asked), try await server.observations(tag: "count", count: 1))
        }
        // The role is a text as well.
        #expect(count == 7)
        #expect(seen.first?["modelId"] == "anthropic.claude-sonnet-4-5-20250929-v1:0")
    }
}
