import Millrace
import MillraceCore
import MillraceHTTPClient
import Testing

@testable import MillraceBackends

@Suite struct OpenAILanguageModelTests {
    @Test func call_isAuthorizedAndStreams() async throws {
        var options = OpenAIOptions()
        options.organization = "org-1"
        options.project = "proj-1"
        options.headers = ["HTTP-Referer": "https://app.test"]
        let transport = OpenAIScriptedTransport(.stream(OpenAIRecordedStream.openAI.text))
        let outcome = await openAIOutcome(transport, options: options)
        #expect(outcome.text == "Grüße 😀 \"世界\"\n")
        #expect(outcome.response?.stopReason == .endTurn)
        let request = try #require(transport.requests.first)
        #expect((request.method, request.url) == ("POST", "http://models.test/v1/chat/completions"))
        #expect(request.headers["authorization"] == "Bearer sk-secret")
        #expect(request.headers["content-type"] == "application/json")
        #expect(request.headers["openai-organization"] == "org-1")
        #expect(request.headers["openai-project"] == "proj-1")
        #expect(request.headers["http-referer"] == "https://app.test")
        #expect(try transport.body()["stream"] == true)
    }

    @Test(arguments: [("http://models.test/v1", "max_tokens"), ("https://api.openai.com/v1/", "max_completion_tokens")])
    func tokenLimit_hasTheServersName(url: String, member: String) async throws {
        let transport = OpenAIScriptedTransport(.stream(OpenAIRecordedStream.openAI.text))
        var request = ask("Hello")
        request.maxTokens = 7
        _ = try await openAIModel(transport, url: url).generate(request) { _ in }
        #expect(try transport.body()[member] == 7)
    }

    @Test func errorWithinTheStream_doesNotRepeatTheKey() async throws {
        let said = #"data: {"error":{"message":"Bad key sk-secret","type":"invalid sk-secret"}}"# + "\n\n"
        let outcome = await openAIOutcome(OpenAIScriptedTransport(.stream(said)))
        let error = try #require(outcome.error)
        #expect(error.message.hasSuffix("Bad key ********"))
        #expect(!"\(error) \(error.details)".contains("sk-secret"))
    }

    @Test func errorWithEndlessNames_isCutToSize() async throws {
        let name = String(repeating: "n", count: 100_000)
        let said = #"data: {"error":{"message":"no","code":""# + name + #"","param":""# + name + #""}}"# + "\n\n"
        let error = try #require(await openAIOutcome(OpenAIScriptedTransport(.stream(said))).error)
        #expect(error.details["provider_error"]?.string?.count == 2000)
        #expect("\(error) \(error.details)".utf8.count < 10_000)
    }

    // MARK: Splits

    @Test(arguments: [OpenAIRecordedStream.openAI, .vLLMOlderTools, .openRouterEncrypted])
    func everyCutInTwo_givesTheSame(stream: OpenAIRecordedStream) async {
        let bytes = Array(stream.text.utf8)
        let whole = await openAIOutcome(OpenAIScriptedTransport(.init(chunks: [bytes])))
        #expect(whole.error == nil)
        for cut in stride(from: 1, to: bytes.count, by: 1) {
            let chunks = [Array(bytes[..<cut]), Array(bytes[cut...])]
            let outcome = await openAIOutcome(OpenAIScriptedTransport(.init(chunks: chunks)))
            guard outcome.sameButForMadeIDs(whole) else {
                Issue.record("cut at \(cut): \(outcome)")
                return
            }
        }
    }

    @Test(arguments: OpenAIRecordedStream.all, [1, 3, 64])
    func piecesOfAnySize_giveTheSame(stream: OpenAIRecordedStream, size: Int) async {
        for newline in ["\n", "\r\n", "\r"] {
            let bytes = Array(stream.text.replacing("\n", with: newline).utf8)
            let whole = await openAIOutcome(OpenAIScriptedTransport(.init(chunks: [Array(stream.text.utf8)])))
            let chunks = stride(from: 0, to: bytes.count, by: size).map { Array(bytes[$0..<min($0 + size, bytes.count)]) }
            #expect(await openAIOutcome(OpenAIScriptedTransport(.init(chunks: chunks))).sameButForMadeIDs(whole))
        }
    }

    /// A stream that breaks off anywhere is an error until the answer's end was told, and never a shorter answer.
    @Test(arguments: [OpenAIRecordedStream.openAI, .llamaCppTools])
    func streamThatEndsEarly_isNeverComplete(stream: OpenAIRecordedStream) async {
        let bytes = Array(stream.text.utf8)
        let text = stream.text
        let whole = await openAIOutcome(OpenAIScriptedTransport(.stream(text)))
        for end in 0..<bytes.count {
            let outcome = await openAIOutcome(OpenAIScriptedTransport(.init(chunks: [Array(bytes[..<end])])))
            if let response = outcome.response {
                #expect(outcome.text == whole.text && outcome.calls == whole.calls && response.stopReason == whole.response?.stopReason)
            } else {
                #expect(outcome.error?.code == .modelError && outcome.error?.isRetryable == true, "\(outcome)")
            }
        }
    }

    // MARK: Ends

    @Test func connectionLostInTheMiddle_isTheModelsFailure() async {
        let start = OpenAIRecordedStream.openAI.start(events: 2)
        var answer = OpenAIScriptedTransport.Answer.stream(start)
        answer.failure = MillraceError(.connectionLost, "the connection broke", isRetryable: true)
        let outcome = await openAIOutcome(OpenAIScriptedTransport(answer))
        #expect(outcome.text == "Grüße")
        #expect(outcome.error?.code == .modelError && outcome.error?.isRetryable == true)
        #expect(outcome.error?.details["transport_error"] == "connection_lost")
        #expect(outcome.error?.message.contains("models.test") == true)
    }

    @Test func connectionLostBehindDone_changesNothing() async {
        var answer = OpenAIScriptedTransport.Answer.stream(OpenAIRecordedStream.openAI.text)
        answer.failure = MillraceError(.timeout, "nothing came")
        #expect(await openAIOutcome(OpenAIScriptedTransport(answer)).response?.stopReason == .endTurn)
    }

    @Test(arguments: [ErrorCode.unreachable, .timeout, .connectionLost, .circuitOpen, .limitExceeded])
    func transportThatFails_isTheModelsFailure(code: ErrorCode) async {
        var answer = OpenAIScriptedTransport.Answer(chunks: [])
        answer.failure = MillraceError(code, "no", isRetryable: code != .limitExceeded)
        let error = await openAIOutcome(OpenAIScriptedTransport(answer)).error
        #expect(error?.code == .modelError)
        #expect(error?.isRetryable == (code != .limitExceeded))
        #expect(error?.cause?.contains(code.rawValue) == true)
    }

    @Test func usageIsReported_beforeTheCallFails() async {
        // Usage and problem in one chunk: the problem ends the call, and what was counted is told first.
        let outcome = await openAIOutcome(
            OpenAIScriptedTransport(
                .stream(
                    """
                    data: {"choices":[{"index":0,"delta":{"content":"x"}}]}

                    data: {"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":1},"error":{"code":502,"message":"Provider disconnected"}}


                    """)))
        #expect(outcome.events == [.text("x"), .usage(Usage(promptTokens: 5, completionTokens: 1))])
        #expect(outcome.error?.message.contains("Provider disconnected") == true)
        #expect(outcome.error?.isRetryable == true)
    }

    @Test func receiverThatThrows_endsTheCallWithItsError() async {
        let transport = OpenAIScriptedTransport(.stream(OpenAIRecordedStream.openAI.text))
        var pieces = 0
        let error = await #expect(throws: MillraceError.self) {
            _ = try await openAIModel(transport).generate(ask("Hello")) { _ in
                pieces += 1
                throw MillraceError(.timeout, "the handler's own")
            }
        }
        #expect(pieces == 1)
        #expect(error == MillraceError(.timeout, "the handler's own"))
        #expect(transport.openResponses == 0)
    }

    @Test func receiverThatThrowsBehindDone_isNotOverheard() async {
        // The tool call is handed on when `[DONE]` has been read.
        let transport = OpenAIScriptedTransport(.stream(OpenAIRecordedStream.openAITools.text))
        await #expect(throws: MillraceError(.handlerError, "no tools")) {
            _ = try await openAIModel(transport).generate(ask("Hello")) { event in
                if case .toolCall = event { throw MillraceError(.handlerError, "no tools") }
            }
        }
    }

    @Test func cancelWhileTheModelThinks_endsAtOnce() async {
        let (waiting, continuation) = AsyncStream.makeStream(of: Void.self)
        var answer = OpenAIScriptedTransport.Answer.stream(OpenAIRecordedStream.openAI.start(events: 2))
        answer.hangs = true
        answer.onHang = { continuation.yield() }
        let transport = OpenAIScriptedTransport(answer)
        let task = Task {
            var text = ""
            do {
                _ = try await openAIModel(transport).generate(ask("Hello")) { if case .text(let piece) = $0 { text += piece } }
                return (text, false)
            } catch { return (text, error is CancellationError) }
        }
        var iterator = waiting.makeAsyncIterator()
        await iterator.next()
        #expect(transport.openResponses == 1)
        task.cancel()
        let (text, isCancelled) = await task.value
        #expect(isCancelled)
        #expect(text == "Grüße")
        #expect(transport.openResponses == 0)
    }

    @Test func cancelInTheReceiver_stopsBeforeTheNextPiece() async {
        let transport = OpenAIScriptedTransport(.stream(OpenAIRecordedStream.openAI.text))
        let task = Task {
            var count = 0
            do {
                _ = try await openAIModel(transport).generate(ask("Hello")) { _ in
                    count += 1
                    withUnsafeCurrentTask { $0?.cancel() }
                }
                return (count, false)
            } catch { return (count, error is CancellationError) }
        }
        let (count, isCancelled) = await task.value
        #expect(isCancelled && count == 1)
    }

    @Test func cancelledTask_asksNobody() async {
        let transport = OpenAIScriptedTransport(.stream(OpenAIRecordedStream.openAI.text))
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await openAIModel(transport).generate(ask("Hello")) { _ in }
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(transport.requests.isEmpty)
    }

    // MARK: Answers that are no stream

    @Test func answerInOnePiece_isUnderstood() async {
        let outcome = await openAIOutcome(
            OpenAIScriptedTransport(
                .body(
                    """
                    {"id":"c","object":"chat.completion","created":1,"model":"m-2","choices":[{"index":0,"message":{"role":"assistant","content":"Four",\
                    "reasoning_content":"2+2","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]},"finish_reason":null}],\
                    "usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}
                    """, type: "application/json; charset=utf-8")))
        let usage = Usage(promptTokens: 3, completionTokens: 1)
        #expect(
            outcome.events == [
                .usage(usage), .reasoning(Reasoning(text: "2+2")), .text("Four"), .toolCall(ToolCall(id: "a", name: "f", arguments: [:])),
            ])
        #expect(outcome.response == ModelResponse(stopReason: .toolUse, usage: usage, modelID: "m-2"))
    }

    @Test(arguments: [
        ("text/html", "<html><title>Sign in</title></html>", "text/html"), ("application/x-ndjson", "{}", "application/x-ndjson"),
        ("application/json", "<html>", "other than JSON"), ("application/json", "{}", "no answer"),
        ("application/json", #"{"error":{"message":"Overloaded","code":503}}"#, "Overloaded"), ("text/plain", "hello", "before the answer"),
    ])
    func answerOfAnotherKind_isAnErrorThatSaysSo(type: String, body: String, words: String) async {
        let error = await openAIOutcome(OpenAIScriptedTransport(.body(body, type: type))).error
        #expect(error?.code == .modelError)
        #expect(error?.message.contains(words) == true, "\(String(describing: error))")
    }

    // MARK: Models

    @Test(arguments: [
        #"{"object":"list","data":[{"id":"b","object":"model"},{"id":"a"},{"id":"b"}]}"#, #"[{"id":"b"},{"id":"a"}]"#,
        #"{"models":[{"name":"b","model":"b"},{"name":"a"}]}"#,
    ])
    func listOfModels_inAnyShape(body: String) async throws {
        let transport = OpenAIScriptedTransport(.body(body))
        #expect(try await openAIModel(transport).listModels() == ["b", "a"])
        #expect((transport.requests.first?.method, transport.requests.first?.url) == ("GET", "http://models.test/v1/models"))
    }

    @Test func listOfModels_ofSomethingElse_isAnError() async {
        for answer: OpenAIScriptedTransport.Answer in [
            .body("{}"), .body("<html>"), .body("404 page not found", status: 404, type: "text/plain"),
        ] {
            let error = await #expect(throws: MillraceError.self) { try await openAIModel(OpenAIScriptedTransport(answer)).listModels() }
            #expect(error?.code == .modelError && error?.message.contains("models.test") == true)
        }
    }
}

extension OpenAIOutcome {
    /// Whether both say the same, ids that the decoder made apart.
    func sameButForMadeIDs(_ other: OpenAIOutcome) -> Bool { withoutMadeIDs == other.withoutMadeIDs }

    private var withoutMadeIDs: OpenAIOutcome {
        var outcome = self
        outcome.events = events.map { event in
            guard case .toolCall(var call) = event, call.id.count == 31 else { return event }
            call.id = "made"
            return .toolCall(call)
        }
        return outcome
    }
}
