import Millrace
import MillraceCore
import MillraceHTTPClient
import Testing

@testable import MillraceBackends

/// The example in `CustomModelAdapter`'s documentation, word for word.
struct StoryModel: CustomModelAdapter {
    let id = "stories"
    let url = "https://stories.example.com/v2/continue"
    let headers: [CustomHeader]
    let format = CustomResponseFormat.jsonLines
    let completion = CustomCompletion.stopReason

    init(key: Credential) { headers = [CustomHeader("Authorization", prefix: "Key ", credential: key)] }

    func body(for request: ModelRequest) throws -> JSONValue {
        ["text": .string(ConversationText(request).prompt), "length": .integer(request.maxTokens ?? 500)]
    }
    func events(in payload: JSONValue) throws -> [ModelEvent] {
        if let words = payload["words"]?.string { return [.text(words)] }
        guard let count = payload["count"]?.integer else { return [] }
        return [.usage(Usage(completionTokens: count))]
    }
    func stopReason(in payload: JSONValue) throws -> StopReason? { payload["the_end"]?.bool == true ? .endTurn : nil }
    func errorMessage(in payload: JSONValue) -> String? { payload["problem"]?.string }
}

@Suite struct CustomLanguageModelTests {
    private static let secret = "key-4711"
    private let request = ModelRequest(turns: [.init(role: .user, parts: [.text("Hi")])], maxTokens: 9)

    private func api(_ response: CustomAPI.Response, credential: String = secret) throws -> CustomAPI {
        try CustomAPI(
            id: "house", url: "https://llm.example.com/v1/{{model}}/generate?x=1", model: "house/7b",
            headers: [CustomHeader("X-Api-Key", credential: Credential(credential)), CustomHeader("X-Version", "2")],
            body: try RequestTemplate(["input": "{{messages}}", "limit": "{{max_tokens}}", "stop": "{{stop}}"]), response: response)
    }

    private func response(_ format: CustomResponseFormat, _ change: (inout CustomAPI.Response) -> Void = { _ in }) throws
        -> CustomAPI.Response
    {
        var response = CustomAPI.Response(
            format: format, text: try JSONPath("$.parts[*].t"), promptTokens: try JSONPath("$.use.in"),
            completionTokens: try JSONPath("$.use.out"), cachedPromptTokens: try JSONPath("$.use.cached"),
            stopReason: try JSONPath("$.why"), stopReasons: ["filtered": .contentFilter], error: try JSONPath("$.error.message"),
            completion: .stopReason)
        change(&response)
        return response
    }

    private struct Call {
        var events: [ModelEvent] = []
        var response: ModelResponse?
        var error: MillraceError?
    }

    private func call(
        _ adapter: any CustomModelAdapter, _ transport: ScriptedTransport, _ request: ModelRequest? = nil
    ) async throws -> Call {
        var call = Call()
        let model = try CustomLanguageModel(adapter, transport: transport)
        do { call.response = try await model.generate(request ?? self.request) { call.events.append($0) } } catch {
            call.error = try #require(error as? MillraceError)
        }
        return call
    }

    // MARK: Formats, at every split

    private static let lines = [
        #"{"use":{"in":7,"cached":3}}"#, #"{"parts":[{"t":"Grüß"},{"t":" dich"}]}"#, #"{"parts":[{"t":null}],"why":null}"#,
        #"{"parts":[{"t":"!"}],"why":"length","use":{"out":4}}"#,
    ]

    static let streams: [(CustomResponseFormat, String, String)] = [
        (.serverSentEvents, "text/event-stream", lines.map { "event: delta\ndata: \($0)\n\n" }.joined() + ": bye\n\n"),
        (.jsonLines, "application/x-ndjson", lines.joined(separator: "\r\n")),
    ]

    @Test(arguments: streams)
    func stream_isReadTheSameAtEverySplit(format: CustomResponseFormat, contentType: String, text: String) async throws {
        let bytes = Array(text.utf8)
        let splits = [[bytes], bytes.map { [$0] }] + bytes.indices.map { [Array(bytes[..<$0]), Array(bytes[$0...])] }
        let usage = Usage(promptTokens: 7, completionTokens: 4, cachedPromptTokens: 3)
        let api = try api(try response(format))
        for pieces in splits {
            var answer = ScriptedTransport.Answer(headers: ["Content-Type": contentType])
            answer.pieces = pieces
            let call = try await call(api, ScriptedTransport([answer]))
            #expect(
                call.events == [.usage(Usage(promptTokens: 7, cachedPromptTokens: 3)), .text("Grüß dich"), .text("!"), .usage(usage)])
            #expect(call.response == ModelResponse(stopReason: .maxTokens, usage: usage, modelID: "house/7b"))
        }
    }

    @Test func oneJSONValue_isOneAnswer() async throws {
        let body = #"{"parts":[{"t":"whole"}],"why":"filtered","use":{"in":1,"out":2}}"#
        let call = try await call(
            try api(try response(.json)), ScriptedTransport([.init([body], headers: ["Content-Type": "application/json"])]))
        #expect(call.events == [.text("whole"), .usage(Usage(promptTokens: 1, completionTokens: 2))])
        #expect(call.response?.stopReason == .contentFilter)
    }

    // MARK: The request

    @Test func request_isWhatTheDescriptionSays() async throws {
        let transport = ScriptedTransport([.init([#"{"why":"stop"}"#])])
        var asked = request
        asked.extra = ["seed": 7, "limit": 1]
        _ = try await call(try api(try response(.json)), transport, asked)
        let sent = try #require(transport.requests.withLock { $0.first })
        #expect(sent.method == "POST")
        #expect(sent.url == "https://llm.example.com/v1/house%2F7b/generate?x=1")
        #expect(sent.headers["x-api-key"] == Self.secret)
        #expect(sent.headers["x-version"] == "2")
        #expect(sent.headers["content-type"] == "application/json")
        guard case .bytes(let bytes) = sent.body else {
            Issue.record("no body")
            return
        }
        #expect(try JSONValue(parsing: bytes) == ["input": [["role": "user", "content": "Hi"]], "limit": 1, "seed": 7])
    }

    @Test func toolsAndSchemas_areAnotherModelsWork() async throws {
        let api = try api(try response(.json))
        for request in [
            ModelRequest(turns: [], tools: [ToolDefinition(name: "n", description: "d", inputSchema: [:])]),
            ModelRequest(turns: [], outputSchema: [:]),
        ] {
            let transport = ScriptedTransport([.init()])
            #expect(try await call(api, transport, request).error?.code == .modelError)
            #expect(transport.requests.withLock { $0.isEmpty })
        }
    }

    // MARK: Endings

    @Test(
        arguments: [
            (.doneMarker, "data: {\"parts\":[{\"t\":\"a\"}]}\n\n", "without '[DONE]'"),
            (.stopReason, "data: {\"parts\":[{\"t\":\"a\"}]}\n\n", "without a stop reason"),
            (.stopReason, "data: {\"parts\":[{\"t\":\"a\"}]}\n\ndata: [DONE]\n\n", "without a stop reason"),
            (.doneMarker, "data: {\"parts\":[{\"t\":\"a\"}],\"why\":\"stop\"}\n\ndata: [DONE]", "without '[DONE]'"),
        ] as [(CustomCompletion, String, String)])
    func answerWithoutItsEnd_isCutOff(completion: CustomCompletion, text: String, how: String) async throws {
        let api = try api(try response(.serverSentEvents) { ($0.doneMarker, $0.completion) = ("[DONE]", completion) })
        let call = try await call(api, ScriptedTransport([.init([text])]))
        #expect(call.events == [.text("a")])
        #expect(call.error == MillraceError(.modelError, "the answer of the model 'house' was cut off: it ended \(how)", isRetryable: true))
    }

    @Test func doneMarker_endsTheReading() async throws {
        let api = try api(try response(.serverSentEvents) { ($0.doneMarker, $0.completion) = ("[DONE]", .doneMarker) })
        let pieces = [
            "data: {\"parts\":[{\"t\":\"a\"}]}\n\n", "data: [DONE]\n\ndata: {\"parts\":[{\"t\":\"b\"}]}\n\n", "data: no json\n\n",
        ]
        let call = try await call(api, ScriptedTransport([.init(pieces)]))
        #expect(call.events == [.text("a")])
        #expect(call.response?.stopReason == .endTurn)
    }

    @Test func endOfBody_isEnoughWhereItIsTheRule() async throws {
        let api = try api(try response(.jsonLines) { $0.completion = .endOfBody })
        #expect(try await call(api, ScriptedTransport([.init(["{\"parts\":[{\"t\":\"a\"}]}"])])).response?.stopReason == .endTurn)
    }

    @Test func lastLineCutInTheMiddle_isCutOff() async throws {
        let api = try api(try response(.jsonLines) { $0.completion = .endOfBody })
        let call = try await call(api, ScriptedTransport([.init(["{\"parts\":[{\"t\":\"a\"}]}\n{\"par"])]))
        #expect(call.events == [.text("a")])
        #expect(call.error?.message == "the answer of the model 'house' was cut off: it ended in the middle of a line")
        #expect(call.error?.isRetryable == true)
    }

    @Test func transportFailure_isTheModels_behindTheUsage() async throws {
        let lost = MillraceError(ErrorCode(rawValue: "connection_lost"), "cut", isRetryable: true)
        var answer = ScriptedTransport.Answer(["{\"use\":{\"in\":7}}\n{\"parts\":[{\"t\":\"a\"}]}\n"])
        answer.endError = lost
        let call = try await call(try api(try response(.jsonLines)), ScriptedTransport([answer]))
        #expect(call.events == [.usage(Usage(promptTokens: 7)), .text("a")])
        #expect(call.error?.code == .modelError)
        #expect(call.error?.details["transport_error"] == "connection_lost")
    }

    @Test func whatReceiveThrows_endsTheCall() async throws {
        let model = try CustomLanguageModel(
            try api(try response(.jsonLines)), transport: ScriptedTransport([.init([Self.lines.joined(separator: "\n")])]))
        let own = MillraceError(.cancelled, "enough")
        var count = 0
        let error = await #expect(throws: MillraceError.self) {
            try await model.generate(request) { _ in
                count += 1
                throw own
            }
        }
        #expect(error == own)
        #expect(count == 1)
    }

    // MARK: Errors

    @Test(
        arguments: [
            (#"{"error":{"message":"overloaded"}}"#, "the model 'house' failed: overloaded"),
            (#"{"error":{"message":{"code":7}}}"#, #"the model 'house' failed: {"code":7}"#),
            (#"{"parts":[{"t":5}]}"#, "the answer of the model 'house' has a number at $.parts[*].t, where its text should be"),
            ("oops", "the model 'house' sent something that is not JSON: oops"),
        ])
    func errorInTheStream_isAModelError(line: String, message: String) async throws {
        let call = try await call(try api(try response(.jsonLines)), ScriptedTransport([.init(["{\"parts\":[{\"t\":\"a\"}]}\n\(line)\n"])]))
        #expect(call.events == [.text("a")])
        #expect(call.error?.code == .modelError)
        #expect(call.error?.message == message)
    }

    @Test(arguments: [(401, false), (429, true), (500, true), (400, false)])
    func refusal_givesStatusAndReason_withoutTheSecret(status: Int, isRetryable: Bool) async throws {
        let body = #"{"error":{"message":"bad key key-4711!"}}"#
        let call = try await call(try api(try response(.serverSentEvents)), ScriptedTransport([.init([body], status: status)]))
        #expect(call.error?.code == .modelError)
        #expect(call.error?.message.contains("llm.example.com:443 answered \(status)") == true)
        #expect(call.error?.message.contains("(bad key ********!)") == true)
        #expect(call.error?.details["provider_status"] == .integer(status))
        #expect(call.error?.isRetryable == isRetryable)
    }

    @Test func jsonInThePlaceOfAStream_isNoEmptyAnswer() async throws {
        let answer = ScriptedTransport.Answer([#"{"error":{"message":"no key-4711"}}"#], headers: ["content-type": "application/json"])
        let api = try api(try response(.serverSentEvents) { $0.completion = .endOfBody })
        let call = try await call(api, ScriptedTransport([answer]))
        #expect(call.error?.message == "the model 'house' answered with JSON and not with a stream: no ********")
    }

    @Test func credentialWithALineBreak_isRefusedUnseen() async throws {
        let transport = ScriptedTransport([.init()])
        let call = try await call(try api(try response(.json), credential: "abcd\r\nX-Evil: 1"), transport)
        #expect(call.error?.code == .configuration)
        #expect(call.error?.message.contains("abcd") == false)
        #expect(transport.requests.withLock { $0.isEmpty })
    }

    @Test func headers_printTheirNameOnly() throws {
        #expect("\(CustomHeader("X-Api-Key", prefix: "p", credential: Credential("secret")))" == "X-Api-Key")
    }

    /// Adapters that cannot work are refused at the start.
    @Test(
        arguments: [
            ("ftp://h/", "POST", "A", CustomCompletion.endOfBody, "'ftp://h/' is no http or https URL"),
            ("http://h/", "GET", "A", .endOfBody, "its method is 'GET'"),
            ("http://h/", "POST", "A B", .endOfBody, "'A B' is no name of a header"),
            ("http://h/", "POST", "A", .doneMarker, "none is given"),
        ])
    func adapterThatCannotWork_isRefused(url: String, method: String, header: String, completion: CustomCompletion, reason: String) throws {
        let api = try CustomAPI(
            id: "x", url: url, method: method, headers: [CustomHeader(header, "v")], body: try RequestTemplate(["p": "{{prompt}}"]),
            response: CustomAPI.Response(text: try JSONPath("$.t"), completion: completion))
        let error = #expect(throws: MillraceError.self) { try CustomLanguageModel(api, transport: ScriptedTransport([.init()])) }
        #expect(error?.code == .configuration)
        #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
    }

    // MARK: An adapter in Swift

    /// The example in the documentation is the one that is compiled here, line by line.
    @Test func documentedAdapter_isTheOneThatIsCompiled() throws {
        let folder = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4).joined(separator: "/")
        func read(_ path: String) throws -> String {
            String(decoding: try BoundedFile.read("\(folder)/\(path)", limit: 1 << 20), as: UTF8.self)
        }
        let documentation = try read("Sources/MillraceBackends/Custom/CustomModelAdapter.swift")
        let source = try read("Tests/MillraceBackendsTests/Custom/CustomLanguageModelTests.swift")
        let start = try #require(source.firstRange(of: "struct StoryModel")).lowerBound
        let end = try #require(source[start...].firstRange(of: "\n}\n")).upperBound
        let lines = source[start..<end].split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        #expect(lines.count > 15)
        #expect(documentation.contains(lines.map { $0.isEmpty ? "///\n" : "/// \($0)\n" }.joined()))
    }

    @Test func documentedAdapter_works() async throws {
        let text = #"{"words":"Once"}"# + "\n" + #"{"words":" upon"}"# + "\n" + #"{"count":2}"# + "\n" + #"{"the_end":true}"#
        let transport = ScriptedTransport([.init([text])])
        let call = try await call(StoryModel(key: Credential(Self.secret)), transport)
        #expect(call.events == [.text("Once"), .text(" upon"), .usage(Usage(completionTokens: 2))])
        #expect(call.response == ModelResponse(stopReason: .endTurn, usage: Usage(completionTokens: 2), modelID: "stories"))
        #expect(transport.requests.withLock { $0.first?.headers["Authorization"] } == "Key key-4711")
        let refused = try await self.call(StoryModel(key: Credential(Self.secret)), ScriptedTransport([.init([#"{"problem":"no ink"}"#])]))
        #expect(refused.error?.message == "the model 'stories' failed: no ink")
    }
}
