import Millrace
import MillraceCore
import MillraceHTTPClient
import Testing

@testable import MillraceBackends

// A call that waits for a server that says nothing more would wait for ever: the limit turns that into a failure.
@Suite(.timeLimit(.minutes(1))) struct AnthropicLanguageModelTests {
    private typealias Transport = AnthropicScriptedTransport
    private static let key = "sk-ant-secret-0123"
    private let request = ModelRequest(turns: [.init(role: .user, parts: [.text("?")])], documents: AnthropicStreams.documents)

    private func model(
        _ transport: Transport, url: String = AnthropicLanguageModel.defaultURL, options: AnthropicOptions = AnthropicOptions()
    ) -> AnthropicLanguageModel {
        AnthropicLanguageModel(
            id: "claude", model: "claude-test", options: options,
            endpoint: AnthropicLanguageModel.endpoint(url: url, credential: Credential(Self.key), transport: transport))
    }

    private func answer(_ chunks: [[UInt8]], _ end: Transport.End = .whole) -> Transport {
        Transport([.init(chunks: chunks, end: end)])
    }

    private struct Generated {
        var events: [ModelEvent] = []
        var response: ModelResponse?
        var error: (any Error)?
        var modelError: MillraceError? { error as? MillraceError }
    }

    private func generate(_ model: AnthropicLanguageModel, _ receive: (ModelEvent) throws -> Void = { _ in }) async -> Generated {
        var generated = Generated()
        do {
            generated.response = try await model.generate(request) { event in
                generated.events.append(event)
                try receive(event)
            }
        } catch { generated.error = error }
        return generated
    }

    @Test func call_isWhatTheAPIAsksFor() async throws {
        let transport = answer([AnthropicStreams.bytes(AnthropicStreams.text)])
        var options = AnthropicOptions()
        options.betas = ["a-1", "b-2"]
        let model = model(transport, url: "https://api.anthropic.com/v1/", options: options)
        #expect(model.seesImages && model.id == "claude")
        let generated = await generate(model)
        #expect(generated.response?.modelID == "claude-opus-5")
        let sent = try #require(transport.requests.first)
        #expect(sent.method == "POST" && sent.url == "https://api.anthropic.com/v1/messages")
        #expect(sent.headers["x-api-key"] == Self.key && sent.headers["authorization"] == nil)
        #expect(sent.headers["anthropic-version"] == "2023-06-01" && sent.headers["anthropic-beta"] == "a-1,b-2")
        #expect(sent.headers["accept"] == "text/event-stream" && sent.headers["content-type"] == "application/json")
        #expect(try transport.json() == .object(try AnthropicStreams.request(request).body))
    }

    // MARK: Splits

    @Test(arguments: 0..<AnthropicStreams.all.count) func everyStream_isTheSameByteByByte(number: Int) async throws {
        let events = AnthropicStreams.all[number]
        let bytes = AnthropicStreams.bytes(events)
        let expected = try AnthropicDecoded(events)
        for chunks in [[bytes], bytes.map { [$0] }, [Array("\r\n: hello\n".utf8), bytes, []]] {
            let generated = await generate(model(answer(chunks)))
            #expect(generated.events.starts(with: expected.events))
            #expect(generated.response == expected.response)
            #expect((generated.error == nil) == (expected.error == nil))
        }
    }

    @Test func everyCutInTwo_isTheSame() async throws {
        // Characters of two, three and four bytes, and a tool's arguments.
        let events = AnthropicStreams.events(
            #"""
            {"type":"message_start","message":{"model":"m","usage":{"input_tokens":5,"output_tokens":1}}}
            {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}
            {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"ü東🎉"}}
            {"type":"content_block_stop","index":0}
            {"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"t","name":"n","input":{}}}
            {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"a\":\"é\"}"}}
            {"type":"content_block_stop","index":1}
            {"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":9}}
            {"type":"message_stop"}
            """#)
        let bytes = AnthropicStreams.bytes(events)
        let expected = try AnthropicDecoded(events)
        #expect(expected.text == "ü東🎉" && expected.toolCalls.first?.arguments == ["a": "é"])
        for cut in 0...bytes.count {
            let generated = await generate(model(answer([Array(bytes[..<cut]), Array(bytes[cut...])])))
            #expect(generated.events == expected.events && generated.response == expected.response, "cut at \(cut)")
        }
    }

    @Test func everyTruncation_isAModelErrorWithItsUsage() async throws {
        let bytes = AnthropicStreams.bytes(AnthropicStreams.text)
        let firstReport = AnthropicStreams.bytes([AnthropicStreams.text[0]]).count
        let end = bytes.count - 1  // Only the last empty line dispatches the last message.
        for cut in stride(from: 0, through: end, by: 7) {
            let generated = await generate(model(answer([Array(bytes[..<cut])])))
            let error = try #require(generated.modelError)
            #expect(error.code == .modelError && error.isRetryable && error.details["provider_request_id"] == "req_head")
            guard case .usage(let usage)? = generated.events.last else {
                #expect(cut < firstReport)
                continue
            }
            #expect(usage.promptTokens == 1_321)
        }
    }

    @Test func completeAnswer_needsNoEndOfTheConnection() async {
        let bytes = AnthropicStreams.bytes(AnthropicStreams.text)
        for end in [Transport.End.silence, .failure(MillraceError(.connectionLost, "reset", isRetryable: true))] {
            let generated = await generate(model(answer([bytes], end)))
            #expect(generated.response?.stopReason == .endTurn && generated.error == nil)
        }
    }

    // MARK: Cancellation and receivers

    @Test(arguments: [0, 1, 3, 5]) func cancelledCall_endsAtOnceAndIsMetered(events: Int) async throws {
        let transport = answer(AnthropicStreams.text.prefix(events).map { AnthropicStreams.bytes([$0]) }, .silence)
        let model = model(transport)
        let (started, continuation) = AsyncStream<Void>.makeStream()
        let (request, received) = (request, Locked<[ModelEvent]>([]))
        let task = Task {
            try await model.generate(request) { event in
                received.withLock { $0.append(event) }
                continuation.yield()
            }
        }
        // Every one of the first events but the block's start and the ping says something.
        var signals = started.makeAsyncIterator()
        for _ in 0..<[0: 0, 1: 1, 3: 1, 5: 3][events, default: 0] { await signals.next() }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        guard events > 0 else { return #expect(received.withLock { $0.isEmpty }) }
        guard case .usage(let usage)? = received.withLock({ $0.last }) else {
            Issue.record("no last report of the usage")
            return
        }
        #expect(usage.promptTokens == 1_321)
        #expect(usage.isEstimated == (events == 5))
    }

    @Test func cancelBetweenTwoEventsOfOneChunk_stopsTheSecond() async throws {
        let transport = answer([AnthropicStreams.bytes(AnthropicStreams.text)])
        let (model, request, texts) = (model(transport), request, Locked<[String]>([]))
        let task = Task {
            try await model.generate(request) { event in
                guard case .text(let text) = event else { return }
                texts.withLock { $0.append(text) }
                withUnsafeCurrentTask { $0?.cancel() }
            }
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(texts.withLock { $0 } == ["Grüße 🎉"])
    }

    private struct Full: Error {}

    @Test func receiverThatThrows_stopsTheTransfer() async throws {
        let transport = answer(AnthropicStreams.text.map { AnthropicStreams.bytes([$0]) })
        let generated = await generate(model(transport)) { event in
            if case .text = event { throw Full() }
        }
        #expect(generated.error is Full)
        #expect(transport.unread == 4)
        #expect(
            generated.events == [
                .usage(Usage(promptTokens: 1_321, completionTokens: 1, cachedPromptTokens: 1_000)), .text("Grüße 🎉"),
                .usage(Usage(promptTokens: 1_321, completionTokens: 3, cachedPromptTokens: 1_000, isEstimated: true)),
            ])
    }

    @Test func receiversOwnError_isNotTakenForTheTransports() async {
        let own = MillraceError(.limitExceeded, "the run is too long")
        let generated = await generate(model(answer([AnthropicStreams.bytes(AnthropicStreams.text)]))) { event in
            if case .text = event { throw own }
        }
        #expect(generated.modelError == own)
    }

    // MARK: Failures

    @Test(arguments: [
        (MillraceError(.connectionLost, "the connection broke", isRetryable: true), true),
        (MillraceError(.timeout, "nothing came for 60 s", isRetryable: true), true),
        (MillraceError(.limitExceeded, "the response is too long"), false),
    ])
    func brokenTransfer_isAModelError(failure: MillraceError, isRetryable: Bool) async throws {
        let generated = await generate(model(answer([AnthropicStreams.bytes(Array(AnthropicStreams.text.prefix(4)))], .failure(failure))))
        let error = try #require(generated.modelError)
        #expect(error.code == .modelError && error.isRetryable == isRetryable)
        #expect(error.message.contains("api.anthropic.com") && error.cause?.contains(failure.message) == true)
        #expect(error.details["transport_error"] == .string(failure.code.rawValue))
        guard case .usage? = generated.events.last else {
            Issue.record("no last report of the usage")
            return
        }
    }

    @Test func unreachableServer_isAModelError() async throws {
        let error = try #require(await generate(model(Transport([]))).modelError)
        #expect(error.code == .modelError && error.isRetryable && error.details["transport_error"] == "unreachable")
    }

    @Test func errorEvent_endsTheAnswerAfterItsText() async throws {
        let generated = await generate(model(answer([AnthropicStreams.bytes(AnthropicStreams.failure)])))
        #expect(generated.modelError?.isRetryable == true)
        #expect(generated.modelError?.details["provider_request_id"] == "req_stream")
        #expect(generated.events.contains(.text("Half an ans")))
    }

    @Test(arguments: [
        (400, "invalid_request_error", false, ""), (401, "authentication_error", false, "API key"), (402, "billing_error", false, ""),
        (403, "permission_error", false, "API key"), (404, "not_found_error", false, "model's name"),
        (413, "request_too_large", false, "too large"), (429, "rate_limit_error", true, "limits the rate"),
        (500, "api_error", true, ""), (504, "timeout_error", true, ""), (529, "overloaded_error", true, "overloaded"),
        (400, "overloaded_error", true, ""),
    ])
    func refusal_isAModelError(status: Int, kind: String, isRetryable: Bool, says: String) async throws {
        let body = #"{"type":"error","error":{"type":"\#(kind)","message":"It was \#(Self.key)."},"request_id":"req_body"}"#
        let transport = Transport([.init(status: status, headers: [:], chunks: [Array(body.utf8)])])
        let error = try #require(await generate(model(transport)).modelError)
        #expect(error.code == .modelError && error.isRetryable == isRetryable)
        #expect(error.message.contains("\(status)") && error.message.contains("api.anthropic.com") && error.message.contains(says))
        #expect(error.message.contains("It was ********."))
        #expect(
            error.details == [
                "provider_status": .integer(status), "provider_error": .string(kind), "provider_request_id": "req_body",
            ])
    }

    @Test(arguments: [
        (502, "<html><h1>Bad gateway</h1></html>", true, "answered 502"), (503, "no healthy upstream", true, "(no healthy upstream)"),
        (413, "<html>", false, "too large"), (500, "", true, "answered 500"), (400, "{\"detail\":\"x\"}", false, "answered 400"),
    ])
    func refusalWithoutTheAPIsBody_isAModelErrorToo(status: Int, body: String, isRetryable: Bool, says: String) async throws {
        let error = try #require(await generate(model(Transport([.init(status: status, chunks: [Array(body.utf8)])]))).modelError)
        #expect(error.isRetryable == isRetryable && error.message.contains(says) && !error.message.contains("<"))
        #expect(error.details["provider_request_id"] == "req_head")
    }

    @Test func serversWordOnRetries_counts() async throws {
        for (status, says) in [(529, "false"), (400, "true")] {
            let response = Transport.Response(status: status, headers: ["x-should-retry": says], chunks: [Array("{}".utf8)])
            #expect(await generate(model(Transport([response]))).modelError?.isRetryable == (says == "true"))
        }
    }

    @Test func pageInPlaceOfAStream_isAnErrorThatNamesTheURL() async throws {
        let response = Transport.Response(headers: ["Content-Type": "text/html"], chunks: [Array("<html>Sign in".utf8)])
        let error = try #require(await generate(model(Transport([response]))).modelError)
        #expect(error.code == .modelError && !error.isRetryable && error.message.contains("text/html") && error.message.contains("URL"))
    }

    @Test func refusedRequest_isNotSent() async throws {
        let transport = Transport([])
        await #expect(throws: MillraceError.self) { try await model(transport).generate(ModelRequest(turns: [])) { _ in } }
        #expect(transport.requests.isEmpty)
    }

    // MARK: Queries

    @Test func tokenCount_isTheProviders() async throws {
        let transport = Transport([.init(chunks: [Array(#"{"input_to"#.utf8), Array(#"kens":2095}"#.utf8)])])
        #expect(try await model(transport).countTokens(request) == 2_095)
        #expect(transport.requests[0].url == "https://api.anthropic.com/v1/messages/count_tokens")
        let body = try transport.json()
        #expect(body["stream"] == nil && body["max_tokens"] == nil && body["messages"]?[0]?["content"]?.array?.count == 3)
    }

    @Test func models_areReadPageByPage() async throws {
        let pages = [
            #"{"data":[{"type":"model","id":"claude-b","display_name":"B","max_input_tokens":1000000,"max_tokens":64000}],"has_more":true,"last_id":"claude-b &x"}"#,
            #"{"data":[{"type":"model","id":"claude-a","display_name":"A"}],"has_more":false,"last_id":"claude-a"}"#,
        ]
        let transport = Transport(pages.map { .init(chunks: [Array($0.utf8)]) })
        #expect(
            try await model(transport).availableModels() == [
                AnthropicModelInfo(id: "claude-b", displayName: "B", maxInputTokens: 1_000_000, maxTokens: 64_000),
                AnthropicModelInfo(id: "claude-a", displayName: "A"),
            ])
        #expect(transport.requests.map(\.method) == ["GET", "GET"])
        #expect(
            transport.requests.map(\.url) == [
                "https://api.anthropic.com/v1/models?limit=1000",
                "https://api.anthropic.com/v1/models?limit=1000&after_id=claude-b%20%26x",
            ])
    }

    @Test func listWithoutEnd_isLeft() async throws {
        let page = Transport.Response(chunks: [Array(#"{"data":[],"has_more":true,"last_id":"x"}"#.utf8)])
        let transport = Transport(Array(repeating: page, count: 100))
        await #expect(throws: MillraceError.self) { try await model(transport).availableModels() }
        #expect(transport.requests.count == 50)
    }

    @Test(arguments: ["", "<html>", "{}", "[]"]) func foreignAnswers_areModelErrors(body: String) async throws {
        let response = Transport.Response(chunks: [Array(body.utf8)])
        for query in 0..<2 {
            let model = model(Transport([response]))
            await #expect {
                if query == 0 { _ = try await model.countTokens(request) } else { _ = try await model.availableModels() }
            } throws: { ($0 as? MillraceError)?.code == .modelError }
        }
    }
}
