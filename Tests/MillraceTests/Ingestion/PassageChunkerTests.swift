import Millrace
import Testing

@Suite struct PassageChunkerTests {
    private typealias Passage = PassageChunker.Passage

    private static func settings(_ characters: Int, _ overlap: Int) -> PassageChunker.Settings {
        var settings = PassageChunker.Settings()
        settings.characters = characters
        settings.overlap = overlap
        return settings
    }

    private static func passages(_ pieces: [DocumentPiece], _ settings: PassageChunker.Settings = .init()) -> [Passage] {
        var chunker = PassageChunker(settings)
        return pieces.flatMap { chunker.receive($0) } + chunker.finish()
    }

    // MARK: Generated documents

    /// Numbers that are the same in every run (George Marsaglia, "Xorshift RNGs", 2003).
    private struct Generator: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state
        }
    }

    private static let words = [
        "mill", "the", "Müller", "日本語です。", "e\u{301}e\u{301}", "\u{1F600}", "well-known", "3.14", "end.", "really?", "(so.)", "a",
        String(repeating: "x", count: 130),
    ]

    /// Pages, headings, paragraphs, tables and lines of any length.
    private static func document(_ seed: UInt64) -> [DocumentPiece] {
        var random = Generator(state: seed &* 0x9E37_79B9_7F4A_7C15 | 1)
        var pieces: [DocumentPiece] = []
        var position = DocumentPosition()
        let hasPages = Bool.random(using: &random)
        let hasLines = !hasPages
        var line = 1
        for block in 0..<Int.random(in: 1...15, using: &random) {
            if hasPages, Int.random(in: 0..<4, using: &random) == 0 { position.page = (position.page ?? 0) + 1 }
            let isHeading = Int.random(in: 0..<4, using: &random) == 0
            if isHeading { position.section = ["Heading \(block)"] }
            var text = isHeading ? "Heading \(block)" : ""
            if !isHeading {
                for _ in 0..<Int.random(in: 0...40, using: &random) {
                    text += words.randomElement(using: &random) ?? ""
                    text += [" ", " ", " ", "\n", "", "\t", "\n\n", "  "].randomElement(using: &random) ?? ""
                }
            }
            text += "\n"
            var piece = DocumentPiece(text: text, kind: isHeading ? .heading : .text, position: position)
            if !isHeading, Int.random(in: 0..<5, using: &random) == 0 { piece.kind = .table }
            if hasLines {
                let feeds = text.unicodeScalars.count { $0 == "\n" }
                piece.position.lines = line...line + feeds - 1
                line += feeds
            }
            pieces.append(piece)
        }
        return pieces
    }

    /// A piece cut in two, each with its own lines.
    private static func cut(_ piece: DocumentPiece, at count: Int) -> [DocumentPiece] {
        let scalars = Array(piece.text.unicodeScalars)
        func part(_ range: Range<Int>, from line: Int?) -> DocumentPiece {
            var view = String.UnicodeScalarView()
            view.append(contentsOf: scalars[range])
            var part = piece
            part.text = String(view)
            if let line { part.position.lines = line...line + scalars[range].dropLast().count { $0 == "\n" } }
            return part
        }
        let first = piece.position.lines?.lowerBound
        let second = first.map { $0 + scalars[..<count].count { $0 == "\n" } }
        return [part(0..<count, from: first), part(count..<scalars.count, from: second)].filter { !$0.text.isEmpty }
    }

    private static let bounds = [(100, 25), (100, 0), (240, 40), (1200, 150)]

    @Test(arguments: 1...20) func passages_areTheText_boundedAndOnOnePage(seed: Int) {
        let pieces = Self.document(UInt64(seed))
        let scalars = pieces.flatMap { Array($0.text.unicodeScalars) }
        for (characters, overlap) in Self.bounds {
            let passages = Self.passages(pieces, Self.settings(characters, overlap))
            var end = 0
            var lost = 0..<0
            for passage in passages {
                #expect(Array(passage.text.unicodeScalars) == Array(scalars[passage.range]), "a passage is a part of the text")
                #expect((1...characters).contains(passage.range.count))
                if passage.range.lowerBound > end { lost = end..<passage.range.lowerBound }
                #expect(scalars[lost].allSatisfy { $0.properties.isWhitespace }, "nothing is lost between passages")
                #expect(passage.range.upperBound > end, "each passage goes further")
                #expect(end - passage.range.lowerBound <= overlap)
                end = passage.range.upperBound
            }
            #expect(scalars[end...].allSatisfy { $0.properties.isWhitespace })
            // All of a passage stands where it says.
            let pages = pieces.flatMap { piece in piece.text.unicodeScalars.map { _ in piece.position.page } }
            var lines = [1]
            for scalar in scalars { lines.append(lines[lines.count - 1] + (scalar == "\n" ? 1 : 0)) }
            for passage in passages {
                #expect(pages[passage.range].allSatisfy { $0 == passage.position.page })
                guard pieces[0].position.lines != nil else { continue }
                #expect(passage.position.lines == lines[passage.range.lowerBound]...lines[passage.range.upperBound - 1])
            }
        }
    }

    @Test(arguments: 1...4) func pieces_mayBeCutAnywhere(seed: Int) {
        let pieces = Self.document(UInt64(seed))
        for (characters, overlap) in Self.bounds {
            let settings = Self.settings(characters, overlap)
            let whole = Self.passages(pieces, settings)
            let single = pieces.flatMap { piece in
                var (rest, parts) = (piece, [] as [DocumentPiece])
                while rest.text.unicodeScalars.count > 1 {
                    let cut = Self.cut(rest, at: 1)
                    parts.append(cut[0])
                    rest = cut[1]
                }
                return parts + [rest]
            }
            #expect(Self.passages(single, settings) == whole)
            for index in pieces.indices {
                let count = pieces[index].text.unicodeScalars.count
                for place in stride(from: 1 + index % 5, to: count, by: 61) {
                    var parts = pieces
                    parts.replaceSubrange(index...index, with: Self.cut(pieces[index], at: place))
                    #expect(Self.passages(parts, settings) == whole, "\(seed): \(index) at \(place)")
                }
            }
        }
    }

    // MARK: Where cuts are

    private static func text(_ text: String, _ kind: DocumentPiece.Kind = .text, page: Int? = nil, section: [String] = []) -> DocumentPiece
    {
        DocumentPiece(text: text, kind: kind, position: DocumentPosition(page: page, section: section))
    }

    @Test func headings_beginPassages_andShortSectionsGoTogether() {
        let long = String(repeating: "A sentence of the text. ", count: 20) + "\n"
        let pieces = [
            Self.text("One\n", .heading, section: ["One"]), Self.text(long, section: ["One"]),
            Self.text("Two\n", .heading, section: ["Two"]), Self.text("Short.\n", section: ["Two"]),
            Self.text("Three\n", .heading, section: ["Three"]), Self.text(long, section: ["Three"]),
        ]
        let passages = Self.passages(pieces)
        #expect(passages.map(\.position.section) == [["One"], ["Two"]])
        // What stands in the third can be said to stand there.
        #expect(passages.map(\.sections) == [[], [SectionStart(offset: "Two\nShort.\n".utf8.count, section: ["Three"])]])
        #expect(passages[1].text.hasPrefix("Two\nShort.\nThree\nA sentence"))
    }

    @Test func heading_staysWithWhatFollows() {
        // The heading would end the passage; it begins the next one.
        let before = String(repeating: "x ", count: 10)
        let heading = String(repeating: "Heading ", count: 11)
        let pieces = [
            Self.text(before), Self.text(heading + "\n", .heading, section: ["H"]), Self.text(String(repeating: "body ", count: 30)),
        ]
        let passages = Self.passages(pieces, Self.settings(100, 20))
        #expect(passages[1].text.hasPrefix("Heading") && passages[1].text.contains("body"), "\(passages.map(\.text))")
    }

    @Test func pages_areNeverMixed() {
        let pieces = [1, 2, 3].map { (page: Int) in
            DocumentPiece(text: "Page \(page) is short", position: DocumentPosition(page: page))
        }
        #expect(Self.passages(pieces).map(\.text) == ["Page 1 is short", "Page 2 is short", "Page 3 is short"])
        #expect(Self.passages(pieces).map(\.position.page) == [1, 2, 3])
    }

    @Test func longText_endsAtSentences_andRepeatsTheLast() {
        let sentences = (10..<40).map { "This is the sentence with the number \($0)." }
        let passages = Self.passages([Self.text(sentences.joined(separator: " "))], Self.settings(200, 50))
        #expect(passages.allSatisfy { $0.text.hasPrefix("This is") && $0.text.hasSuffix(".") }, "\(passages.map(\.text))")
        for (one, next) in zip(passages, passages.dropFirst()) {
            #expect(one.range.upperBound - next.range.lowerBound == 40, "one sentence is in both")
        }
    }

    @Test func table_isCutBetweenRows_andTheRowsAreCounted() {
        let rows = (1...40).map { "cell. \($0)\tvalue of the row" }
        var piece = Self.text(rows.joined(separator: "\n") + "\n", .table)
        piece.position.rows = 1...40
        let passages = Self.passages([piece], Self.settings(200, 0))
        for passage in passages {
            let lines = passage.text.split(separator: "\n").map(String.init)
            let range = passage.position.rows ?? 0...0
            #expect(lines == range.map { rows[$0 - 1] })
        }
    }

    @Test func rowsThatCannotBeCounted_areThoseOfThePiece() {
        var piece = Self.text("a\nb\n", .table)
        piece.position.sheet = "S"
        piece.position.rows = 1...9
        #expect(Self.passages([piece]).first?.position.rows == 1...9)
    }

    @Test(arguments: ["", " \n\t\n", "\u{2003}"]) func whiteSpace_isNoPassage(text: String) {
        #expect(Self.passages([Self.text(text), Self.text(text, .heading)]).isEmpty)
    }
}
