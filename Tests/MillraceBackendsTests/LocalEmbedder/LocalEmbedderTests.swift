import Millrace
import MillraceCore
import Testing

@testable import MillraceBackends

@Suite struct LocalEmbedderTests {
    let embedder = LocalEmbedder()

    private func similarity(_ left: String, _ right: String) async throws -> Float {
        let vectors = try await embedder.embed([left, right], for: .document).vectors
        return zip(vectors[0], vectors[1]).reduce(0) { $0 + $1.0 * $1.1 }
    }

    @Test func vectors_haveTheLengthAsked_andLengthOne() async throws {
        for dimensions in [16, 512, 1000] {
            let embedder = LocalEmbedder(dimensions: dimensions)
            #expect(embedder.dimensions == dimensions)
            let vector = try await embedder.embed(["The tenant pays the rent."], for: .query).vectors[0]
            #expect(vector.count == dimensions)
            #expect(abs(vector.reduce(0) { $0 + $1 * $1 } - 1) < 1e-5)
        }
    }

    @Test func closeTexts_areCloserThanOthers() async throws {
        let question = "How much is the deposit for the flat?"
        let answer = "The deposit is three months' rent and is kept until the flat is returned."
        let others = [
            "The landlord repairs the heating.", "Bread is baked at two hundred degrees.", "Der Mieter streicht die Wände.", "水車は川の水で回る。",
        ]
        let close = try await similarity(question, answer)
        for other in others { #expect(try await similarity(question, other) < close) }
        #expect(try await similarity("misspelled sentence", "mispelled sentense") > 0.1)
        #expect(try await similarity("水車は川の水で回る", "川の水車") > 0.3)
        #expect(abs(try await similarity(answer, answer) - 1) < 1e-5)
    }

    @Test func theOrderOfWords_countsALittle() async throws {
        let same = try await similarity("dog bites man today", "man bites dog today")
        #expect(same < 0.99 && same > 0.6)
    }

    @Test(arguments: ["!!!", "the of and", " ", "🎉", "a"]) func textsWithoutTerms_haveAVectorToo(text: String) async throws {
        let vector = try await embedder.embed([text], for: .document).vectors[0]
        #expect(abs(vector.reduce(0) { $0 + $1 * $1 } - 1) < 1e-5)
    }

    @Test func theVector_isTheSameInEveryProcess() async throws {
        let vector = try await LocalEmbedder(dimensions: 16).embed(["A millrace brings water to the wheel."], for: .document).vectors[0]
        let rounded = vector.map { Int(($0 * 1000).rounded()) }
        #expect(rounded == Self.recorded)
    }

    @Test func anEmptyText_isRefused_andNoTextsGiveNoVectors() async throws {
        await #expect(throws: MillraceError.self) { try await embedder.embed(["a", ""], for: .document) }
        #expect(try await embedder.embed([], for: .document).vectors.isEmpty)
    }

    @Test func muchText_leavesTheCallersThread() async throws {
        let blocking = try BlockingExecutor(name: "embed", threads: 1)
        defer { blocking.stop() }
        let texts = Array(repeating: String(repeating: "words of a long text ", count: 500), count: 20)
        let apart = try await LocalEmbedder(blocking: blocking).embed(texts, for: .document)
        #expect(apart == (try await embedder.embed(texts, for: .document)))
    }

    private static let recorded = [-76, -404, 202, 90, 655, 90, -382, -271, 0, -90, -76, -90, 0, 90, -292, -104]
}
