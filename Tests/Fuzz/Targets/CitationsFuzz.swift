@testable import Millrace

extension FuzzTarget {
    /// A source and, behind its first zero byte, a model's text: cut anywhere it says the same, and what is cited stands in the source.
    static let citations = FuzzTarget("citations") { (bytes) throws(Disagreement) in
        let parts = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
        let source = parts[0]
        let text = parts.count > 1 ? parts[1] : source
        let passage = CollectionPassage(documentID: "d", place: 0, text: source, title: "t", source: "s")
        let sources = RetrievedSources(
            RetrievalResults(
                sources: [RetrievedSource(number: 1, passages: [passage], score: 1)], mode: .keyword, notices: [], isCollectionEmpty: false)
        )

        let whole = reading([text], of: sources)
        let scalars = text.unicodeScalars.map { String($0) }
        try expectEqual(reading(scalars, of: sources), whole, "a text character by character")
        // All cuts of a long text would take too long; a prime step comes to each place of a marker in some input.
        for cut in stride(from: 1, to: scalars.count, by: scalars.count > 400 ? 37 : 1) {
            try expectEqual(
                reading([scalars[..<cut].joined(), scalars[cut...].joined()], of: sources), whole, "a text that is cut at \(cut)")
        }
        // Quotes without markers: the same, and all that is text stays.
        let quoting = reading([text], of: sources, verbatimWords: 3)
        try expectEqual(reading(scalars, of: sources, verbatimWords: 3), quoting, "a text that quotes, character by character")
        for cut in stride(from: 1, to: scalars.count, by: scalars.count > 400 ? 41 : 3) {
            let pieces = [scalars[..<cut].joined(), scalars[cut...].joined()]
            try expectEqual(reading(pieces, of: sources, verbatimWords: 3), quoting, "a text that quotes, cut at \(cut)")
        }
        for case .citation(let citation) in whole + quoting {
            try expect(!citation.text.isEmpty && stands(citation.text, in: source), "'\(citation.text)' is cited and does not stand there")
        }
        if !text.utf8.contains(UInt8(ascii: "<")) {
            try expectEqual(whole, text.isEmpty ? [] : [.text(text)], "a text without markers")
            let length = quoting.reduce(0) { sum, piece in
                switch piece {
                case .text(let text): sum + text.unicodeScalars.count
                case .citation: sum - " [1]".unicodeScalars.count
                }
            }
            try expectEqual(length, scalars.count, "the length of a text that quotes")
        }
        if let found = QuotableText(source).find(text) {
            let bytes = Array(source.utf8)
            try expect(
                found.offset + found.text.utf8.count <= bytes.count && bytes[found.offset...].starts(with: found.text.utf8),
                "'\(found.text)' does not stand at \(found.offset)")
        }
    }

    private static func stands(_ quote: String, in source: String) -> Bool {
        SubsequenceSearch(Array(quote.utf8)).first(in: Array(source.utf8), where: { _ in true }) != nil
    }

    /// What becomes of the pieces, neighbouring texts joined.
    private static func reading(_ pieces: [String], of sources: RetrievedSources, verbatimWords: Int = 0) -> [CitationStream.Piece] {
        var stream = CitationStream(sources, verbatimWords: verbatimWords)
        var joined: [CitationStream.Piece] = []
        for piece in pieces.flatMap({ stream.receive($0) }) + stream.finish() {
            if case .text(let more) = piece, case .text(let before)? = joined.last {
                joined[joined.count - 1] = .text(before + more)
            } else {
                joined.append(piece)
            }
        }
        return joined
    }
}
