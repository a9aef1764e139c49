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

    @Test(arguments: ["The tenant pays the rent.", "水車は川の水で回る", "x", "xqzzy"]) func vectors_haveTheLengthOne(text: String) async throws {
        #expect(embedder.dimensions == 384)
        let vector = try await embedder.embed([text], for: .query).vectors[0]
        #expect(vector.count == 384)
        #expect(abs(vector.reduce(0) { $0 + $1 * $1 } - 1) < 1e-5)
    }

    @Test(arguments: [
        ("How expensive is the car?", "The price of an automobile", "A festival of music"),
        ("My stomach hurts", "Pain in the belly", "The belt of a machine"),
        ("The ship sank in a storm", "A vessel was lost at sea", "The shop was closed on Monday"),
        ("encrypt a password", "secret key cryptography", "compress a picture"),
    ]) func textsOfOneMeaning_areCloser_withoutAWordInCommon(text: String, close: String, other: String) async throws {
        #expect(try await similarity(text, close) > 0.15 + similarity(text, other))
    }

    @Test func rareWords_countMore() async throws {
        let question = "Which setting of the zeppelin is wrong?"
        let (rare, common) = ("A zeppelin in the sky over the town", "Which setting of the system is wrong?")
        #expect(try await similarity(question, rare) > 0.3)
        let flight =
            try await similarity("the number of the zeppelin", "the zeppelin") - similarity("the number of the zeppelin", "the number")
        #expect(flight > 0.2)
        // All but one word in common, and yet no closer than two thirds.
        #expect(try await similarity(question, common) < 0.66)
    }

    /// A typo of a known word is another word but for its spelling.
    @Test func typos_areCloseByTheirSpelling() async throws {
        let typo = try await similarity("misspelled sentence", "mispelled sentense")
        let other = try await similarity("misspelled sentence", "government of the people")
        #expect(typo > 0.03 + other)
    }

    /// Accents may stand apart from their letters, and what else is embedded in the same call changes nothing.
    @Test func accents_areOneHoweverTheyAreWritten() async throws {
        let (composed, apart) = ("caf\u{E9} d\u{E9}j\u{E0}", "cafe\u{301} de\u{301}ja\u{300}")
        let together = try await embedder.embed([composed, apart], for: .document).vectors
        let alone = try await embedder.embed([apart], for: .document).vectors
        #expect(together[0] == together[1] && alone[0] == together[0])
    }

    /// What is no text takes no longer than text does.
    @Test(arguments: ["a'", "x", "日", "! ", "ab c1 ", "\u{301}"]) func hostileTexts_areEmbeddedToo(piece: String) async throws {
        let text = String(repeating: piece, count: 300_000 / piece.utf8.count)
        let blocking = try BlockingExecutor(name: "embed", threads: 1)
        defer { blocking.stop() }
        #expect(try await LocalEmbedder(blocking: blocking).embed([text], for: .document).vectors[0].count == 384)
    }

    /// Function words of other languages would else count as rare words.
    @Test func stopWordsOfOtherLanguages_countNothing() async throws {
        let question = "Wie lange ist die Garantie auf den Akku?"
        let answer = "Die Garantie beträgt zwei Jahre."
        let other = "Wie ist die Farbe, die wir auf den Plänen sehen?"
        #expect(try await similarity(question, answer) > 0.1 + similarity(question, other))
        #expect(StopWordLanguage.most(of: ["wie", "lange", "ist", "die", "garantie"]).contains("ist"))
        #expect(StopWordLanguage.most(of: ["combien", "de", "temps", "dure", "la", "garantie", "de", "ce"]).contains("la"))
        #expect(StopWordLanguage.most(of: ["how", "long", "is", "the", "warranty"]).isEmpty)
        #expect(StopWordLanguage.most(of: ["dog", "bites", "man"]).isEmpty)
        #expect(StopWordLanguage.most(of: []).isEmpty)
    }

    @Test func closeTexts_areCloserThanOthers() async throws {
        let question = "How much is the deposit for the flat?"
        let answer = "The deposit is three months' rent and is kept until the flat is returned."
        let others = [
            "The landlord repairs the heating.", "Bread is baked at two hundred degrees.", "Der Mieter streicht die Wände.", "水車は川の水で回る。",
        ]
        let close = try await similarity(question, answer)
        for other in others { #expect(try await similarity(question, other) < close) }
        #expect(try await similarity("readyStateChanged", "readyStateChange") > 0.2)
        #expect(try await similarity("水車は川の水で回る", "川の水車") > 0.3)
        #expect(abs(try await similarity(answer, answer) - 1) < 1e-5)
    }

    @Test func theOrderOfWords_countsALittle() async throws {
        let same = try await similarity("dog bites man today", "man bites dog today")
        #expect(same < 0.999 && same > 0.6)
    }

    @Test(arguments: ["!!!", "the of and", " ", "🎉", "a"]) func textsWithoutTerms_haveAVectorToo(text: String) async throws {
        let vector = try await embedder.embed([text], for: .document).vectors[0]
        #expect(abs(vector.reduce(0) { $0 + $1 * $1 } - 1) < 1e-5)
    }

    @Test func theVector_isTheSameInEveryProcess() async throws {
        let vector = try await embedder.embed(["A millrace brings water to the wheel."], for: .document).vectors[0]
        let rounded = (vector.prefix(8) + vector[256...].filter { $0 != 0 }.prefix(8)).map { Int(($0 * 1000).rounded()) }
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

    private static let recorded = [5, -71, 13, -14, -73, 59, 43, -25, 62, 179, 41, -185, -62, -50, -40, -50]
}
