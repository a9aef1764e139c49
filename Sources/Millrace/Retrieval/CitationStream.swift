import MillraceCore

/// Verifies what a model's text cites, as it streams.
///
/// A model marks a quote with `<cite ref="2">words of the source</cite>`, where 2 is a source's number. The marker is held back until its
/// quote was looked for in that source. One that stands there, but for white space and kinds of quotation marks, becomes `[2]` in the text
/// and a ``Citation`` with the words as they stand in the source and the place at which they do. Any other is left out, with its quote:
/// nothing that was not verified is shown as a quote. Citations that a model gives by other means are looked for in the same way. A sentence
/// without any that repeats enough words of a source, one behind the other, gets one if that is asked for (`verbatimWords`).
///
/// A pure value; ``CitingLanguageModel`` puts it around a model.
public struct CitationStream: Sendable {
    /// What goes on to readers.
    public enum Piece: Equatable, Sendable {
        /// Text.
        case text(String)
        /// A citation that was verified; it backs the text before it.
        case citation(Citation)
    }

    /// How many citations were verified.
    public private(set) var verifiedCount: Int
    /// How many were left out.
    public private(set) var droppedCount = 0

    private let sources: RetrievedSources
    private var scanner = CitationMarkerScanner()
    private var texts: [Int: QuotableText] = [:]
    /// A space that goes on with what follows: none is left where a marker was left out.
    private var holdsSpace = false
    /// The number that the text so far ends with, in brackets.
    private var lastMark: Int?
    private var verbatim: VerbatimQuotes

    /// Creates a stream.
    /// - Parameters:
    ///   - sources: what may be cited.
    ///   - verifiedCount: how many citations the answer has already; ids go on from there (default: 0).
    ///   - verbatimWords: how many words of a source, one behind the other, a sentence that the model has not marked must have to be cited all
    ///     the same; 0: none is (default: 0). For scripts that put spaces between words.
    public init(_ sources: RetrievedSources, verifiedCount: Int = 0, verbatimWords: Int = 0) {
        self.sources = sources
        self.verifiedCount = verifiedCount
        verbatim = VerbatimQuotes(sources, fewestWords: verbatimWords)
    }

    /// Takes the next piece of the model's text.
    public mutating func receive(_ text: String) -> [Piece] { scanner.receive(text).flatMap { place($0) } }

    /// The model's text has ended.
    public mutating func finish() -> [Piece] {
        var pieces = scanner.finish().flatMap { place($0) }
        pieces += verbatim.finish().flatMap { place($0) }
        if holdsSpace { pieces.append(.text(" ")) }
        holdsSpace = false
        lastMark = nil
        return pieces
    }

    /// Takes a citation that the model gave beside its text: of a document whose id is a source's number, as ``RetrievedSources/documents``
    /// has them. One that has a number of its own keeps it: the model's text refers to it.
    public mutating func receive(_ citation: Citation) -> [Piece] {
        guard let verified = verify(Int(citation.documentID), citation.text) else { return [] }
        return show(verified, as: citation.referenceNumber)
    }

    // MARK: Pieces

    private mutating func place(_ piece: CitationMarkerScanner.Piece) -> [Piece] {
        switch piece {
        case .text(let text):
            var text = holdsSpace ? " " + text : text
            holdsSpace = text.utf8.last == UInt8(ascii: " ")
            if holdsSpace { text.removeLast() }
            if !text.isEmpty { lastMark = nil }
            return text.isEmpty ? [] : verbatim.receive(text).flatMap { place($0) }
        case .marker(let reference, let quote):
            guard let verified = verify(reference, quote) else {
                holdsSpace = false
                return []
            }
            return show(verified, as: nil)
        }
    }

    private mutating func place(_ piece: VerbatimQuotes.Piece) -> [Piece] {
        switch piece {
        case .text(let text): return [.text(text)]
        case .quote(let quote):
            guard let source = sources.source(quote.number) else { return [] }
            let citation = verified(quote.text, at: quote.offset, in: source, number: quote.number)
            return [.text(" [\(quote.number)]"), .citation(citation)]
        }
    }

    /// - Parameter number: what the model's text refers to the citation by; `nil`: it does not yet.
    private mutating func show(_ citation: Citation, as number: Int?) -> [Piece] {
        var citation = citation
        let space = verbatim.cite()
        let before: [Piece] = space.isEmpty ? [] : [.text(space)]
        guard number == nil, let mark = citation.referenceNumber else {
            citation.referenceNumber = number
            return before + [.citation(citation)]
        }
        // Two quotes of a source, one behind the other, have one mark.
        if lastMark == mark {
            holdsSpace = false
            return before + [.citation(citation)]
        }
        lastMark = mark
        defer { holdsSpace = false }
        return before + [.text((holdsSpace ? " " : "") + "[\(mark)]"), .citation(citation)]
    }

    private mutating func verify(_ number: Int?, _ quote: String?) -> Citation? {
        guard let number, let quote, let source = sources.source(number) else {
            droppedCount += 1
            return nil
        }
        let text = texts[number] ?? QuotableText(source.text)
        texts[number] = text
        guard let found = text.find(quote) else {
            droppedCount += 1
            return nil
        }
        return verified(found.text, at: found.offset, in: source, number: number)
    }

    private mutating func verified(_ text: String, at offset: Int, in source: RetrievedSource, number: Int) -> Citation {
        verifiedCount += 1
        let position = source.position(at: offset)
        return Citation(
            documentID: source.documentID, text: text, page: position.page, section: Self.section(of: position),
            citationID: "cit_\(verifiedCount)", referenceNumber: number, documentTitle: source.title, documentPointer: source.source)
    }

    /// Where in a document something stands, but for the page: slide or sheet and the headings above it, else what there is.
    private static func section(of position: DocumentPosition) -> String? {
        var rest = position
        rest.page = nil
        guard !position.section.isEmpty else { return rest.description.isEmpty ? nil : rest.description }
        let headings = position.section.joined(separator: " › ")
        let place = DocumentPosition(slide: position.slide, sheet: position.sheet).description
        return place.isEmpty ? headings : "\(place), \(headings)"
    }
}
