import Testing

@testable import MillraceBackends

/// Scalar classes are those of Unicode 16, whatever the toolchain's version.
@Suite struct ScalarClassTableTests {
    @Test(
        arguments: [
            ("A", .upper), ("ǅ", .upper), ("z", .lower), ("ß", .lower), ("ʰ", .caseless), ("字", .caseless), ("ª", .caseless),
            ("\u{301}", .mark), ("\u{903}", .mark), ("\u{20DD}", .mark), ("\u{E0100}", .mark), ("7", .number), ("٣", .number),
            ("Ⅷ", .number),
            ("½", .number), (" ", .space), ("\u{85}", .space), ("\u{A0}", .space), ("\u{3000}", .space), ("\n", [.space, .newline]),
            ("\r", [.space, .newline]), ("\u{200B}", []), ("!", []), ("🙂", []), ("\u{E000}", []), ("\u{10FFFF}", []),
            ("\u{323AF}", .caseless),
        ] as [(Unicode.Scalar, ScalarClass)])
    func scalar_hasTheClassOfItsCategory(scalar: Unicode.Scalar, expected: ScalarClass) {
        #expect(ScalarClassTable.shared[scalar] == expected)
    }

    /// Letters, marks and numbers that Unicode 17 added, and the one letter that it moved.
    @Test func scalarOfALaterUnicode_isUnassigned() {
        for scalar in ["\u{88F}", "\u{1ACF}", "\u{A7CE}", "\u{11DE0}", "\u{16EA0}", "\u{323B0}"] as [Unicode.Scalar] {
            #expect(ScalarClassTable.shared[scalar] == [])
        }
        #expect(ScalarClassTable.shared["\u{295}"] == .lower)
    }

    @Test func asciiCharacter_hasTheSameClassByItsByte() {
        for byte in UInt8(0)..<128 { #expect(ScalarClassTable.shared[ascii: byte] == ScalarClassTable.shared[Unicode.Scalar(byte)]) }
    }
}
