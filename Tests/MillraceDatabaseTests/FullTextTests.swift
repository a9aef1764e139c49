import MillraceCore
import MillraceDatabase
import Testing

@Suite struct FullTextTests {
    private static func tokens(_ text: String, _ kind: FullTextTokens, _ fullText: FullText) throws -> [(Range<Int>, String)] {
        var tokens: [(Range<Int>, String)] = []
        try Array(text.utf8).withUnsafeBufferPointer { bytes in
            try fullText.tokenize(bytes, into: kind) { place, token in tokens.append((place, String(decoding: token, as: UTF8.self))) }
        }
        return tokens
    }

    @Test func text_isSplitAlike_intoWordsAndStems() throws {
        try SQLiteSessionTests.withSession { session, _ in
            let fullText = try session.fullText()
            let text = "🌾 Running, the Mïlls' (ÉTÉ) x_y\0z"
            let words = try Self.tokens(text, .words, fullText)
            let stems = try Self.tokens(text, .stems, fullText)
            #expect(words.map(\.1) == ["running", "the", "mills", "ete", "x", "y", "z"])
            #expect(stems.map(\.1) == ["run", "the", "mill", "et", "x", "y", "z"])
            #expect(words.map(\.0) == stems.map(\.0))
            let letters = try Self.tokens(text, .letters, fullText)
            #expect(letters.map(\.1) == ["running", "the", "mïlls", "été", "x", "y", "z"])
            #expect(letters.map(\.0) == words.map(\.0))
            // Places are alike for accents that stand apart, too: a query's words are compared place by place.
            let apart = "e\u{301}te\u{301} \u{301} \u{301}x a\u{327}\u{301}b"
            #expect(try Self.tokens(apart, .letters, fullText).map(\.0) == Self.tokens(apart, .words, fullText).map(\.0))
            let bytes = Array(text.utf8)
            #expect(words.map { String(decoding: bytes[$0.0], as: UTF8.self) } == ["Running", "the", "Mïlls", "ÉTÉ", "x", "y", "z"])
            #expect(try Self.tokens("", .stems, fullText).isEmpty && Self.tokens(" .,;", .words, fullText).isEmpty)
        }
    }

    @Test func scan_givesCountsLengthsAndStatistics_ofTheRowsThatAreWanted() throws {
        try SQLiteSessionTests.withSession { session, _ in
            try session.connection.execute("CREATE VIRTUAL TABLE t USING fts5(a, b, content = '', tokenize = 'unicode61')")
            for (row, (a, b)) in [("x y", "x"), ("y", ""), ("x x x", "z y x"), ("", "y")].enumerated() {
                try session.execute("INSERT INTO t (rowid, a, b) VALUES (?, ?, ?)", row + 1, a, b)
            }
            var rows: [FullTextRow] = []
            let expression = #"a : "x" AND (b : "x" OR a : "x y")"#
            try session.fullText().scan("t", expression, on: session, isWanted: { $0 != 1 }, check: {}) { rows.append($0) }
            #expect(rows.map(\.row) == [3])
            #expect(rows.first?.counts == [3, 1, 0] && rows.first?.lengths == [3, 3])
            let expected = FullTextStatistics(rowCount: 4, averageLengths: [1.5, 1.25], rowsWithPhrase: [2, 2, 1])
            #expect(rows.first?.statistics == expected)
            rows = []
            try session.fullText().scan("t", #"b : "y""#, on: session, isWanted: { _ in true }, check: {}) { rows.append($0) }
            #expect(rows.map(\.row) == [3, 4] && rows.first?.statistics.rowsWithPhrase == [2])
        }
    }

    @Test func scanThatFailsOrIsEnded_leavesTheNextOneAlone() throws {
        try SQLiteSessionTests.withSession { session, _ in
            try session.connection.execute("CREATE VIRTUAL TABLE t USING fts5(a, content = '')")
            try session.begin()
            for row in 0..<5000 { try session.execute("INSERT INTO t (rowid, a) VALUES (?, 'x')", row) }
            try session.commit()
            let fullText = try session.fullText()
            #expect(throws: MillraceError.self) {
                try fullText.scan("t", #""unclosed"#, on: session, isWanted: { _ in true }, check: {}) { _ in }
            }
            var seen = 0
            #expect {
                try fullText.scan(
                    "t", "x", on: session, isWanted: { _ in true },
                    check: { () throws(MillraceError) in
                        throw MillraceError(.cancelled, "enough")
                    }
                ) { _ in seen += 1 }
            } throws: { ($0 as? MillraceError)?.code == .cancelled }
            #expect(seen == 4096)
            seen = 0
            try fullText.scan("t", "x", on: session, isWanted: { _ in true }, check: {}) { _ in seen += 1 }
            #expect(seen == 5000)
        }
    }
}
