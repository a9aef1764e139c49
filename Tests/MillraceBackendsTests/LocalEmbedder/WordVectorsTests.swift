import Testing

@testable import MillraceBackends

@Suite struct WordVectorsTests {
    private let vectors = WordVectors.english

    private func place(_ stem: String) -> Int? { vectors.place(of: WordHash.of(stem.utf8)) }

    /// The script that makes the file and the code that reads it have the same hash, stemmer and order.
    @Test func commonWords_areThere_byTheirStems() {
        #expect(vectors.count == 20_000)
        #expect(vectors.dimensions == 256)
        for stem in ["water", "hous", "happi", "govern", "comput", "citi"] { #expect(place(stem) != nil, "\(stem)") }
        for word in ["happiness", "qzzyxv", ""] { #expect(place(word) == nil, "\(word)") }
    }

    @Test func everyHash_isFoundAtItsPlace() {
        #expect((0..<vectors.count).allSatisfy { vectors.place(of: vectors.hash(at: $0)) == $0 })
        #expect(vectors.place(of: 0) == nil)
        #expect(vectors.place(of: .max) == nil)
    }

    @Test func rarity_isThatOfTexts() throws {
        let (use, zebra) = (try #require(place("us")), try #require(place("zebra")))
        #expect(vectors.rarity(at: use) < 4)
        #expect(vectors.rarity(at: zebra) > 7)
        // Less than what counts for words that are not there.
        #expect(vectors.rarity(at: zebra) < EmbeddedTerm.rarityOfOthers)
    }

    @Test func rows_haveTheLengthTheyAreGiven() throws {
        var sum = [Float](repeating: 0, count: vectors.dimensions)
        vectors.add(try #require(place("water")), weight: 3, to: &sum)
        #expect(abs(sum.reduce(0) { $0 + $1 * $1 } - 9) < 1e-3)
    }

    @Test func triples_haveEndsOfWords_andShortWordsHaveNone() {
        #expect(LetterTriples(Array("mill".utf8)).map { String(decoding: $0, as: UTF8.self) } == ["^mi", "mil", "ill", "ll$"])
        #expect(Array(LetterTriples(Array("end".utf8))).isEmpty)
        #expect(LetterTriples(Array(repeating: 0x61, count: 1_000_000)).count == 64)
    }
}
