import Millrace
import MillraceCore
import MillraceCounterparts
import MillraceHTTPClient
import Testing

@testable import MillraceBackends

@Suite(.ownThreads) struct BedrockEmbedderTests {
    private static let titan = "amazon.titan-embed-text-v2:0"

    private func embed(
        _ texts: [String], model: String = Self.titan, purpose: EmbeddingPurpose = .document, key: String = "AKIATEST",
        _ change: @escaping @Sendable (inout BedrockEmbedderOptions) -> Void = { _ in }
    ) async throws -> Result<Embeddings, any Error>? {
        guard let server = try BedrockServer.shared() else { return nil }
        return try await onLoop {
            var options = BedrockEmbedderOptions()
            change(&options)
            do {
                let embedder = try BedrockEmbedder(model: model, client: server.client(key: key), region: "us-east-1", options: options)
                return .success(try await embedder.embed(texts, for: purpose))
            } catch { return .failure(error) }
        }
    }

    private static func similarity(_ left: [Float], _ right: [Float]) -> Float { zip(left, right).map(*).reduce(0, +) }

    @Test(arguments: [
        (titan, nil as Int?, 1_024), (titan, 256, 256), ("cohere.embed-english-v3", nil, 1_024), ("cohere.embed-v4:0", nil, 1_536),
        ("cohere.embed-v4:0", 512, 512),
    ])
    func vectors_haveTheirLengthAndOrder(model: String, dimensions: Int?, length: Int) async throws {
        // More than a batch of Cohere's.
        let texts = (0..<100).map { "text number \($0)" }
        guard let answer = try await embed(texts, model: model, { $0.dimensions = dimensions })?.get() else { return }
        #expect(answer.vectors.count == 100 && answer.vectors.allSatisfy { $0.count == length })
        #expect(answer.modelID == model)
        let tokens = texts.map { ($0.utf8.count + 3) / 4 }.reduce(0, +)
        #expect(answer.usage == Usage(promptTokens: tokens, totalTokens: tokens))
        let alone = try #require(try await embed(["text number 97"], model: model) { $0.dimensions = dimensions }).get()
        #expect(Self.similarity(alone.vectors[0], answer.vectors[97]) > 0.999)
        #expect(Self.similarity(alone.vectors[0], answer.vectors[3]) < 0.999)
    }

    @Test func noTexts_giveNoVectors() async throws {
        guard let answer = try await embed([])?.get() else { return }
        #expect(answer.vectors.isEmpty && answer.usage == .unknown)
    }

    @Test func emptyText_isRefusedHere_andATooLongOneThere() async throws {
        guard let empty = try await embed(["a", ""]) else { return }
        #expect(#expect(throws: MillraceError.self) { try empty.get() }?.code == .invalidInput)
        let long = try #require(try await embed(["a", String(repeating: "x", count: 60_000)]))
        let error = #expect(throws: MillraceError.self) { try long.get() }
        #expect(error?.code == .modelError && error?.details["provider_error"] == "ValidationException")
    }

    @Test(arguments: [(BedrockEmbedderOptions.Truncation.none, false), (.start, true), (.end, true)])
    func longText_isCutWhereTheOptionsSay(truncation: BedrockEmbedderOptions.Truncation, passes: Bool) async throws {
        guard
            let outcome = try await embed(
                [String(repeating: "word ", count: 1_000)], model: "cohere.embed-english-v3", { $0.truncation = truncation })
        else { return }
        #expect(((try? outcome.get()) != nil) == passes)
    }

    @Test func requests_areTheModelsOwn() {
        var options = BedrockEmbedderOptions()
        func body(_ family: BedrockEmbedderOptions.Family, _ text: String, _ purpose: EmbeddingPurpose, _ dimensions: Int) -> JSONValue {
            EmbeddingInvocation([text], for: purpose, family: family, dimensions: dimensions, options: options).body
        }
        #expect(body(.titanV1, "a", .query, 1_536) == ["inputText": "a"])
        options.normalizes = false
        #expect(
            body(.titanV2, "a", .query, 256) == ["inputText": "a", "dimensions": 256, "normalize": false, "embeddingTypes": ["float"]])
        #expect(
            body(.cohereV3, "a", .document, 1_024)
                == ["texts": ["a"], "input_type": "search_document", "truncate": "NONE", "embedding_types": ["float"]])
        options.truncation = .start
        #expect(
            body(.cohereV4, "a", .query, 512)
                == [
                    "texts": ["a"], "input_type": "search_query", "truncate": "LEFT", "embedding_types": ["float"], "output_dimension": 512,
                ])
        #expect(
            body(.cohereV3, "b" + String(repeating: "ä", count: 2_048), .query, 1_024)["texts"]?[0]?.string
                == String(repeating: "ä", count: 2_048))
        options.truncation = .end
        #expect(
            body(.cohereV3, String(repeating: "ä", count: 2_048) + "b", .query, 1_024)["texts"]?[0]?.string
                == String(repeating: "ä", count: 2_048))
    }

    private static let noAnswers: [(JSONValue, String)] = [
        (["embedding": [1, 2]], "2 dimensions in place of 3"), ([:], "0 embeddings"), (["embedding": "x"], "no list of numbers"),
        (["embedding": [1, 2, "x"]], "no list of numbers"), (["embedding": [1, 2, 1e300]], "no list of numbers"),
    ]

    @Test(arguments: noAnswers)
    func answerThatIsNone_isAnError(json: JSONValue, says: String) {
        let call = EmbeddingInvocation(["a"], for: .query, family: .titanV2, dimensions: 3, options: BedrockEmbedderOptions())
        let error = #expect(throws: MillraceError.self) { try call.read(json, server: "Bedrock in x") }
        #expect(error?.code == .modelError && error?.message.contains(says) == true, "\(String(describing: error))")
    }

    @Test func bareLists_areReadToo() throws {
        let call = EmbeddingInvocation(["a", "b"], for: .query, family: .cohereV3, dimensions: 1, options: BedrockEmbedderOptions())
        #expect(try call.read(["embeddings": [[1], [2]]], server: "s").vectors == [[1], [2]])
        let titan = EmbeddingInvocation(["a"], for: .query, family: .titanV2, dimensions: 1, options: BedrockEmbedderOptions())
        let answer = try titan.read(["embeddingsByType": ["float": [3]], "inputTextTokenCount": 7], server: "s")
        #expect(answer.vectors == [[3]] && answer.tokens == 7)
    }

    @Test(arguments: [
        ("meta.llama3", nil as Int?, 4, "set family"), (titan, 300, 4, "1024, 512, 256"), (titan, nil, 0, "concurrency"),
        ("cohere.embed-english-v3", 256, 4, "1024"),
    ])
    func wrongOptions_areRefused(model: String, dimensions: Int?, concurrency: Int, says: String) async throws {
        guard
            let outcome = try await embed(
                ["a"], model: model,
                { options in
                    options.dimensions = dimensions
                    options.concurrency = concurrency
                })
        else { return }
        let error = #expect(throws: MillraceError.self) { try outcome.get() }
        #expect(error?.code == .configuration && error?.message.contains(says) == true, "\(String(describing: error))")
    }

    @Test func calls_runWithinTheBound_andTheFirstFailureEndsThem() async throws {
        guard let server = try BedrockServer.shared() else { return }
        let (failure, seen) = try await onLoop {
            let embedder = try BedrockEmbedder(model: Self.titan, client: server.client(), region: "us-east-1")
            var texts = (0..<40).map { "text \($0) [[tag:embed-bound]]" }
            texts[0] = "[[fail:AccessDeniedException]] [[tag:embed-bound]]"
            var failure: MillraceError?
            do { _ = try await embedder.embed(texts, for: .document) } catch { failure = error as? MillraceError }
            return (failure, try await server.observations(tag: "embed-bound"))
        }
        #expect(failure?.details["provider_error"] == "AccessDeniedException")
        #expect(seen.count < 40)
    }

    @Test func cancel_endsAllCalls() async throws {
        guard let server = try BedrockServer.shared() else { return }
        let (error, seen) = try await onLoop {
            let call = Task { () -> (any Error)? in
                let embedder = try BedrockEmbedder(model: Self.titan, client: server.client(), region: "us-east-1")
                do { _ = try await embedder.embed((0..<9).map { "\($0) [[stall]] [[tag:embed-cancel]]" }, for: .query) } catch {
                    return error
                }
                return nil
            }
            while try await server.observations(tag: "embed-cancel", count: 4).count < 4 {}
            call.cancel()
            return (try await call.value, try await server.observations(tag: "embed-cancel", outcome: "closed", count: 4))
        }
        #expect(error is CancellationError)
        // Four at once, and no more than these.
        #expect(seen.count == 4)
    }
}
