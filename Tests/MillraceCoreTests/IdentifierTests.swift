import MillraceCore
import Testing

@Suite struct IdentifierTests {
    private static func time(_ milliseconds: Int64) -> Timestamp { Timestamp(microseconds: milliseconds * 1000) }

    @Test func identifier_hasThePrefix_andOnlyCharactersOfItsAlphabet() {
        let made = Identifier.make(prefix: "r")
        #expect(made.hasPrefix("r_") && made.utf8.count == 28)
        #expect(made.dropFirst(2).allSatisfy { "0123456789abcdefghjkmnpqrstvwxyz".contains($0) }, "\(made)")
    }

    /// The example of ULID's specification: 1,469,922,850,259 ms are 01ARZ3NDEK… there.
    @Test(
        arguments: [
            (0, "0000000000"), (31, "000000000z"), (32, "0000000010"), (1_469_922_850_259, "01arz3ndek"), ((1 << 50) - 1, "zzzzzzzzzz"),
            (-5, "0000000000"),
        ])
    func time_standsInFront(milliseconds: Int64, text: String) {
        #expect(Identifier.make(prefix: "m", at: Self.time(milliseconds)).dropFirst(2).prefix(10) == text)
    }

    @Test func laterOnes_sortBehind() {
        let times: [Int64] = [1, 31, 32, 33, 1023, 1024, 1_700_000_000_000, 1_700_000_000_001, 1_800_000_000_000]
        let made = times.map { Identifier.make(prefix: "r", at: Self.time($0)) }
        #expect(made == made.sorted())
    }

    @Test func thoseOfOneMillisecond_differInMuch() {
        let made = (0..<1000).map { _ in Identifier.make(prefix: "r", at: Self.time(1)).dropFirst(12) }
        #expect(Set(made).count == 1000)
        // Each of the sixteen places takes many values.
        for place in 0..<16 { #expect(Set(made.map { Array($0.utf8)[place] }).count >= 8, "place \(place)") }
    }
}
