import Millrace
import MillraceCore
import MillraceHTTPClient
import Testing

@testable import MillraceBackends

@Suite struct OpenAIEmbedderTests {
    private func embedder(
        _ transport: OpenAIScriptedTransport, _ change: (inout OpenAIEmbedderOptions) -> Void = { _ in }
    ) -> OpenAIEmbedder {
        var options = OpenAIEmbedderOptions()
        change(&options)
        return OpenAIEmbedder(
            id: "e", model: "embed-1",
            endpoint: ModelEndpoint(url: "http://models.test/v1", credential: Credential("sk-secret"), transport: transport),
            options: options)
    }

    private func answer(_ vectors: [String], usage: String = #"{"prompt_tokens":3,"total_tokens":3}"#) -> OpenAIScriptedTransport.Answer {
        let data = vectors.enumerated().map { #"{"object":"embedding","index":\#($0.offset),"embedding":\#($0.element)}"# }
        return .body(#"{"object":"list","model":"embed-1-large","data":[\#(data.joined(separator: ","))],"usage":\#(usage)}"#)
    }

    @Test func texts_becomeVectorsInOrder() async throws {
        let body =
            #"{"data":[{"index":1,"embedding":[3,4.5]},{"index":0,"embedding":[1,-2e-1]}],"model":"x","usage":{"prompt_tokens":7,"total_tokens":7}}"#
        let transport = OpenAIScriptedTransport(.body(body))
        let embeddings = try await embedder(transport).embed(["a", "b"], for: .document)
        #expect(embeddings == Embeddings(vectors: [[1, -0.2], [3, 4.5]], usage: Usage(promptTokens: 7, totalTokens: 7), modelID: "x"))
        #expect(try transport.body() == ["model": "embed-1", "input": ["a", "b"], "encoding_format": "base64"])
        let request = try #require(transport.requests.first)
        #expect((request.method, request.url) == ("POST", "http://models.test/v1/embeddings"))
        #expect(request.headers["authorization"] == "Bearer sk-secret")
    }

    @Test func base64_isUnderstoodAndAsked() async throws {
        // 1, -2 and 0.5 as 32-bit floats, little-endian.
        let transport = OpenAIScriptedTransport(answer([#""AACAPwAAAMAAAAA/""#]))
        let embeddings = try await embedder(transport) { $0.encodingFormat = .base64 }.embed(["a"], for: .query)
        #expect(embeddings.vectors == [[1, -2, 0.5]])
        #expect(try transport.body()["encoding_format"] == "base64")
    }

    @Test func noTexts_askNobody() async throws {
        let transport = OpenAIScriptedTransport()
        #expect(try await embedder(transport).embed([], for: .query) == Embeddings(vectors: [], usage: .unknown, modelID: "embed-1"))
        #expect(transport.requests.isEmpty)
    }

    @Test func purpose_choosesThePrefix() async throws {
        let transport = OpenAIScriptedTransport(answer(["[1]"]), answer(["[1]"]))
        let embedder = embedder(transport) {
            $0.documentPrefix = "search_document: "
            $0.queryPrefix = "search_query: "
        }
        _ = try await embedder.embed(["a"], for: .document)
        _ = try await embedder.embed(["a"], for: .query)
        #expect(try transport.body(0)["input"] == ["search_document: a"])
        #expect(try transport.body(1)["input"] == ["search_query: a"])
    }

    @Test func dimensions_areAskedAndChecked() async throws {
        let transport = OpenAIScriptedTransport(answer(["[1,2]"]), answer(["[1,2,3]"]), answer(["[1,2]"]))
        #expect(embedder(transport) { $0.dimensions = 2 }.dimensions == 2)
        _ = try await embedder(transport) { $0.dimensions = 2 }.embed(["a"], for: .query)
        #expect(try transport.body()["dimensions"] == 2)
        let error = await #expect(throws: MillraceError.self) {
            try await embedder(transport) { $0.dimensions = 2 }.embed(["a"], for: .query)
        }
        #expect(error?.message.contains("3 dimensions, where 2 are configured") == true)
        _ = try await embedder(transport) {
            $0.dimensions = 2
            $0.sendsDimensions = false
        }.embed(["a"], for: .query)
        #expect(try transport.body(2).object?.keys.contains("dimensions") == false)
    }

    @Test func manyTexts_goInBatchesAndTheirUsageIsSummed() async throws {
        let transport = OpenAIScriptedTransport(answer(["[1]", "[2]"]), answer(["[3]", "[4]"]), answer(["[5]"], usage: "null"))
        let embeddings = try await embedder(transport) { $0.batchCount = 2 }.embed(["a", "b", "c", "d", "e"], for: .document)
        #expect(embeddings.vectors == [[1], [2], [3], [4], [5]])
        #expect(embeddings.usage == Usage(promptTokens: 6, totalTokens: 6))
        #expect(embeddings.modelID == "embed-1-large")
        #expect(try (0..<3).map { try transport.body($0)["input"]?.array?.count } == [2, 2, 1])
    }

    @Test(
        arguments: [
            ([1, 1, 1], 2, 10, [0..<2, 2..<3]), ([4, 6, 1], 9, 10, [0..<2, 2..<3]), ([11, 1, 30, 1], 9, 10, [0..<1, 1..<2, 2..<3, 3..<4]),
            ([5], 1, 1, [0..<1]), ([], 1, 1, []), ([0, 0, 0], 1, 1, [0..<1, 1..<2, 2..<3]), ([5, 5, 5], 3, 15, [0..<3]),
        ] as [([Int], Int, Int, [Range<Int>])])
    func batches_keepBothBounds(lengths: [Int], count: Int, characters: Int, ranges: [Range<Int>]) {
        let texts = lengths.map { String(repeating: "é", count: $0) }
        #expect(EmbeddingBatches(texts, count: count, characters: characters).ranges == ranges)
    }

    @Test(arguments: [
        (#"{"data":[]}"#, "answered 2 texts with 0 embeddings"), ("{}", "no list of embeddings"), ("<html>", "other than JSON"),
        (#"{"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]}"#, "index 0"),
        (#"{"data":[{"index":0,"embedding":[1]},{"index":2,"embedding":[1]}]}"#, "index 2"),
        (#"{"data":[{"index":0,"embedding":[1]},{"index":-1,"embedding":[1]}]}"#, "index -1"),
        (#"{"data":[{"index":0,"embedding":[1]},{"index":1,"embedding":[1,2]}]}"#, "2 dimensions, where others of 1"),
        (#"{"data":[{"embedding":[1]},{"embedding":[]}]}"#, "no list of numbers"),
        (#"{"data":[{"embedding":[1]},{"embedding":["1"]}]}"#, "no list of numbers"),
        (#"{"data":[{"embedding":[1]},{"embedding":"AAAA"}]}"#, "no list of numbers"),
        (#"{"data":[{"embedding":[1]},{"embedding":"AADAfw=="}]}"#, "no list of numbers"),  // Not a number.
        (#"{"data":[{"embedding":[1]},{}]}"#, "no list of numbers"), (#"{"error":{"message":"input is too long"}}"#, "input is too long"),
    ])
    func wrongAnswer_isAnErrorThatSaysWhat(body: String, words: String) async {
        let error = await #expect(throws: MillraceError.self) {
            try await embedder(OpenAIScriptedTransport(.body(body))).embed(["a", "b"], for: .document)
        }
        #expect(error?.code == .modelError)
        #expect(error?.message.contains(words) == true, "\(String(describing: error))")
    }

    @Test func batchOfAnotherDimension_isAnError() async {
        let transport = OpenAIScriptedTransport(answer(["[1]"]), answer(["[1,2]"]))
        await #expect(throws: MillraceError.self) { try await embedder(transport) { $0.batchCount = 1 }.embed(["a", "b"], for: .document) }
    }

    @Test func answersWithoutIndex_areInOrder() async throws {
        let transport = OpenAIScriptedTransport(.body(#"{"data":[{"embedding":[1]},{"embedding":[2]}]}"#))
        #expect(try await embedder(transport).embed(["a", "b"], for: .document).vectors == [[1], [2]])
    }

    @Test func emptyText_isRefusedBeforeTheCall() async {
        let transport = OpenAIScriptedTransport()
        let error = await #expect(throws: MillraceError.self) { try await embedder(transport).embed(["a", ""], for: .document) }
        #expect(error?.code == .invalidInput && error?.message.contains("text 2 of 2") == true)
        #expect(transport.requests.isEmpty)
    }

    @Test(arguments: ["model", "input"])
    func extraThatReplacesWhatIsOurs_isRefused(name: String) async {
        let error = await #expect(throws: MillraceError.self) {
            try await embedder(OpenAIScriptedTransport()) { $0.extra = [name: 1] }.embed(["a"], for: .document)
        }
        #expect(error?.code == .invalidInput)
    }

    @Test func transportThatFails_isTheModelsFailure() async {
        let error = await #expect(throws: MillraceError.self) { try await embedder(OpenAIScriptedTransport()).embed(["a"], for: .query) }
        #expect(error?.code == .modelError && error?.isRetryable == true)
    }

    @Test func cancelBetweenBatches_stops() async {
        let transport = OpenAIScriptedTransport(answer(["[1]"]))
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await embedder(transport).embed(["a"], for: .document)
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(transport.requests.isEmpty)
    }
}
